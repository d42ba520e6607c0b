"""Several processes on one home: what one changes, the others see; Redis lets them count as one."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.api.conftest import Home, Serve
from tests.api.site import Site, until
from tests.api.test_battles import CURL, SMALL, URL
from tests.api.test_chats import CHAT, asked
from tests.redis_server import RedisServer, redis_server

from sutdol.api.events import Hub
from sutdol.app import Sutdol
from sutdol.flows import engine
from sutdol.loop import promote
from sutdol.models.fake import FakeServer
from sutdol.storage import versions


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as one:
        yield one


def test_a_key_has_one_quota_in_all_processes(
    serve: Serve, upstream: FakeServer, redis: RedisServer, new_key: Callable[..., str]
) -> None:
    sites = [serve(auth=True, openai_base_url=upstream.url, redis_url=redis.url) for _ in range(2)]
    key = new_key("kim", "user", rpm=4)

    answers = [sites[n % 2].post(CHAT, asked(), key=key).status for n in range(6)]

    assert answers == [200] * 4 + [429] * 2


def test_without_redis_each_process_counts_for_itself(
    serve: Serve, upstream: FakeServer, new_key: Callable[..., str]
) -> None:
    sites = [serve(auth=True, openai_base_url=upstream.url) for _ in range(2)]
    key = new_key("kim", "user", rpm=1)

    assert [site.post(CHAT, asked(), key=key).status for site in sites] == [200, 200]


def test_requests_are_answered_while_redis_is_away(
    serve: Serve, upstream: FakeServer, redis: RedisServer, new_key: Callable[..., str]
) -> None:
    site = serve(auth=True, openai_base_url=upstream.url, redis_url=redis.url)
    key = new_key("kim", "user", rpm=100, tpm=100_000)
    assert site.post(CHAT, asked(), key=key).status == 200
    redis.kill()

    assert [site.post(CHAT, asked(), key=key).status for _ in range(5)] == [200] * 5


def crowned(home: Home, site: Site) -> str:
    """The first version over again, crowned by force."""
    with Sutdol.open(site.settings) as sutdol:
        shop = sutdol.guard
        with sutdol.db.write() as tx:
            first = versions.get(tx, "guard-v1")
            second = replace(first, id="guard-v2", parent=first.id, created_at=shop.now())
            versions.add(tx, second)
        promote.force(shop, second, reason="a test")
    return "guard-v2"


def test_a_promotion_and_its_way_back_are_seen_by_all(
    serve: Serve, home: Home, upstream: FakeServer
) -> None:
    sites = [serve(openai_base_url=upstream.url) for _ in range(2)]

    def judged(name: str) -> Callable[[], bool]:
        return lambda: all(
            f"version={name}" in one.post(CHAT, asked()).headers["x-sutdol-guard"] for one in sites
        )

    assert judged("guard-v1")()
    new = crowned(home, sites[0])
    until(judged(new))  # about 0.6 s where the machine has nothing else to do
    with Sutdol.open(sites[0].settings) as sutdol:
        promote.rollback(sutdol.guard, reason="a test")

    until(judged("guard-v1"))


def test_a_conversation_is_gone_on_with_by_another_process(
    serve: Serve, upstream: FakeServer
) -> None:
    sites = [serve(openai_base_url=upstream.url) for _ in range(2)]
    name = sites[0].post(CHAT, asked("one", store=True)).headers["x-sutdol-conversation"]
    for number in range(6):
        sites[(number + 1) % 2].post(CHAT, asked(f"more {number}", conversation=name))

    assert [len(one.messages) for one in upstream.requests] == [1, 3, 5, 7, 9, 11, 13]


def test_what_a_worker_tells_comes_over_redis_at_once(
    serve: Serve, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody looks by himself here: a minute is longer than the test has."""
    monkeypatch.setitem(Hub.__init__.__kwdefaults__, "every", 60.0)
    sites = [serve(battle=SMALL, redis_url=redis.url) for _ in range(2)]
    path = sites[0].post(URL, {**CURL, "rounds": 1}).json["events"]
    with sites[0].open("GET", path) as one, sites[1].open("GET", path) as other:
        for line in (one, other):
            assert line.readline() == b"retry: 1000\n"
        with Sutdol.open(sites[0].settings) as worker, engine(worker):
            asked = time.monotonic()
            for line in (one, other):
                while line.readline() != b"event: round\n":
                    assert time.monotonic() - asked < 30
