"""The fake model server: what it answers, how it fails, what it remembers."""

import asyncio
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import monotonic, sleep
from typing import Any

import aiohttp
import pytest

from sutdol.models.fake import Asked, FakeServer, Fault
from sutdol.models.fake_vectors import embeddings

ASKED: dict[str, object] = {
    "model": "m",
    "messages": [{"role": "user", "content": "sharpen the old knife"}],
}
STREAM = ASKED | {"stream": True}


def post(
    server: FakeServer, body: object = ASKED, path: str = "chat/completions"
) -> tuple[int, str, dict[str, str]]:
    async def ask() -> tuple[int, str, dict[str, str]]:
        data = body if isinstance(body, str) else json.dumps(body)
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{server.url}/{path}", data=data) as response,
        ):
            return response.status, await response.text(), dict(response.headers)

    return asyncio.run(ask())


def get(url: str) -> tuple[int, Any]:
    async def ask() -> tuple[int, Any]:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return response.status, await response.json()

    return asyncio.run(ask())


def content(answer: str) -> str:
    return str(json.loads(answer)["choices"][0]["message"]["content"])


def events(text: str) -> list[str]:
    """What the events of a stream carry."""
    *lines, rest = text.split("\n\n")
    assert rest == ""
    assert all(line.startswith("data: ") for line in lines)
    return [line.removeprefix("data: ") for line in lines]


def leave(server: FakeServer, body: dict[str, object]) -> float:
    """Ask, leave a little later, and wait: how long the server took to notice."""

    async def ask() -> float:
        async with aiohttp.ClientSession() as session:
            begin = monotonic()
            with suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    async with session.post(f"{server.url}/chat/completions", json=body) as one:
                        await one.read()
            return begin + 0.1

    left = asyncio.run(ask())
    while not server.aborted and monotonic() < left + 2:
        sleep(0.002)
    return server.aborted[0] - left


def words(stream: str) -> str:
    """What a stream says, in the chunks that it has."""
    chunks = [json.loads(event) for event in events(stream)]
    return "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)


def test_answers_like_openai() -> None:
    with FakeServer(reply=lambda asked: f"so: {asked.last}") as server:
        status, text, _ = post(server)
    answer = json.loads(text)
    assert status == 200
    assert answer["object"] == "chat.completion"
    assert answer["model"] == "m"
    assert content(text) == "so: sharpen the old knife"
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"] == {"prompt_tokens": 4, "completion_tokens": 5, "total_tokens": 9}


def test_says_the_same_each_time() -> None:
    with FakeServer() as one, FakeServer() as other:
        assert post(one)[1] == post(other)[1]
        assert content(post(one)[1]) == "knife old the sharpen"


def test_remembers_what_it_was_asked() -> None:
    with FakeServer() as server:
        post(server)
        post(server, ASKED | {"seed": 7})
    assert [asked.body.get("seed") for asked in server.requests] == [None, 7]
    assert server.requests[0].messages == (("user", "sharpen the old knife"),)


def test_lists_its_models() -> None:
    with FakeServer(model="whetstone") as server:
        assert [one["id"] for one in get(f"{server.url}/models")[1]["data"]] == ["whetstone"]
    with FakeServer(model=["a", "org/b:1"]) as server:
        assert [one["id"] for one in get(f"{server.url}/models")[1]["data"]] == ["a", "org/b:1"]


def test_shows_one_model_and_knows_no_other() -> None:
    with FakeServer(model=["a", "org/b:1"]) as server:
        assert get(f"{server.url}/models/org/b:1")[1]["id"] == "org/b:1"
        status, answer = get(f"{server.url}/models/b")
    assert status == 404
    assert answer["error"]["code"] == "model_not_found"
    assert answer["error"]["param"] == "model"


def test_fails_as_told_and_then_answers() -> None:
    faults = [Fault(status=429, headers={"Retry-After": "7"}), None, Fault(body="{oops")]
    with FakeServer(faults=faults) as server:
        status, text, headers = post(server)
        assert (status, headers["Retry-After"]) == (429, "7")
        assert "told to fail" in json.loads(text)["error"]["message"]
        assert post(server)[0] == 200
        assert post(server)[:2] == (200, "{oops")
        assert post(server)[0] == 200


