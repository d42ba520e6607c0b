"""What a hostile client may try, and what it gets."""

import json
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, closing

import pytest
from tests.api.conftest import Serve
from tests.api.site import Site
from tests.api.test_chats import CHAT, asked
from tests.api.test_forms import FORM, PURPOSE, form, part
from tests.databases import on_sqlite

from sutdol.models.fake import FakeServer
from sutdol.serve import protocol

pytestmark = on_sqlite  # nothing here is about the database


def connected(site: Site) -> socket.socket:
    return socket.create_connection(("127.0.0.1", site.port), timeout=20)


def head(method: str, path: str, *lines: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "host: 127.0.0.1", *lines, "", ""]).encode()


def test_a_body_that_trickles_in_is_given_up(serve: Serve) -> None:
    site = serve(server={"patience": 0.5})
    with closing(connected(site)) as client:
        client.sendall(head("POST", CHAT, "content-length: 1000"))
        started = time.monotonic()
        for _ in range(5):
            client.sendall(b"x")
            time.sleep(0.05)
        answer = client.recv(4096)

    assert answer.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(("pause", "status"), [(0.03, b"200"), (0.2, b"408")])
def test_a_large_body_may_take_long_as_long_as_it_goes_on(
    serve: Serve, upstream: FakeServer, pause: float, status: bytes
) -> None:
    site = serve(openai_base_url=upstream.url, server={"patience": 0.5})
    messages = [{"role": "system", "content": "x" * 600_000}, {"role": "user", "content": "hi"}]
    raw = json.dumps({"model": "fake", "messages": messages}).encode()
    with closing(connected(site)) as client:
        client.sendall(head("POST", CHAT, f"content-length: {len(raw)}"))
        for start in range(0, len(raw), 16_000):
            try:
                client.sendall(raw[start : start + 16_000])
            except OSError:
                break
            time.sleep(pause)
        answer = client.recv(4096)

    assert answer.startswith(b"HTTP/1.1 " + status)


def test_a_head_that_trickles_in_is_cut(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.5)
    site = serve()
    with closing(connected(site)) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\n")
        started = time.monotonic()
        assert client.recv(4096) == b""
        assert time.monotonic() - started < 5


def test_a_head_without_end_is_refused(serve: Serve) -> None:
    with closing(connected(serve())) as client:
        client.sendall(b"GET /health HTTP/1.1\r\n" + b"x-a: 1\r\n" * 10_000)
        assert client.recv(4096).startswith(b"HTTP/1.1 431")


def test_a_body_that_comes_after_the_answer_holds_no_connection(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.5)
    with closing(connected(serve(auth=True))) as client:
        client.sendall(head("POST", CHAT, "content-length: 1"))
        assert client.recv(4096).startswith(b"HTTP/1.1 401")
        client.sendall(b"x")
        started = time.monotonic()
        while client.recv(4096):  # head and body may come apart
            pass
        assert time.monotonic() - started < 5


