"""A client that goes away: its upstream is let go at once, in each phase of an answer."""

import http.client
import json
import socket
import struct
import time
from contextlib import suppress
from http.client import IncompleteRead

import pytest
from tests.api.conftest import Serve
from tests.api.site import until
from tests.api.test_chats import CHAT, asked, recorded

from sutdol.models.fake import FakeServer, Fault

SOON = 0.2  # seconds within which the upstream must notice


def noticed(upstream: FakeServer, since: float) -> float:
    """Seconds until the upstream saw its client go."""
    until(lambda: upstream.aborted)
    return upstream.aborted[0] - since


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("guard_output", [False, True])
def test_before_the_first_byte(serve: Serve, stream: bool, guard_output: bool) -> None:
    with FakeServer(faults=[Fault(delay=10)]) as upstream:
        site = serve(openai_base_url=upstream.url, gateway={"guard_output": guard_output})
        site.get("/v1/models")
        connection = http.client.HTTPConnection("127.0.0.1", site.port)
        connection.request("POST", CHAT, json.dumps(asked(stream=stream)))
        until(lambda: upstream.requests)
        gone = time.monotonic()
        connection.close()
        assert noticed(upstream, gone) < SOON
        request, _ = recorded(site)

    assert (request.status, request.error) == (499, "client_gone")


@pytest.mark.parametrize("guard_output", [False, True])
@pytest.mark.parametrize("store", [False, True])
def test_in_the_middle_of_a_stream(serve: Serve, guard_output: bool, store: bool) -> None:
    with FakeServer(reply=lambda _: "well and good " * 3_000, pace=0.005) as upstream:
        site = serve(
            openai_base_url=upstream.url, gateway={"guard_output": guard_output, "hold_back": 20}
        )
        with site.open("POST", CHAT, asked(stream=True, store=store)) as response:
            assert response.read(400)
            gone = time.monotonic()
        assert noticed(upstream, gone) < SOON
        request, _ = recorded(site)

    assert request.error == "client_gone"
    assert request.completion_tokens


def test_with_more_requests_on_the_line(serve: Serve) -> None:
    """The one that is being answered is not the last that came."""
    with FakeServer(faults=[Fault(delay=10)]) as upstream:
        site = serve(openai_base_url=upstream.url)
        with socket.create_connection(("127.0.0.1", site.port), timeout=20) as client:
            body = json.dumps(asked(stream=True)).encode()
            head = f"POST {CHAT} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(body)}\r\n\r\n"
            client.sendall(2 * (head.encode() + body))
            until(lambda: upstream.requests)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            gone = time.monotonic()
        assert noticed(upstream, gone) < SOON
        request, _ = recorded(site)

    assert request.error == "client_gone"


def test_those_that_stay_are_not_disturbed(serve: Serve) -> None:
    with FakeServer(reply=lambda _: "well and good " * 20, pace=0.005) as upstream:
        site = serve(openai_base_url=upstream.url)
        for _ in range(5):
            with site.open("POST", CHAT, asked(stream=True)) as response:
                response.read(100)
        answer = site.post(CHAT, asked(stream=True))

    assert answer.events[-1] == "[DONE]"


def test_a_body_that_nobody_reads_and_that_never_comes_ends_a_stream(serve: Serve) -> None:
    site = serve(server={"patience": 0.3})
    flow = site.post("/api/v1/battles", {}).json["id"]
    headers = {"content-length": "5"}
    with site.open("GET", f"/api/v1/battles/{flow}/events", headers=headers) as response:
        started = time.monotonic()
        with suppress(IncompleteRead):
            response.read()
        assert time.monotonic() - started < 5