def test_closes_the_connection_as_told() -> None:
    with (
        FakeServer(faults=[Fault(closed=True)]) as server,
        pytest.raises(aiohttp.ServerDisconnectedError),
    ):
        post(server)


def test_answers_late_as_told() -> None:
    with FakeServer(faults=[Fault(delay=0.1)]) as server:
        begin = monotonic()
        assert post(server)[0] == 200
    assert monotonic() - begin >= 0.1


def test_does_not_wait_for_late_answers_when_it_stops() -> None:
    async def give_up(url: str) -> None:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await session.post(f"{url}/chat/completions", json=ASKED)

    begin = monotonic()
    with FakeServer(faults=[Fault(delay=60)]) as server:
        asyncio.run(give_up(server.url))
    assert monotonic() - begin < 5


@pytest.mark.parametrize(
    "body", ["{", "[]", "{}", {"messages": []}, {"messages": ["hi"]}, {"messages": [{}]}]
)
def test_a_bad_request_is_refused_and_not_recorded(body: object) -> None:
    with FakeServer() as server:
        assert post(server, body)[0] == 400
    assert server.requests == []


def test_a_reply_may_depend_on_all_that_was_asked() -> None:
    def reply(asked: Asked) -> str:
        return f"{asked.messages[0][0]} {asked.body['model']} {asked.headers['Host']}"

    with FakeServer(reply=reply) as server:
        assert content(post(server)[1]).startswith("user m 127.0.0.1:")


def test_a_taken_port_is_an_error_and_no_endless_wait() -> None:
    with FakeServer() as server:
        port = int(server.url.split(":")[2].split("/")[0])
        with pytest.raises(OSError, match="address already in use"), FakeServer(port=port):
            pass


def test_a_port_that_cannot_be_is_an_error_too() -> None:
    with pytest.raises(OverflowError), FakeServer(port=99_999):
        pass


def test_streams_its_answer() -> None:
    with FakeServer() as server:
        status, text, headers = post(server, STREAM | {"stream_options": {"include_usage": True}})
    *found, usage, end = events(text)
    assert (status, headers["Content-Type"]) == (200, "text/event-stream")
    assert words("".join(f"data: {one}\n\n" for one in found)) == "knife old the sharpen"
    assert json.loads(found[-1])["choices"][0]["finish_reason"] == "stop"
    assert json.loads(usage)["usage"]["total_tokens"] == 8
    assert end == "[DONE]"


def test_a_stream_tells_its_usage_only_when_asked() -> None:
    with FakeServer() as server:
        for options in ({}, {"stream_options": None}, {"stream_options": {"include_usage": False}}):
            assert "usage" not in post(server, STREAM | options)[1]


def test_a_stream_keeps_its_pace() -> None:
    with FakeServer(reply=lambda _: "a b", pace=0.03) as server:
        begin = monotonic()
        assert len(events(post(server, STREAM)[1])) == 5
    assert monotonic() - begin >= 4 * 0.03


def test_reads_all_forms_of_content() -> None:
    parts = [
        {"type": "text", "text": "an old "},
        {"type": "image_url", "image_url": {"url": "x"}},
        {"type": "text", "text": "knife"},
    ]
    call: dict[str, object] = {"role": "assistant", "content": None, "tool_calls": []}
    messages = [{"role": "developer", "content": "cut"}, call, {"role": "user", "content": parts}]
    with FakeServer() as server:
        assert content(post(server, {"messages": messages})[1]) == "knife old an"
    assert server.requests[0].messages == (
        ("developer", "cut"), ("assistant", ""), ("user", "an old knife")
    )  # fmt: skip


def test_embeds() -> None:
    with FakeServer(model="whetstone") as server:
        status, text, _ = post(server, {"input": ["a b", "c"]}, "embeddings")
    assert status == 200
    assert json.loads(text) == embeddings({"input": ["a b", "c"]}, "whetstone")
    assert (server.requests[0].path, server.finished) == ("/v1/embeddings", 1)


@pytest.mark.parametrize("body", ["{", [], {}, {"input": []}])
def test_embeds_nothing_else(body: object) -> None:
    with FakeServer() as server:
        assert post(server, body, "embeddings")[0] == 400
    assert server.requests == []


def test_embeddings_fail_as_told() -> None:
    with FakeServer(faults=[Fault(status=503)]) as server:
        assert [post(server, {"input": "a"}, "embeddings")[0] for _ in "ab"] == [503, 200]