def test_what_comes_during_an_answer_does_not_cut_it(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    with FakeServer(reply=lambda _: "well and good " * 10, pace=0.02) as upstream:
        site = serve(openai_base_url=upstream.url)
        body = json.dumps(asked(stream=True)).encode()
        with closing(connected(site)) as client:
            client.sendall(head("POST", CHAT, f"content-length: {len(body)}") + body)
            answer = client.recv(65_536)
            client.sendall(b"\r\n")
            while more := client.recv(65_536):  # it is cut once the answer is whole
                answer += more

    assert answer.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


OFFER = ["connection: Upgrade, HTTP2-Settings", "UPGRADE: h2c", "http2-settings: AAMAAABkAAQAoA"]
TITLED = b'{"title": "a title of mine"}'
OFFERED = head("POST", "/api/v1/conversations", *OFFER, f"content-length: {len(TITLED)}")


@pytest.mark.parametrize(
    "parts",
    [
        [OFFERED + TITLED],
        [OFFERED, TITLED],
        [OFFERED + TITLED[:12], TITLED[12:]],
        [OFFERED.replace(b"UPGRADE", b"upGrade") + TITLED],
        [*OFFERED.partition(b"\r\nUPGR"), TITLED],
        [*OFFERED.partition(b"UPGRADE"), TITLED],
        [bytes([byte]) for byte in OFFERED + TITLED],
    ],
    ids=["whole", "body later", "body in parts", "mixed case", "in the name", "after it", "bytes"],
)
def test_who_offers_to_speak_another_protocol_is_answered_in_this_one(
    site: Site, parts: list[bytes]
) -> None:
    with closing(connected(site)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(2):
            for one in parts:
                client.sendall(one)
                time.sleep(0.002)  # else they go together
            assert b'"title":"a title of mine"' in answered(client)


def test_offers_may_come_together(site: Site) -> None:
    with closing(connected(site)) as client:
        client.sendall((OFFERED + TITLED) * 3)
        assert answered(client, 3).count(b'"title":"a title of mine"') == 3


def answered(client: socket.socket, count: int = 1) -> bytes:
    """So many answers, each of them an object as JSON."""
    answer = b""
    while answer.count(b"HTTP/1.1") < count or not answer.endswith(b"}"):
        more = client.recv(65_536)
        assert more, answer
        answer += more
    return answer


def test_a_body_stays_as_it_is_beside_an_offer(site: Site) -> None:
    content = b"\nUpgrade: 1\r\nupgrade: 2\nupg"
    body = form(part("file", content, "a.txt"), PURPOSE)
    lines = [*OFFER, f"content-type: {FORM['content-type']}", f"content-length: {len(body)}"]
    cut = body.index(content) + len(content)
    with closing(connected(site)) as client:
        client.sendall(head("POST", "/v1/files", *lines) + body[:cut])
        time.sleep(0.002)
        client.sendall(body[cut:])
        answer = answered(client)
    id_ = json.loads(answer.partition(b"\r\n\r\n")[2])["id"]

    assert site.get(f"/v1/files/{id_}/content").body == content


def test_many_requests_over_one_connection_are_each_admitted(serve: Serve) -> None:
    with closing(connected(serve())) as client:
        for _ in range(200):
            client.sendall(head("GET", "/health", "x-fill: " + "y" * 1_000))
            answer = b""
            while not answer.endswith(b'{"status":"ok"}'):  # head and body may come apart
                answer += client.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("told", [True, False])
def test_a_hundred_megabytes_are_not_taken_in(serve: Serve, told: bool) -> None:
    site = serve(server={"body": 1_000_000})
    lines = ["content-length: 100000000"] if told else ["transfer-encoding: chunked"]
    with closing(connected(site)) as client:
        client.sendall(head("POST", CHAT, *lines))
        sent, block = 0, b"x" * 65_536
        try:
            while sent < 100_000_000:
                client.sendall(block if told else b"10000\r\n" + block + b"\r\n")
                sent += len(block)
        except OSError:
            pass
    assert sent < 60_000_000
    assert site.get("/health").status == 200


def test_a_body_said_to_be_larger_than_it_may_be_is_refused_at_once(serve: Serve) -> None:
    with closing(connected(serve(server={"body": 1_000_000}))) as client:
        client.sendall(head("POST", CHAT, "content-length: 100000000"))
        assert client.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_thousand_idle_streams_leave_room_for_others(serve: Serve) -> None:
    with FakeServer(reply=lambda _: "word " * 20, pace=30) as upstream, ExitStack() as stack:
        site = serve(openai_base_url=upstream.url, gateway={"in_flight": 1_000})
        for _ in range(300):
            stack.enter_context(site.open("POST", CHAT, asked(stream=True)))
        for _ in range(700):
            stack.enter_context(closing(connected(site)))
        started = time.monotonic()
        assert site.get("/health").status == 200
        assert time.monotonic() - started < 2


def test_more_connections_than_allowed_are_told_to_come_back(serve: Serve) -> None:
    site = serve(server={"connections": 20})
    with ExitStack() as stack:
        for _ in range(25):
            stack.enter_context(closing(connected(site)))
        time.sleep(0.2)
        assert site.get("/health").status == 503
    time.sleep(0.2)
    assert site.get("/health").status == 200


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x00\x01\x02\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n"
        b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /v1/models/../../etc/passwd HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
        b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
        b"GET /v1/models/%00 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
        b"GET /v1/models/" + b"a" * 20_000 + b" HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
    ],
)
def test_what_is_no_request_of_ours_is_refused_and_nothing_breaks(site: Site, line: bytes) -> None:
    with closing(connected(site)) as client:
        client.sendall(line)
        client.settimeout(5)
        answer = client.recv(4096)

    assert answer[:10] in (b"", b"HTTP/1.1 4")
    assert b"root:" not in answer
    assert site.get("/health").status == 200


def test_a_slow_reader_holds_nobody_up(serve: Serve) -> None:
    with FakeServer(reply=lambda _: "word " * 50_000) as upstream:
        site = serve(openai_base_url=upstream.url)
        with site.open("POST", CHAT, asked(stream=True)) as response:
            assert response.read(10)
            started = time.monotonic()
            assert site.post(CHAT, asked() | {"max_tokens": 3}).status == 200
            assert time.monotonic() - started < 5


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip"])
def test_what_comes_through_a_proxy_needs_a_key(
    serve: Serve, new_key: Callable[..., str], header: str
) -> None:
    through = {header: "203.0.113.9"}
    answer = serve().get("/v1/models", headers=through)
    assert answer.status == 403
    assert "auth: on" in answer.error["message"]

    locked = serve(auth=True)
    assert locked.get("/v1/models", key=new_key("kim", "user"), headers=through).status == 200
    assert locked.get("/metrics").status == 200
    assert locked.get("/metrics", headers=through).status == 401


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "application/json"])
def test_a_body_of_ours_is_json_whatever_curl_calls_it(site: Site, kind: str) -> None:
    answer = site.post("/api/v1/conversations", {"title": "one"}, headers={"content-type": kind})

    assert answer.status == 201
    assert answer.json["title"] == "one"


def test_names_of_the_server_are_given_with_commas(serve: Serve) -> None:
    site = serve(server={"hosts": "ai.example.com, b.example.com"})

    assert site.get("/health", headers={"host": "b.example.com:8080"}).status == 200
    assert site.get("/health", headers={"host": "c.example.com"}).status == 403
