"""The fake model server: what it answers, how it fails, what it remembers."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from time import monotonic

import aiohttp
import pytest

from sutdol.models.fake import Asked, FakeServer, Fault

ASKED = {"model": "m", "messages": [{"role": "user", "content": "sharpen the old knife"}]}


def post(server: FakeServer, body: object = ASKED) -> tuple[int, str, dict[str, str]]:
    async def ask() -> tuple[int, str, dict[str, str]]:
        url = f"{server.url}/chat/completions"
        data = body if isinstance(body, str) else json.dumps(body)
        async with aiohttp.ClientSession() as session, session.post(url, data=data) as response:
            return response.status, await response.text(), dict(response.headers)

    return asyncio.run(ask())


def content(answer: str) -> str:
    return str(json.loads(answer)["choices"][0]["message"]["content"])


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


def test_lists_its_model() -> None:
    async def models(url: str) -> Sequence[str]:
        async with aiohttp.ClientSession() as session, session.get(f"{url}/models") as response:
            return [one["id"] for one in (await response.json())["data"]]

    with FakeServer(model="whetstone") as server:
        assert asyncio.run(models(server.url)) == ["whetstone"]


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


def test_does_not_pretend_to_stream() -> None:
    with FakeServer() as server:
        assert post(server, ASKED | {"stream": True})[0] == 400


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


def test_runs_by_itself() -> None:
    command = [sys.executable, "-m", "sutdol.models.fake", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        url = running.stdout.readline().strip()
        server = FakeServer()
        server.url = url
        assert content(post(server)[1]) == "knife old the sharpen"
        running.terminate()
