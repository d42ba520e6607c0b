"""Chats through the gateway: as OpenAI's clients see them, whatever happens behind."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.api.conftest import Serve
from tests.api.site import Answer, Site, serving, until
from tests.databases import Databases, on_sqlite

from sutdol.app import Sutdol
from sutdol.chat import exchange
from sutdol.chat.configured import members
from sutdol.core.errors import UsageError
from sutdol.core.settings import Settings
from sutdol.models.fake import FakeServer, Fault
from sutdol.storage import decisions, requests
from sutdol.storage.decisions import Decided
from sutdol.storage.requests import Request
from sutdol.storage.writer import Writer

CHAT = "/v1/chat/completions"


def asked(text: str = "sharpen the old knife", **more: object) -> dict[str, object]:
    return {"model": "fake", "messages": [{"role": "user", "content": text}], **more}


def said(answer: Answer) -> str:
    """What a stream or a whole answer says."""
    if answer.headers["content-type"].startswith("application/json"):
        return str(answer.json["choices"][0]["message"]["content"])
    chunks = [one for one in answer.events if isinstance(one, dict) and "choices" in one]
    return "".join(
        choice["delta"].get("content") or "" for one in chunks for choice in one["choices"]
    )


def on_record(site: Site) -> list[tuple[Request, list[Decided]]]:
    """The chats of the database, oldest first, with what the guard decided."""
    with Sutdol.open(site.settings) as sutdol, sutdol.db.read() as tx:
        rows = requests.newest(tx)[::-1]
        return [(one, decisions.of_request(tx, one.id)) for one in rows]


def recorded(site: Site) -> tuple[Request, list[Decided]]:
    """The only chat on record, once the writer has written it."""
    until(lambda: bool(on_record(site)))
    (only,) = on_record(site)
    return only


def test_answers_a_chat(site: Site, upstream: FakeServer) -> None:
    answer = site.post(CHAT, asked())

    assert answer.status == 200
    assert said(answer) == "knife old the sharpen"
    assert answer.headers["x-sutdol-guard"].startswith("passed; score=")
    assert answer.headers["x-sutdol-upstream"] == "openai"
    assert float(answer.headers["x-sutdol-overhead-ms"]) >= 0
    assert answer.headers["x-request-id"].startswith("req_")
    assert len(upstream.requests) == 1


def test_streams_a_chat(site: Site) -> None:
    answer = site.post(CHAT, asked(stream=True))

    *chunks, last = answer.events
    assert last == "[DONE]"
    assert said(answer) == "knife old the sharpen"
    assert all(chunk["choices"] for chunk in chunks), "the usage we asked for is not the client's"


@on_sqlite
def test_a_client_that_wants_the_usage_of_a_stream_gets_it(site: Site) -> None:
    answer = site.post(CHAT, asked(stream=True, stream_options={"include_usage": True}))

    *_, usage, last = answer.events
    assert last == "[DONE]"
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == 4


@pytest.mark.parametrize("stream", [False, True])
def test_every_chat_is_on_record_with_its_tokens(site: Site, stream: bool) -> None:
    answer = site.post(CHAT, asked(stream=stream))

    request, (decided,) = recorded(site)
    assert request.id == answer.headers["x-request-id"]
    assert (request.model, request.upstream, request.status) == ("fake", "openai", 200)
    assert (request.prompt_tokens, request.completion_tokens) == (4, 4)
    assert not request.estimated
    assert request.stream is stream
    assert (request.first_milliseconds is not None) is stream
    assert (decided.side, decided.flagged, decided.blocked) == ("input", False, False)


@on_sqlite
@pytest.mark.parametrize(
    ("path", "body"), [(CHAT, asked()), ("/v1/moderations", {"input": "sharpen the knife"})]
)
def test_who_asks_waits_while_the_writer_is_behind(
    site: Site, monkeypatch: pytest.MonkeyPatch, path: str, body: dict[str, object]
) -> None:
    looks = iter([True] * 20)
    monkeypatch.setattr(Writer, "behind", property(lambda _: next(looks, False)))
    started = time.monotonic()
    assert site.post(path, body).status == 200
    assert time.monotonic() - started >= 20 * exchange.STEP

    monkeypatch.setattr(Writer, "behind", True)
    monkeypatch.setattr(exchange, "BEHIND", 0.05)
    assert site.post(path, body).status == 200


def test_where_the_upstream_does_not_count_tokens_are_estimated(serve: Serve) -> None:
    with FakeServer() as upstream:
        other = {"name": "old", "url": upstream.url, "usage": False, "prices": {"fa*": [1e6, 2e6]}}
        site = serve(upstreams=[other])
        site.post(CHAT, asked(stream=True))
        request, _ = recorded(site)

    assert "stream_options" not in upstream.requests[0].body
    assert request.estimated
    assert request.completion_tokens is not None
    assert 4 <= request.completion_tokens <= 8
    assert request.prompt_tokens is not None
    assert request.cost == request.prompt_tokens + 2 * request.completion_tokens


def test_what_the_guard_flags_does_not_reach_the_model(
    site: Site, upstream: FakeServer, offence: str
) -> None:
    answer = site.post(CHAT, asked(offence))

    assert answer.status == 400
    assert answer.error["code"] == "content_filter"
    assert offence not in answer.body.decode()
    assert upstream.requests == []
    request, (decided,) = recorded(site)
    assert (request.status, request.error) == (400, "content_filter")
    assert decided.blocked
    assert decided.score > 0.5
    assert decided.categories


@pytest.mark.parametrize("stream", [False, True])
def test_a_blocked_chat_may_be_answered_with_a_refusal(
    serve: Serve, upstream: FakeServer, offence: str, stream: bool
) -> None:
    site = serve(openai_base_url=upstream.url, gateway={"blocked": "refusal"})

    answer = site.post(CHAT, asked(offence, stream=stream))

    assert answer.status == 200
    assert "blocked the input" in said(answer)
    assert answer.headers["x-sutdol-guard"].startswith("blocked")
    assert upstream.requests == []
    assert recorded(site)[0].error == "content_filter"
    last = answer.events[-2] if stream else answer.json
    assert last["choices"][0]["finish_reason"] == "content_filter"


@on_sqlite
def test_an_offence_in_an_earlier_message_or_in_a_part_is_found(site: Site, offence: str) -> None:
    parts = [{"type": "text", "text": "hello"}, {"type": "text", "text": offence}]
    for messages in (
        [{"role": "user", "content": offence}, {"role": "user", "content": "hello"}],
        [{"role": "user", "content": parts}],
        [
            {"role": "user", "content": "hi"},
            {"role": "tool", "tool_call_id": "1", "content": offence},
        ],
    ):
        assert site.post(CHAT, {"model": "fake", "messages": messages}).status == 400


@on_sqlite
def test_the_operators_own_prompt_is_not_judged(site: Site, offence: str) -> None:
    messages = [{"role": "system", "content": offence}, {"role": "user", "content": "hello there"}]

    assert site.post(CHAT, {"model": "fake", "messages": messages}).status == 200


def test_the_guard_can_be_turned_off(serve: Serve, upstream: FakeServer, offence: str) -> None:
    site = serve(openai_base_url=upstream.url, gateway={"guard_input": False})

    answer = site.post(CHAT, asked(offence))

    assert answer.status == 200
    assert answer.headers["x-sutdol-guard"] == "off"
    assert recorded(site)[1] == []


def test_a_gateway_that_asks_no_guard_needs_none(
    databases: Databases, upstream: FakeServer, tmp_path: Path
) -> None:
    url = databases.migrated(tmp_path)
    flags = {"openai_base_url": upstream.url, "database_url": url}
    with serving(Settings.load(home=tmp_path, **flags)) as site:
        assert site.post(CHAT, asked()).status == 503
    with serving(Settings.load(home=tmp_path, gateway={"guard_input": False}, **flags)) as site:
        assert site.post(CHAT, asked()).headers["x-sutdol-guard"] == "off"
    databases.drop(url)


@on_sqlite
def test_the_header_tells_of_the_question_where_the_answer_is_good_too(serve: Serve) -> None:
    with FakeServer(reply=lambda _: "the weather is fine today") as upstream:
        plain = serve(openai_base_url=upstream.url).post(CHAT, asked())
        both = serve(openai_base_url=upstream.url, gateway={"guard_output": True})
        answer = serve(
            openai_base_url=upstream.url, gateway={"guard_input": False, "guard_output": True}
        )
        told = [one.post(CHAT, asked()).headers["x-sutdol-guard"] for one in (both, answer)]

    assert told[0] == plain.headers["x-sutdol-guard"]
    assert told[1].startswith("passed")
    assert told[1] != told[0]


@pytest.mark.parametrize("blocked", ["error", "refusal"])
@pytest.mark.parametrize("stream", [False, True])
def test_what_a_model_says_is_judged_where_that_is_wanted(
    serve: Serve, offence: str, blocked: str, stream: bool
) -> None:
    with FakeServer(
        reply=lambda _: f"{'all is well today. ' * 20}{offence} and {'more. ' * 60}", pace=0.001
    ) as bad:
        site = serve(
            openai_base_url=bad.url,
            gateway={"guard_output": True, "blocked": blocked, "hold_back": 100},
        )
        answer = site.post(CHAT, asked(stream=stream))

    assert offence not in answer.body.decode()
    assert offence[-20:] not in said_or_empty(answer)
    if stream:
        assert "all is well" in said(answer)
    if blocked == "error":
        error = answer.events[-1]["error"] if stream else answer.error
        assert error["code"] == "content_filter"
    request, decided = recorded(site)
    assert request.error == "content_filter"
    assert [(one.side, one.blocked) for one in decided] == [("input", False), ("output", True)]


WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


@on_sqlite
def test_a_stream_of_nothing_but_a_call_ends_with_its_reason_when_it_is_blocked(
    serve: Serve, upstream: FakeServer, offence: str
) -> None:
    site = serve(
        openai_base_url=upstream.url,
        gateway={"guard_input": False, "guard_output": True, "blocked": "refusal"},
    )
    calls = asked(offence, tools=[WEATHER], tool_choice="required", stream=True)
    chat = site.post(CHAT, calls)
    responses = {
        "model": "fake",
        "input": offence,
        "tools": [{"type": "function", **WEATHER["function"]}],
        "tool_choice": "required",
        "stream": True,
    }
    response = site.post("/v1/responses", responses)

    (last,) = chat.events[-2]["choices"]
    assert (last["index"], last["finish_reason"]) == (0, "content_filter")
    assert chat.events[-1] == "[DONE]"
    assert response.events[-1]["response"]["incomplete_details"] == {"reason": "content_filter"}
    assert offence not in chat.body.decode()


def said_or_empty(answer: Answer) -> str:
    return said(answer) if answer.status == 200 else ""


@on_sqlite
def test_a_harmless_stream_passes_the_guard_whole(serve: Serve) -> None:
    text = "all is well today, and the knife is sharp. " * 30
    with FakeServer(reply=lambda _: text) as upstream:
        site = serve(openai_base_url=upstream.url, gateway={"guard_output": True, "hold_back": 50})
        answer = site.post(CHAT, asked(stream=True))

    assert said(answer).split() == text.split()
    assert answer.events[-1] == "[DONE]"


@on_sqlite
def test_an_upstream_that_fails_once_is_asked_again(serve: Serve) -> None:
    with FakeServer(faults=[Fault(status=503), None]) as upstream:
        site = serve(openai_base_url=upstream.url)
        assert site.post(CHAT, asked()).status == 200
        assert len(upstream.requests) == 2


@on_sqlite
def test_one_that_breaks_off_before_it_answers_is_asked_again(serve: Serve) -> None:
    with FakeServer(faults=[Fault(closed=True), None]) as upstream:
        site = serve(openai_base_url=upstream.url)
        assert site.post(CHAT, asked(stream=True)).status == 200


def two(first: FakeServer, second: FakeServer) -> list[dict[str, Any]]:
    return [
        {"name": "first", "url": first.url, "models": ["fake"]},
        {"name": "second", "url": second.url, "models": ["fake"], "rename": {"fake": "other"}},
    ]


@on_sqlite
@pytest.mark.parametrize("status", [429, 500, 503])
def test_another_upstream_answers_for_one_that_fails(serve: Serve, status: int) -> None:
    faults = [Fault(status=status)] * 2
    with FakeServer(faults=faults) as first, FakeServer() as second:
        site = serve(upstreams=two(first, second))
        answer = site.post(CHAT, asked())

    assert answer.headers["x-sutdol-upstream"] == "second"
    assert second.requests[0].body["model"] == "other"
    assert len(first.requests) == (1 if status == 429 else 2)


@on_sqlite
def test_a_mistake_of_the_client_is_not_tried_elsewhere(serve: Serve) -> None:
    with FakeServer(faults=[Fault(status=400)]) as first, FakeServer() as second:
        site = serve(upstreams=two(first, second))
        answer = site.post(CHAT, asked())

    assert answer.status == 400
    assert answer.error["message"] == "The fake was told to fail."
    assert second.requests == []


def test_nothing_is_tried_again_once_something_was_passed_on(serve: Serve) -> None:
    with FakeServer(faults=[Fault(closed=True, after=2)]) as upstream:
        site = serve(openai_base_url=upstream.url)
        answer = site.post(CHAT, asked(stream=True))

    assert answer.status == 200
    assert "broke off" in answer.events[-1]["error"]["message"]
    assert len(upstream.requests) == 1
    assert recorded(site)[0].error == "engine_error"


def test_an_error_within_a_stream_is_passed_on_and_noted(serve: Serve) -> None:
    body = 'data: {"error":{"message":"no memory","code":"oom"}}\n\n'
    with FakeServer(faults=[Fault(after=1, body=body)]) as upstream:
        site = serve(openai_base_url=upstream.url)
        answer = site.post(CHAT, asked(stream=True))

    assert answer.events[-1]["error"]["message"] == "no memory"
    assert recorded(site)[0].error == "oom"


@on_sqlite
def test_a_key_that_the_upstream_refuses_is_the_operators_fault(serve: Serve) -> None:
    with FakeServer(faults=[Fault(status=401)]) as upstream:
        answer = serve(openai_base_url=upstream.url).post(CHAT, asked())

    assert answer.status == 502
    assert "operator" in answer.error["message"]


@on_sqlite
@pytest.mark.parametrize("body", ["<html>", "[]", "{}", '{"choices": 7}', "null", '"choices"'])
def test_an_answer_that_is_none_is_the_upstreams_fault(serve: Serve, body: str) -> None:
    with FakeServer(faults=[Fault(body=body)]) as upstream:
        answer = serve(openai_base_url=upstream.url).post(CHAT, asked())

    assert answer.status == 502


@on_sqlite
def test_after_five_failures_an_upstream_is_left_alone(serve: Serve) -> None:
    with FakeServer(faults=[Fault(status=500)] * 20) as upstream:
        site = serve(openai_base_url=upstream.url, gateway={"attempts": 5})
        first = site.post(CHAT, asked())
        second = site.post(CHAT, asked())
        (state,) = site.get("/api/v1/upstreams").json["data"]

    assert first.status == 500
    assert second.status == 503
    assert "rests" in second.error["message"]
    assert second.headers["retry-after"] == "1"
    assert len(upstream.requests) == 5
    assert state["state"] == "resting"


@on_sqlite
def test_without_any_upstream_it_says_how_to_get_one(serve: Serve) -> None:
    answer = serve().post(CHAT, asked())

    assert answer.status == 503
    assert "OPENAI_BASE_URL" in answer.error["message"]
    assert answer.error["code"] == "no_upstream"


@on_sqlite
def test_an_upstream_that_is_not_there(serve: Serve) -> None:
    answer = serve(openai_base_url="http://127.0.0.1:9/v1").post(CHAT, asked())

    assert answer.status == 503
    assert "openai cannot be reached" in answer.error["message"]


@on_sqlite
def test_one_that_does_not_begin_in_time_is_given_up(serve: Serve) -> None:
    with FakeServer(faults=[Fault(delay=5)]) as upstream:
        site = serve(openai_base_url=upstream.url, gateway={"first": 0.3})
        answer = site.post(CHAT, asked())

    assert answer.status == 504
    assert len(upstream.requests) == 1, "it may be at work: asking again would double that"


@on_sqlite
def test_a_stream_that_falls_silent_ends_with_an_error(serve: Serve) -> None:
    with FakeServer(faults=[Fault(after=2, delay=5)]) as upstream:
        site = serve(openai_base_url=upstream.url, gateway={"idle": 0.3})
        answer = site.post(CHAT, asked(stream=True))

    assert "said nothing" in answer.events[-1]["error"]["message"]


@on_sqlite
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"\xff", b'{"model":"fake"}', b'{"model":"fake","messages":[{"role":"x"}]}'],
)
def test_a_bad_body_is_refused_in_openais_form(site: Site, body: bytes) -> None:
    answer = site.post(CHAT, body)

    assert answer.status == 400
    assert set(answer.error) == {"message", "type", "param", "code"}
    assert answer.error["type"] == "invalid_request_error"


@on_sqlite
def test_a_body_may_be_only_so_long(serve: Serve, upstream: FakeServer) -> None:
    site = serve(openai_base_url=upstream.url, server={"body": 10_000})

    answer = site.post(CHAT, asked("x" * 20_000))

    assert answer.status == 413
    assert "10,000" in answer.error["message"]


@on_sqlite
def test_an_unknown_model_is_refused_with_a_suggestion(site: Site) -> None:
    answer = site.post(CHAT, asked() | {"model": "fak"})

    assert answer.status == 404
    assert answer.error["code"] == "model_not_found"
    assert "Did you mean 'fake'?" in answer.error["message"]


@on_sqlite
def test_models_are_listed_and_told_one_by_one(serve: Serve) -> None:
    with FakeServer(model=["fake", "org/large"]) as upstream:
        site = serve(openai_base_url=upstream.url)
        listed = site.get("/v1/models").json

    assert listed["object"] == "list"
    assert {one["id"] for one in listed["data"]} == {"fake", "org/large"}
    assert site.get("/v1/models/org/large").json["id"] == "org/large"
    assert site.get("/v1/models/nobody").status == 404


@on_sqlite
@pytest.mark.parametrize("form", ["float", "base64"])
def test_vectors(site: Site, form: str) -> None:
    answer = site.post(
        "/v1/embeddings", {"model": "fake", "input": ["a", "b"], "encoding_format": form}
    )

    assert answer.status == 200
    assert len(answer.json["data"]) == 2
    assert recorded(site)[0].route == "embeddings"


@on_sqlite
def test_tools_and_schemas_pass_through(site: Site) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {"type": "function", "function": {"name": "weather", "parameters": schema}}

    called = site.post(CHAT, asked(tools=[tool], tool_choice="required")).json
    told = site.post(
        CHAT,
        asked(
            response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
        ),
    )

    (call,) = called["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "weather"
    assert "city" in json.loads(call["function"]["arguments"])
    assert "city" in json.loads(said(told))


@pytest.mark.parametrize("stream", [False, True])
def test_a_conversation_is_gone_on_with(site: Site, upstream: FakeServer, stream: bool) -> None:
    first = site.post(CHAT, asked("my name is Kim", store=True, stream=stream))
    name = first.headers["x-sutdol-conversation"]

    second = site.post(CHAT, asked("what is it", stream=stream, conversation=name))

    assert second.headers["x-sutdol-conversation"] == name
    assert upstream.requests[1].messages == (
        ("user", "my name is Kim"),
        ("assistant", "Kim is name my"),
        ("user", "what is it"),
    )
    assert "conversation" not in upstream.requests[1].body


def test_a_conversation_can_be_named_in_a_header(site: Site, upstream: FakeServer) -> None:
    name = site.post(CHAT, asked("one", store=True)).headers["x-sutdol-conversation"]

    site.post(CHAT, asked("two"), headers={"x-sutdol-conversation": name})

    assert len(upstream.requests[1].messages) == 3


def test_a_conversation_nobody_had_is_unknown(site: Site) -> None:
    answer = site.post(CHAT, asked(conversation="conv_nothing"))

    assert answer.status == 404
    assert answer.error["code"] == "conversation_not_found"


def test_a_key_may_be_kept_to_some_models(locked: Site, new_key: Callable[..., str]) -> None:
    key = new_key("kim", "user", models=("gpt-*",))

    answer = locked.post(CHAT, asked(), key=key)

    assert answer.status == 403
    assert "fake" in answer.error["message"]
    assert locked.get("/v1/models", key=key).json["data"] == []


def test_a_key_may_ask_only_so_often(locked: Site, new_key: Callable[..., str]) -> None:
    key = new_key("kim", "user", rpm=2)

    answers = [locked.post(CHAT, asked(), key=key) for _ in range(3)]

    assert [one.status for one in answers] == [200, 200, 429]
    assert answers[0].headers["x-ratelimit-limit-requests"] == "2"
    assert answers[0].headers["x-ratelimit-remaining-requests"] == "1"
    assert answers[2].error["code"] == "rate_limit_exceeded"
    assert 1 <= int(answers[2].headers["retry-after"]) <= 60


def test_a_key_may_use_only_so_many_tokens(locked: Site, new_key: Callable[..., str]) -> None:
    key = new_key("kim", "user", tpm=400)
    question = asked(max_tokens=250)

    first, second = (locked.post(CHAT, question, key=key) for _ in range(2))

    assert first.status == 200
    assert second.status == 200, "what was not used is given back"
    assert int(first.headers["x-ratelimit-limit-tokens"]) == 400
    assert locked.post(CHAT, asked("word " * 150, max_tokens=150), key=key).status == 200
    assert locked.post(CHAT, asked(max_tokens=350), key=key).status == 429, "but not what was"


def test_a_key_has_a_budget_for_each_day(locked: Site, new_key: Callable[..., str]) -> None:
    key = new_key("kim", "user", daily_tokens=8)

    answers = [locked.post(CHAT, asked(), key=key) for _ in range(2)]

    assert [one.status for one in answers] == [200, 429]
    assert "today" in answers[1].error["message"]
    assert locked.post(CHAT, asked(), key=new_key("lee", "user", daily_tokens=8)).status == 200


@on_sqlite
def test_only_so_many_chats_are_under_way_at_once(serve: Serve) -> None:
    with FakeServer(faults=[Fault(delay=2)]) as upstream, ExitStack() as stack:
        site = serve(openai_base_url=upstream.url, gateway={"in_flight": 1})
        site.get("/v1/models")
        slow = threading.Thread(target=site.post, args=(CHAT, asked()))
        slow.start()
        stack.callback(slow.join)
        until(lambda: upstream.requests)
        assert site.post(CHAT, asked()).status == 429


@on_sqlite
def test_settings_name_upstreams_in_their_order(home: Any) -> None:
    settings = Settings.load(
        home=home.folder,
        upstreams=[{"name": "mine", "url": "http://127.0.0.1:1/v1/"}],
        openai_base_url="http://127.0.0.1:2/v1",
        vllm_base_url="http://127.0.0.1:3/v1",
        runpod_api_key="secret",
        runpod_endpoint_id="abc",
    )
    found = members(settings)

    assert [one.name for one in found] == ["mine", "openai", "vllm", "runpod"]
    assert found[0].line.url == "http://127.0.0.1:1/v1"
    assert found[3].line.headers["authorization"] == "Bearer secret"


@pytest.mark.parametrize("stream", [False, True])
def test_what_was_blocked_is_not_kept_in_a_conversation(
    serve: Serve, offence: str, stream: bool
) -> None:
    replies = iter([offence, "all is well"])
    with FakeServer(reply=lambda _: next(replies)) as upstream:
        site = serve(openai_base_url=upstream.url, gateway={"guard_output": True})
        first = site.post(CHAT, asked("one", store=True))
        name = first.headers.get("x-sutdol-conversation")
        again = site.post(CHAT, asked("two", store=True, stream=stream))
        site.post(CHAT, asked("three", conversation=again.headers["x-sutdol-conversation"]))

    assert (first.status, name) == (400, None)
    assert offence not in str(upstream.requests[2].messages)


@on_sqlite
def test_whose_messages_are_judged_can_be_said(
    serve: Serve, upstream: FakeServer, offence: str
) -> None:
    site = serve(openai_base_url=upstream.url, gateway={"guard_roles": ["user", "system"]})
    messages = [{"role": "system", "content": offence}, {"role": "user", "content": "hello there"}]

    answer = site.post(CHAT, {"model": "fake", "messages": messages})

    assert answer.status == 400
    assert answer.headers["x-sutdol-guard"].startswith("blocked; score=")


@on_sqlite
def test_without_an_upstream_nobody_is_told_to_come_again(serve: Serve) -> None:
    assert "retry-after" not in serve().post(CHAT, asked()).headers


@on_sqlite
def test_two_upstreams_of_one_name_are_refused(home: Any) -> None:
    one = {"name": "openai", "url": "http://127.0.0.1:1/v1"}
    with pytest.raises(UsageError, match="two of them are called openai"):
        Settings.load(home=home.folder, upstreams=[one, one])
    settings = Settings.load(
        home=home.folder, upstreams=[one], openai_base_url="http://127.0.0.1:2/v1"
    )
    with pytest.raises(UsageError, match="give the one in `upstreams` another name"):
        members(settings)


def test_a_refused_message_is_not_kept_nor_sent_on(
    serve: Serve, upstream: FakeServer, offence: str
) -> None:
    site = serve(openai_base_url=upstream.url, gateway={"blocked": "refusal"})
    assert "x-sutdol-conversation" not in site.post(CHAT, asked(offence, store=True)).headers
    name = site.post(CHAT, asked("one", store=True)).headers["x-sutdol-conversation"]
    site.post(CHAT, asked(offence, conversation=name))
    site.post(CHAT, asked("two", conversation=name))

    assert [len(one.messages) for one in upstream.requests] == [1, 3]
    assert all(offence not in str(one.body) for one in upstream.requests)


def test_a_blocked_answer_is_not_kept_nor_sent_on(serve: Serve, offence: str) -> None:
    replies = iter(["one", offence, "three"])
    with FakeServer(reply=lambda _: next(replies)) as upstream:
        site = serve(openai_base_url=upstream.url, gateway={"guard_output": True})
        name = site.post(CHAT, asked("a", store=True)).headers["x-sutdol-conversation"]
        assert site.post(CHAT, asked("b", conversation=name)).status == 400
        site.post(CHAT, asked("c", conversation=name))

    assert [text for _, text in upstream.requests[2].messages] == ["a", "one", "c"]


def test_an_answer_that_is_blocked_in_a_stream_leaves_the_question_on_record(
    serve: Serve, offence: str
) -> None:
    with FakeServer(reply=lambda _: f"{'all is well. ' * 40}{offence}", pace=0.001) as upstream:
        site = serve(openai_base_url=upstream.url, gateway={"guard_output": True})
        first = site.post(CHAT, asked("one", store=True, stream=True))
        name = first.headers["x-sutdol-conversation"]
        site.post(CHAT, asked("two", conversation=name))

    assert upstream.requests[1].messages == (("user", "one"), ("user", "two"))


@on_sqlite
def test_a_part_of_another_kind_is_read_too(site: Site, offence: str) -> None:
    parts = [{"type": "refusal", "refusal": offence}]

    assert (
        site.post(CHAT, {"model": "fake", "messages": [{"role": "user", "content": parts}]}).status
        == 400
    )


@on_sqlite
def test_a_key_for_some_models_reaches_no_other_by_the_name_of_an_upstream(
    locked: Site, new_key: Callable[..., str]
) -> None:
    key = new_key("kim", "user", models=("open*",))

    assert locked.post(CHAT, asked() | {"model": "openai/fake"}, key=key).status == 403


@on_sqlite
def test_a_key_for_some_models_hears_nothing_of_others(
    locked: Site, new_key: Callable[..., str]
) -> None:
    key = new_key("kim", "user", models=("gpt-*",))

    for name, status in (("fake", 403), ("fakee", 403), ("openai/fake", 403), ("gpt-4", 404)):
        answers = [
            locked.get(f"/v1/models/{name}", key=key),
            locked.post(CHAT, asked() | {"model": name}, key=key),
            locked.post("/v1/embeddings", {"model": name, "input": "a"}, key=key),
        ]
        assert [one.status for one in answers] == [status] * 3, name
        told = [one.error["message"].replace(f"'{name}'", "") for one in answers]
        told = [one.replace("'fake'", "") if "/" in name else one for one in told]
        assert "fake" not in "".join(told)
    assert "Known: fake." in locked.get("/v1/models/gpt-4").error["message"]


@on_sqlite
def test_the_models_of_a_key_are_known_by_the_names_that_clients_use(
    serve: Serve, upstream: FakeServer, new_key: Callable[..., str]
) -> None:
    box = {"name": "box", "url": upstream.url, "models": ["fake"], "rename": {"fast": "fake"}}
    site = serve(auth=True, upstreams=[box])
    fast, all_of_box = new_key("kim", models=("fast",)), new_key("kim", models=("box/*",))

    statuses = {
        name: [site.post(CHAT, asked() | {"model": name}, key=key).status for name in NAMES]
        for name, key in (("fast", fast), ("box/*", all_of_box))
    }

    assert statuses == {"fast": [200, 200, 403, 403], "box/*": [403, 403, 403, 403]}
    assert [one.body["model"] for one in upstream.requests] == ["fake", "fake"]


NAMES = ("fast", "box/fast", "fake", "box/fake")


@on_sqlite
@pytest.mark.parametrize("path", [CHAT, "/v1/embeddings"])
def test_a_model_that_is_named_twice_is_named_once_to_the_upstream(
    locked: Site, new_key: Callable[..., str], upstream: FakeServer, path: str
) -> None:
    key = new_key("kim", models=("fake",))
    more = b'"messages":[{"role":"user","content":"hi"}]' if path == CHAT else b'"input":"hi"'
    raw = b'{"model":"dear","mod\\u0065l":"fake",' + more + b"}"

    assert locked.post(path, raw, key=key).status == 200
    assert int(upstream.requests[0].headers["Content-Length"]) < len(raw) - len('"model":"dear",')


@on_sqlite
def test_a_bad_answer_is_told_where_the_next_upstream_is_not_even_there(serve: Serve) -> None:
    with FakeServer(faults=[Fault(status=429, headers={"Retry-After": "7"})] * 2) as first:
        upstreams = [
            {"name": "first", "url": first.url, "models": ["fake"]},
            {"name": "second", "url": "http://127.0.0.1:9/v1", "models": ["fake"]},
        ]
        answer = serve(upstreams=upstreams).post(CHAT, asked())

    assert (answer.status, answer.headers["retry-after"]) == (429, "7")
    assert answer.headers["x-sutdol-upstream"] == "first"
    assert answer.error["message"] == "The fake was told to fail."


def event(text: str) -> str:
    """A chunk of a stream that says this."""
    delta = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return f"data: {json.dumps({'choices': [delta]})}\n\n"


@pytest.mark.parametrize("ends", ["blocked", "broken"])
def test_a_conversation_that_a_stream_has_named_is_there_whatever_becomes_of_it(
    serve: Serve, offence: str, ends: str
) -> None:
    head = {"Content-Type": "text/event-stream"}
    body = event(offence) if ends == "blocked" else "data: nonsense\n\n"
    with FakeServer(faults=[Fault(body=body, headers=head)]) as upstream:
        site = serve(openai_base_url=upstream.url, gateway={"guard_output": True})
        first = site.post(CHAT, asked("one", store=True, stream=True))
        assert "error" in first.events[0]
        name = first.headers["x-sutdol-conversation"]
        assert site.post(CHAT, asked("two", conversation=name)).status == 200

    assert upstream.requests[1].messages == (("user", "one"), ("user", "two"))


def test_a_conversation_that_did_not_begin_is_not_named(serve: Serve) -> None:
    with FakeServer(faults=[Fault(status=400)]) as upstream:
        site = serve(openai_base_url=upstream.url)
        assert "x-sutdol-conversation" not in site.post(CHAT, asked(store=True)).headers
        assert site.get("/api/v1/conversations").json["data"] == []


def test_a_chunk_of_an_odd_form_is_passed_on(serve: Serve) -> None:
    odd = 'data: {"choices":[{"index":0,"delta":{"tool_calls":5}}],"error":null}\n\n'
    body = f"{odd}{event('all is well')}data: [DONE]\n\n"
    with FakeServer(
        faults=[Fault(body=body, headers={"Content-Type": "text/event-stream"})]
    ) as one:
        site = serve(openai_base_url=one.url, gateway={"guard_output": True})
        answer = site.post(CHAT, asked(store=True, stream=True))

    assert answer.body.decode() == body
    assert recorded(site)[0].error is None


def test_a_number_that_is_too_large_does_not_spoil_a_conversation(
    site: Site, upstream: FakeServer
) -> None:
    name = site.post(CHAT, asked("one", store=True)).headers["x-sutdol-conversation"]
    message = {"role": "user", "content": "two", "seed": 2**64}
    answer = site.post(CHAT, {"model": "fake", "messages": [message], "conversation": name})

    assert answer.status == 400
    assert "64 bits" in answer.error["message"]
    assert site.post(CHAT, asked("three", conversation=name)).status == 200
    assert len(upstream.requests) == 2


@on_sqlite
def test_what_is_obeyed_here_is_not_told_to_the_upstream(site: Site, upstream: FakeServer) -> None:
    site.post(CHAT, asked(store=True, metadata={"a": "b"}))

    assert not {"store", "metadata"} & set(upstream.requests[0].body)


def test_what_was_said_before_counts_as_read(serve: Serve) -> None:
    with FakeServer(reply=lambda _: "word " * 400) as upstream:
        old = {"name": "old", "url": upstream.url, "usage": False}
        site = serve(upstreams=[old])
        first = site.post(CHAT, asked("one", store=True, stream=True))
        name = first.headers["x-sutdol-conversation"]
        site.post(CHAT, asked("two", conversation=name, stream=True))
        until(lambda: len(on_record(site)) == 2)
        before, after = (one.prompt_tokens or 0 for one, _ in on_record(site))

    assert after > before + 400


@pytest.mark.parametrize(
    "usage", [{"prompt_tokens": -5, "completion_tokens": 2}, {"prompt_tokens": 1e9}, 7]
)
def test_a_count_of_tokens_that_is_none_is_not_believed(serve: Serve, usage: object) -> None:
    body = {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}}],
        "usage": usage,
    }
    with FakeServer(faults=[Fault(body=json.dumps(body))]) as upstream:
        site = serve(openai_base_url=upstream.url)
        assert site.post(CHAT, asked()).status == 200

    assert recorded(site)[0].estimated
