"""Requests: written in batches, summed up by anything one pays by, and gone when they are old."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from sutdol.core.errors import BadInput, UnknownName
from sutdol.storage import decisions, engines, requests
from sutdol.storage.database import Database
from sutdol.storage.decisions import Decided
from sutdol.storage.requests import Request, Usage
from sutdol.storage.writer import Change, Row, Writer

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
CHAT = Request(
    id="r",
    user="kim",
    key="k1",
    route="/v1/chat/completions",
    model="qwen",
    upstream="vllm",
    status=200,
    stream=True,
    prompt_tokens=10,
    completion_tokens=5,
    cost=0.25,
    milliseconds=12.5,
    first_milliseconds=3.5,
    created_at=MIDNIGHT,
)
SEEN = Decided(
    id="d",
    request="r",
    side="input",
    digest="0" * 64,
    version="guard-v1",
    flagged=False,
    blocked=False,
    score=0.125,
    categories={"hate": 0.125},
    created_at=MIDNIGHT,
)


class Counted(Database):
    """It counts how often somebody was let write."""

    turns = 0

    @contextmanager
    def write(self) -> Iterator[Connection]:
        self.turns += 1
        with super().write() as tx:
            yield tx


def write(db: Database, *rows: Row | Change) -> None:
    """As a server does."""
    writer = Writer(db)
    writer.write_through(rows)
    writer.close()


def keep(db: Database, *changed: dict[str, Any]) -> list[Request]:
    made = [replace(CHAT, **({"id": f"r{n}"} | one)) for n, one in enumerate(changed)]
    write(db, *map(requests.row, made))
    return made


def summed(db: Database, by: requests.By, **only: str) -> dict[str, Usage]:
    span = {"since": MIDNIGHT - 48 * HOUR, "until": MIDNIGHT + 48 * HOUR}
    with db.read() as tx:
        found = requests.usage(tx, by=by, **span, **only)
    assert [one.name for one in found] == sorted(one.name for one in found)
    return {one.name: one for one in found}


def test_what_is_written_is_read(db: Database) -> None:
    bare = Request(id="bare", route="/x", status=404, milliseconds=0.5, created_at=MIDNIGHT)
    write(db, requests.row(CHAT), requests.row(bare))
    with db.read() as tx:
        assert [requests.get(tx, one) for one in ("r", "bare")] == [CHAT, bare]
        for unknown in ("none", "a\x00\ud800", "x" * 999):
            with pytest.raises(UnknownName, match="No request"):
                requests.get(tx, unknown)


def test_what_a_client_calls_a_model_cannot_spoil_a_batch(db: Database) -> None:
    keep(db, {"model": "m\x00\ud800" * 200}, {"model": "fine"})
    with db.read() as tx:
        assert requests.get(tx, "r0").model == "m\ufffd\ufffd" * 66 + "m\ufffd"
        assert requests.get(tx, "r1").model == "fine"


def test_usage_adds_up_tokens_cost_and_errors(db: Database) -> None:
    keep(
        db,
        {},
        {"prompt_tokens": None, "completion_tokens": None, "cost": None, "status": 502},
        {"status": 400, "error": "content_filter", "cost": 0.5, "completion_tokens": 0},
        {"user": "lee", "key": None},
    )
    kim = Usage(
        name="kim",
        requests=3,
        errors=2,
        blocked=1,
        prompt_tokens=20,
        completion_tokens=5,
        cost=0.75,
    )
    assert summed(db, "user") == {
        "kim": kim,
        "lee": replace(
            kim, name="lee", requests=1, errors=0, blocked=0, prompt_tokens=10, cost=0.25
        ),
    }
    assert {name: one.requests for name, one in summed(db, "key").items()} == {"": 1, "k1": 3}


def test_usage_goes_by_model_route_and_day_in_utc(db: Database) -> None:
    seoul = datetime.fromisoformat("2026-03-02T08:59:59.999999+09:00")  # the day before in UTC
    keep(db, {}, {"created_at": seoul, "model": "한국어"}, {"route": "/v1/embeddings"})
    assert {n: one.requests for n, one in summed(db, "day").items()} == {
        "2026-03-01": 1,
        "2026-03-02": 2,
    }
    assert {n: one.requests for n, one in summed(db, "model").items()} == {"qwen": 2, "한국어": 1}
    assert set(summed(db, "route")) == {"/v1/chat/completions", "/v1/embeddings"}


def test_usage_is_of_one_user_or_key_and_of_its_time(db: Database) -> None:
    keep(db, {}, {"user": "lee"}, {"key": "k2"}, {"created_at": MIDNIGHT + HOUR})
    assert summed(db, "user", user="lee")["lee"].requests == 1
    assert summed(db, "user", key="k2")["kim"].requests == 1
    assert summed(db, "user", user="nobody") == {}
    with db.read() as tx:
        first = requests.usage(tx, since=MIDNIGHT, until=MIDNIGHT + HOUR, by="day")
        last = requests.usage(tx, since=MIDNIGHT + HOUR, until=MIDNIGHT + 2 * HOUR, by="day")
    assert (first[0].requests, last[0].requests) == (3, 1)


def test_tokens_of_a_key_count_from_a_moment_on(db: Database) -> None:
    keep(
        db,
        {"created_at": MIDNIGHT - HOUR},
        {},
        {"completion_tokens": None},
        {"key": "k2", "prompt_tokens": 999},
    )
    with db.read() as tx:
        assert requests.tokens_since(tx, "k1", MIDNIGHT) == 25
        assert requests.tokens_since(tx, "none", MIDNIGHT) == 0


def test_pages_show_every_request_once_newest_first(db: Database) -> None:
    made = keep(db, *({"created_at": MIDNIGHT + n // 3 * HOUR} for n in range(8)), {"user": "lee"})
    expected = sorted(made[:-1], key=lambda one: (one.created_at, one.id), reverse=True)
    found: list[Request] = []
    before = None
    with db.read() as tx:
        while page := requests.newest(tx, user="kim", limit=3, before=before):
            found += page
            before = page[-1].cursor
        assert found == expected
        assert len(requests.newest(tx)) == 9


@pytest.mark.parametrize("cursor", ["", "x", "1e9.r", f"{10**40}.r", "9" * 5000, "½.r"])
def test_a_cursor_that_is_none_is_refused(db: Database, cursor: str) -> None:
    with db.read() as tx, pytest.raises(BadInput, match="is no end of a page"):
        requests.newest(tx, before=cursor)


def test_a_cursor_with_an_impossible_id_is_no_fault(db: Database) -> None:
    keep(db, {})
    with db.read() as tx:
        assert requests.newest(tx, before="0.\x00\ud800") == []


def test_old_requests_and_their_decisions_go(db: Database) -> None:
    keep(db, {"created_at": MIDNIGHT - HOUR}, {})
    write(
        db,
        decisions.row(replace(SEEN, id="d0", request="r0", created_at=MIDNIGHT - HOUR)),
        decisions.row(replace(SEEN, id="d1", request="r1")),
    )
    assert requests.prune(db, MIDNIGHT) == 2
    assert requests.prune(db, MIDNIGHT) == 0
    with db.read() as tx:
        assert [one.id for one in requests.newest(tx)] == ["r1"]
        assert decisions.of_request(tx, "r0") == []
        assert len(decisions.of_request(tx, "r1")) == 1


def test_many_old_requests_go_little_by_little(db: Database, database_url: str) -> None:
    many = 2 * requests.BATCH + 1
    old = [replace(CHAT, id=f"r{n}", created_at=MIDNIGHT - HOUR) for n in range(many)]
    write(db, *map(requests.row, [*old, replace(CHAT, id="young")]))
    with Counted(engines.parsed(database_url), wait=5) as counted:
        assert requests.prune(counted, MIDNIGHT) == many
    assert counted.turns == 4  # one of them for decisions
    with db.read() as tx:
        assert [one.id for one in requests.newest(tx)] == ["young"]


def test_decisions_are_found_by_request(db: Database) -> None:
    later = replace(
        SEEN,
        id="c",
        side="output",
        flagged=True,
        blocked=True,
        created_at=MIDNIGHT + HOUR,
    )
    flagged = replace(later, id="b", request="other", blocked=False)
    write(db, *map(decisions.row, (later, SEEN, flagged)))
    with db.read() as tx:
        assert decisions.of_request(tx, "r") == [SEEN, later]
        assert decisions.get(tx, "b") == flagged
        with pytest.raises(UnknownName, match="No decision"):
            decisions.get(tx, "none")
