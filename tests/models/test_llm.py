"""Asking a language model over HTTP: many at once, patient when busy, clear when it fails."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import monotonic

import pytest

from sutdol.core.errors import EngineError, NotReady, SutdolError, UsageError
from sutdol.models.fake import Asked, FakeServer, Fault
from sutdol.models.llm import Llm, Message, _seconds

KEY = "sk-very-secret"
HELLO = [Message(role="system", content="be brief"), Message(role="user", content="hello there")]
BUSY = Fault(status=429)


def llm(server: FakeServer, *, timeout: float = 10.0, api_key: str = KEY) -> Llm:
    return Llm(base_url=server.url, model="whet:1b", api_key=api_key, timeout=timeout)


def failure(faults: list[Fault], timeout: float = 10.0) -> SutdolError:
    with FakeServer(faults=faults) as server, pytest.raises(SutdolError) as raised:
        llm(server, timeout=timeout).complete(HELLO)
    return raised.value


def test_asks_as_openai_wants_to_be_asked() -> None:
    with FakeServer() as server:
        answer = llm(server).complete(HELLO, temperature=0.2, seed=5, max_tokens=9)
    assert answer == "there hello"
    (asked,) = server.requests
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert asked.body == {
        "model": "whet:1b",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "hello there"},
        ],
        "temperature": 0.2,
        "seed": 5,
        "max_tokens": 9,
    }


def test_without_a_key_none_is_sent() -> None:
    with FakeServer() as server:
        llm(server, api_key="").complete(HELLO)
    assert "Authorization" not in server.requests[0].headers


def test_a_large_seed_is_cut_to_what_servers_take() -> None:
    with FakeServer() as server:
        llm(server).complete(HELLO, seed=2**63 + 5)
    assert server.requests[0].body["seed"] == 5


def test_a_slash_after_the_address_does_not_matter() -> None:
    with FakeServer() as server:
        assert Llm(base_url=f"{server.url}/", model="m").complete(HELLO) == "there hello"


def test_many_are_answered_in_order() -> None:
    faults = [Fault(delay=0.1), None, Fault(delay=0.05)]
    many = [[Message(role="user", content=f"number {i}")] for i in range(20)]
    with FakeServer(faults=faults) as server:
        answers = llm(server).complete_many(many, concurrency=4)
    assert answers == [f"{i} number" for i in range(20)]


def test_none_are_answered_by_nothing() -> None:
    with FakeServer() as server:
        assert llm(server).complete_many([]) == []


@pytest.mark.parametrize(("concurrency", "most"), [(1, 1), (3, 3)])
def test_no_more_are_asked_at_once_than_wanted(concurrency: int, most: int) -> None:
    with FakeServer(faults=[Fault(delay=0.02)] * 9) as server:
        begin = monotonic()
        llm(server).complete_many([HELLO] * 9, concurrency=concurrency)
    assert monotonic() - begin >= 0.02 * 9 / most


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(status: int) -> None:
    with FakeServer(faults=[Fault(status=status)]) as server:
        assert llm(server).complete(HELLO) == "there hello"
    assert len(server.requests) == 2


def test_a_broken_connection_is_tried_again() -> None:
    with FakeServer(faults=[Fault(closed=True)]) as server:
        assert llm(server).complete(HELLO) == "there hello"


def test_waits_as_long_as_the_server_asks() -> None:
    with FakeServer(faults=[Fault(status=429, headers={"Retry-After": "0.2"})]) as server:
        begin = monotonic()
        llm(server).complete(HELLO)
    assert monotonic() - begin >= 0.2


def test_does_not_wait_beyond_its_deadline() -> None:
    begin = monotonic()
    error = failure([Fault(status=429, headers={"Retry-After": "3600"})])
    assert monotonic() - begin < 2
    assert isinstance(error, EngineError)
    assert "HTTP 429" in str(error)
    assert "asks to wait 3600 seconds" in str(error)


def test_gives_up_on_a_server_that_stays_busy() -> None:
    error = failure([BUSY] * 9, timeout=0.2)
    assert isinstance(error, EngineError)
    assert "The language model 'whet:1b' at http://127.0.0.1" in str(error)
    assert "HTTP 429, 'The fake was told to fail.'" in str(error)


def test_gives_up_on_a_server_that_is_too_slow() -> None:
    error = failure([Fault(delay=5)], timeout=0.1)
    assert isinstance(error, EngineError)
    assert "did not answer within 0.1 seconds" in str(error)


def test_one_failure_ends_all_and_is_no_group() -> None:
    faults = [None, Fault(status=400), *[Fault(delay=5)] * 8]
    with FakeServer(faults=faults) as server:
        begin = monotonic()
        with pytest.raises(EngineError, match="HTTP 400"):
            llm(server).complete_many([HELLO] * 10)
    assert monotonic() - begin < 4


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        (Fault(body="<html>oops"), EngineError, "answered no JSON: '<html>oops'"),
        (Fault(body="[" * 100_000), EngineError, "answered no JSON"),
        (Fault(body="{}"), EngineError, "answered without a choice"),
        (Fault(body="[]"), EngineError, "answered without a choice"),
        (Fault(body='{"choices": []}'), EngineError, "answered without a choice"),
        (Fault(body='{"choices": [{"message": null}]}'), EngineError, "without a choice"),
        (Fault(status=400, body='{"error": "bad \\n input"}'), EngineError, "'bad input'"),
        (Fault(status=401), NotReady, "set OPENAI_API_KEY"),
        (Fault(status=403), NotReady, "set OPENAI_API_KEY"),
        (Fault(status=404), NotReady, "ollama pull whet:1b"),
    ],
)
def test_says_what_went_wrong_and_asks_once(
    fault: Fault, kind: type[SutdolError], said: str
) -> None:
    error = failure([fault])
    assert isinstance(error, kind)
    assert said in str(error)


def test_no_content_is_an_empty_answer() -> None:
    body = '{"choices": [{"message": {"role": "assistant", "content": null}}]}'
    with FakeServer(faults=[Fault(body=body)]) as server:
        assert llm(server).complete(HELLO) == ""


def test_nobody_there_says_where_and_what_to_do() -> None:
    with FakeServer() as server:
        gone = llm(server)
    with pytest.raises(NotReady) as raised:
        gone.complete(HELLO)
    assert server.url in str(raised.value)
    assert "refused" in str(raised.value)
    assert "`ollama serve`" in str(raised.value)
    assert "OPENAI_BASE_URL" in str(raised.value)


@pytest.mark.parametrize("status", [400, 401, 404, 503], ids=lambda status: f"HTTP {status}")
def test_the_key_is_never_shown(status: int) -> None:
    def reply(asked: Asked) -> str:
        raise AssertionError

    body = f'{{"error": {{"message": "bad key {KEY}"}}}}'
    with FakeServer(reply, faults=[Fault(status=status, body=body)] * 9) as server:
        asking = llm(server, timeout=0.2)
        with pytest.raises(SutdolError) as raised:
            asking.complete(HELLO)
    assert KEY not in str(raised.value)
    assert "bad key ***" in str(raised.value)
    assert KEY not in repr(asking)


def test_a_password_in_the_address_is_not_shown() -> None:
    with FakeServer() as server:
        port = server.url.split(":")[2]
    secret = Llm(base_url=f"http://me:hush@127.0.0.1:{port}", model="m")
    with pytest.raises(NotReady) as raised:
        secret.complete(HELLO)
    assert "hush" not in str(raised.value) + repr(secret)


@pytest.mark.parametrize(
    "url", ["", "localhost:11434", "ftp://x/v1", "http://", "http://[", "http://x:y"]
)
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(UsageError, match="OPENAI_BASE_URL must be an address"):
        Llm(base_url=url, model="m")


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        ("", 0, 0),
        ("soon", 0, 0),
        ("-3", 0, 0),
        ("nan", 0, 0),
        ("1.5", 1.5, 1.5),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0, 0),
    ],
)
def test_reads_how_long_to_wait(said: str, least: float, most: float) -> None:
    assert least <= _seconds(said) <= most


def test_reads_until_when_to_wait() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=60)
    assert 55 < _seconds(format_datetime(soon, usegmt=True)) <= 60


def test_can_be_handed_on_as_a_function() -> None:
    with FakeServer() as server:
        complete: Callable[..., list[str]] = llm(server).complete_many
        assert complete([HELLO], seed=3) == ["there hello"]
