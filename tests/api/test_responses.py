"""Responses through the gateway: chats in another form, guarded, counted and broken off alike."""

import time
from typing import Any

import pytest
from tests.api.conftest import Serve
from tests.api.site import Answer, Site
from tests.api.test_chats import recorded

from sutdol.models.fake import FakeServer, Fault

RESPONSES = "/v1/responses"
WEATHER = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def asked(text: str = "sharpen the old knife", **more: object) -> dict[str, object]:
    return {"model": "fake", "input": text, **more}


def made(answer: Answer) -> dict[str, Any]:
    """The response in the end, whole or streamed."""
    if answer.headers["content-type"].startswith("application/json"):
        found: dict[str, Any] = answer.json
        return found
    last: dict[str, Any] = answer.events[-1]["response"]
    return last


def text(response: dict[str, Any]) -> str:
    return "".join(
        part.get("text") or part.get("refusal")
        for item in response["output"]
        for part in item.get("content", ())
    )


@pytest.mark.parametrize("stream", [False, True])
def test_answers(site: Site, stream: bool) -> None:
    answer = site.post(RESPONSES, asked(stream=stream))

    assert answer.status == 200
    found = made(answer)
    assert (found["status"], text(found)) == ("completed", "knife old the sharpen")
    assert found["id"].removeprefix("resp_") == answer.headers["x-request-id"][4:]
    assert found["usage"]["output_tokens"] == 4
    assert answer.headers["x-sutdol-guard"].startswith("passed")
    request, (decided,) = recorded(site)
    assert (request.route, request.stream, request.estimated) == ("responses", stream, False)
    assert (request.prompt_tokens, request.completion_tokens) == (4, 4)
    assert decided.side == "input"


@pytest.mark.parametrize("stream", [False, True])
def test_a_function_is_called_and_its_result_answered(site: Site, stream: bool) -> None:
    first = made(site.post(RESPONSES, asked("use the tool", tools=[WEATHER], stream=stream)))
    (call,) = first["output"]
    assert (call["name"], call["arguments"]) == ("weather", '{"city": "use the tool"}')

    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny today"}
    said = [{"role": "user", "content": "use the tool"}, call, result]
    second = made(site.post(RESPONSES, asked(tools=[WEATHER], stream=stream) | {"input": said}))

    assert text(second) == "today sunny"


@pytest.mark.parametrize("stream", [False, True])
def test_what_the_guard_flags_does_not_reach_the_model(
    site: Site, upstream: FakeServer, offence: str, stream: bool
) -> None:
    answer = site.post(RESPONSES, asked(offence, stream=stream))

    assert (answer.status, answer.error["code"]) == (400, "content_filter")
    assert not upstream.requests


@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_of_the_guard_is_an_answer(
    serve: Serve, upstream: FakeServer, offence: str, stream: bool
) -> None:
    site = serve(openai_base_url=upstream.url, gateway={"blocked": "refusal"})
    found = made(site.post(RESPONSES, asked(offence, stream=stream)))

    assert found["status"] == "incomplete"
    assert found["incomplete_details"] == {"reason": "content_filter"}
    assert found["output"][0]["content"][0]["type"] == "refusal"
    assert "content guard" in text(found)


def test_an_upstream_that_breaks_off_fails_the_response(serve: Serve) -> None:
    with FakeServer(faults=[Fault(after=2, closed=True)]) as upstream:
        site = serve(openai_base_url=upstream.url)
        answer = site.post(RESPONSES, asked(stream=True))

    error, failed = answer.events[-2:]
    assert error["type"] == "error"
    assert failed["type"] == "response.failed"
    assert failed["response"]["error"]["message"] == error["message"]


def test_what_an_upstream_refuses_is_told_in_its_words(serve: Serve) -> None:
    with FakeServer(faults=[Fault(status=400)]) as upstream:
        site = serve(openai_base_url=upstream.url)
        answer = site.post(RESPONSES, asked())

    assert (answer.status, answer.error["message"]) == (400, "The fake was told to fail.")


def test_a_client_that_goes_away_stops_the_model(serve: Serve) -> None:
    with FakeServer(reply=lambda _: "well and good " * 3_000, pace=0.005) as upstream:
        site = serve(openai_base_url=upstream.url)
        with site.open("POST", RESPONSES, asked(stream=True)) as response:
            assert response.read(2_000)
            gone = time.monotonic()
        while not upstream.aborted:
            assert time.monotonic() - gone < 5, "it never noticed"
            time.sleep(0.002)
        assert upstream.aborted[0] - gone < 0.2
        request, _ = recorded(site)

    assert (request.error, request.route) == ("client_gone", "responses")


def test_a_conversation_is_gone_on_with(site: Site, upstream: FakeServer) -> None:
    chat = {"model": "fake", "messages": [{"role": "user", "content": "one"}], "store": True}
    name = site.post("/v1/chat/completions", chat).headers["x-sutdol-conversation"]
    found = made(site.post(RESPONSES, asked("two", conversation={"id": name})))

    assert found["conversation"] == {"id": name}
    assert [said for _, said in upstream.requests[1].messages] == ["one", "one", "two"]


def test_no_response_is_kept(site: Site) -> None:
    for method, path in (
        ("GET", "/resp_1"),
        ("DELETE", "/resp_1"),
        ("POST", "/resp_1/cancel"),
        ("GET", "/resp_1/input_items"),
    ):
        answer = site.ask(method, RESPONSES + path)
        assert answer.status == 404
        assert "keeps no responses" in answer.error["message"]


def test_the_last_response_cannot_be_gone_on_with(site: Site) -> None:
    answer = site.post(RESPONSES, asked(previous_response_id="resp_1"))

    assert (answer.status, answer.error["param"]) == (400, "previous_response_id")
    assert "keeps no responses" in answer.error["message"]


def test_a_wrong_body_is_refused(site: Site) -> None:
    for body in (b"", b"{", b"[]", b'{"model":"fake"}', b"\xff"):
        assert site.post(RESPONSES, body).status == 400


def test_a_key_is_needed(locked: Site) -> None:
    assert locked.post(RESPONSES, asked(), key="").status == 401
    assert locked.post(RESPONSES, asked()).status == 200
