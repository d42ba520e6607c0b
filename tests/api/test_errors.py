"""Errors as clients read them, on the routes that a framework reads the bodies of."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection

import pytest
from tests.api.conftest import Serve
from tests.api.site import Site
from tests.databases import on_sqlite

from sutdol.api import errors
from sutdol.chat.quota import OverLimit
from sutdol.core.errors import Busy, LimitReached, SutdolError, Unavailable

TALKS = "/api/v1/conversations"
HEAD = (
    f"POST {TALKS} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    "content-length: 1000\r\n\r\n"
).encode()


@on_sqlite
def test_a_body_whose_length_is_not_told_ends_at_the_limit(serve: Serve) -> None:
    site = serve(server={"body": 2_000})

    def pieces() -> Iterator[bytes]:
        yield from [b" " * 1_000] * 5

    with closing(HTTPConnection("127.0.0.1", site.port, timeout=20)) as client:
        client.request("POST", TALKS, pieces(), {"content-type": "application/json"})
        with client.getresponse() as answer:
            told = json.loads(answer.read())["error"]

    assert (answer.status, told["code"]) == (413, "too_large")
    assert "2,000" in told["message"]


@on_sqlite
def test_a_body_that_does_not_come_is_given_up(serve: Serve) -> None:
    site = serve(server={"patience": 0.3})
    with closing(socket.create_connection(("127.0.0.1", site.port), timeout=20)) as client:
        client.sendall(HEAD + b"{")
        answer = client.recv(4096)

    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"too_slow"' in answer


@on_sqlite
def test_a_client_that_goes_away_while_it_asks_has_made_no_mistake(site: Site) -> None:
    with closing(socket.create_connection(("127.0.0.1", site.port), timeout=20)) as client:
        client.sendall(HEAD + b"{")
        time.sleep(0.1)
    counted = f'sutdol_http_requests_total{{method="POST",route="{TALKS}",status="499"}}'
    deadline = time.monotonic() + 10
    while counted not in site.get("/metrics").body.decode():
        assert time.monotonic() < deadline, "it was never counted"
        time.sleep(0.01)


@on_sqlite
@pytest.mark.parametrize("raw", [b"{", b'{"title": "a",}', b"nothing", b'"\\x"'])
def test_a_body_that_is_no_json_is_told_as_such(site: Site, raw: bytes) -> None:
    answer = site.post(TALKS, raw)

    assert answer.status == 400
    assert answer.error["message"] == "The body is no JSON."
    assert answer.error["param"] is None


@on_sqlite
def test_a_field_that_is_wrong_is_told_in_words(locked: Site, new_key: Callable[..., str]) -> None:
    for path, body, message, param in (
        (TALKS, {"title": 5}, "'title': input should be a valid string.", "title"),
        (TALKS, {"messages": [{"role": "user"}]}, "field required", "messages.0.content"),
        ("/api/v1/keys", {"name": "a", "expires_at": "soon"}, "'expires_at': a time", "expires_at"),
        (TALKS, [], "The body: input should be an object.", None),
    ):
        answer = locked.post(path, body)
        assert answer.status == 422
        assert message in answer.error["message"], answer.error
        assert "Value error" not in answer.error["message"]
        assert answer.error["param"] == param
    assert locked.get(f"{TALKS}?limit=x").error["param"] == "query.limit"


@pytest.mark.parametrize(
    ("error", "seconds", "thousandths"),
    [
        (OverLimit("full", 1.4), "2", "1400"),
        (OverLimit("full", 0.0004), "1", "1"),
        (OverLimit("full", 59.001), "60", "59001"),
        (Unavailable("away"), "1", "1000"),
        (Busy("taken"), "1", "1000"),
        (LimitReached("over", retry=7.0), "7", "7000"),
        (LimitReached("no more of it"), None, None),
    ],
)
def test_nobody_is_told_to_come_again_too_soon(
    error: SutdolError, seconds: str | None, thousandths: str | None
) -> None:
    told = errors.headers(error)

    assert (told.get("retry-after"), told.get("retry-after-ms")) == (seconds, thousandths)