def test_notices_that_the_client_of_a_stream_has_gone() -> None:
    with FakeServer(reply=lambda _: "word " * 99, pace=0.02) as server:
        assert 0 <= leave(server, STREAM) < 0.2
        assert (len(server.aborted), server.finished) == (1, 0)


def test_notices_that_the_client_of_a_stalled_stream_has_gone() -> None:
    with FakeServer(faults=[Fault(after=1, delay=5)]) as server:
        assert 0 <= leave(server, STREAM) < 0.2


@pytest.mark.parametrize("body", [ASKED, STREAM])
def test_notices_that_a_client_would_not_wait(body: dict[str, object]) -> None:
    with FakeServer(faults=[Fault(delay=5)]) as server:
        assert 0 <= leave(server, body) < 0.2
        assert (len(server.aborted), server.finished) == (1, 0)


def test_clients_that_stay_have_not_left() -> None:
    cut = [Fault(closed=True), Fault(closed=True, after=2)]
    with FakeServer(faults=[None, None, Fault(status=500), *cut]) as server:
        for body in (ASKED, STREAM, ASKED, STREAM, STREAM):
            with suppress(aiohttp.ClientError):
                post(server, body)
    assert (server.aborted, server.finished) == ([], 2)


def test_stopping_the_server_is_no_client_that_leaves() -> None:
    with ThreadPoolExecutor() as threads:
        with FakeServer(faults=[Fault(delay=60)]) as server:
            asking = threads.submit(post, server)
            while not server.requests:
                sleep(0.002)
        with pytest.raises(aiohttp.ServerDisconnectedError):
            asking.result()
    assert server.aborted == []


def partly(fault: Fault, body: dict[str, object] = STREAM) -> tuple[str, bool]:
    """What a client reads of a stream that goes wrong, and whether it was cut off."""

    async def ask(url: str) -> tuple[str, bool]:
        read = b""
        async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
            try:
                async for part in response.content.iter_any():
                    read += part
            except aiohttp.ClientPayloadError:
                return read.decode(), True
        return read.decode(), False

    with FakeServer(faults=[fault]) as server:
        return asyncio.run(ask(f"{server.url}/chat/completions"))


def test_a_stream_is_cut_off_after_some_chunks() -> None:
    text, cut = partly(Fault(closed=True, after=3))
    assert cut
    assert words(text) == "knife old"


def test_a_stream_may_say_anything_after_some_chunks() -> None:
    text, cut = partly(Fault(body='data: {"error": {}}\n\n', after=2))
    assert not cut
    assert events(text)[2:] == ['{"error": {}}']


def test_a_stream_is_cut_off_within_a_chunk() -> None:
    text, cut = partly(Fault(body='data: {"id', closed=True, after=1))
    assert cut
    assert text.endswith('\n\ndata: {"id')


def test_a_stream_that_stalls_goes_on() -> None:
    begin = monotonic()
    text, cut = partly(Fault(delay=0.1, after=2))
    assert (events(text)[-1], cut) == ("[DONE]", False)
    assert monotonic() - begin >= 0.1


def test_a_stream_may_fail_before_it_begins() -> None:
    with FakeServer(faults=[Fault(status=429), Fault(body="{oops"), Fault(closed=True)]) as server:
        assert post(server, STREAM)[0] == 429
        assert post(server, STREAM)[:2] == (200, "{oops")
        with pytest.raises(aiohttp.ServerDisconnectedError):
            post(server, STREAM)


def test_runs_by_itself() -> None:
    names = ["--model", "a", "--model", "org/b"]
    command = [sys.executable, "-m", "sutdol.models.fake", "--port", "0", "--pace", "0.01", *names]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        server = FakeServer()
        server.url = running.stdout.readline().strip()
        assert content(post(server)[1]) == "knife old the sharpen"
        assert len(events(post(server, STREAM)[1])) == 7
        assert get(f"{server.url}/models/org/b")[0] == 200
        running.terminate()


def test_says_at_which_port_it_cannot_be() -> None:
    command = [sys.executable, "-m", "sutdol.models.fake", "--port", "99999"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)

    assert ended.returncode == 2
    assert "cannot listen at port 99999" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_its_help_has_an_example() -> None:
    command = [sys.executable, "-m", "sutdol.models.fake", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "--port 11434 --pace 0.02 --model fake --model other" in shown
