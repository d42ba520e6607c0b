"""The chunks of a chat as a response: what it is in the end, and the events on the way."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from sutdol.chat import sse
from sutdol.chat.asked import read
from sutdol.chat.responding import blank, events, whole
from sutdol.chat.responses import Asked
from sutdol.core.errors import EngineError

AT = datetime(2026, 1, 1, tzinfo=UTC)
END = {"delta": {}, "finish_reason": "stop"}
USAGE = {
    "prompt_tokens": 7,
    "completion_tokens": 5,
    "total_tokens": 12,
    "prompt_tokens_details": {"cached_tokens": 3},
    "completion_tokens_details": {"reasoning_tokens": 2},
}


def response(**fields: Any) -> dict[str, Any]:
    asked = read(Asked, orjson.dumps({"model": "m", "input": "hi", **fields}))
    return blank(asked, id_="req_1", at=AT, conversation=None)


def answered(message: dict[str, Any], finish: str | None = "stop") -> dict[str, Any]:
    answer = {"choices": [{"message": message, "finish_reason": finish}], "usage": USAGE}
    found: dict[str, Any] = orjson.loads(whole(response(), orjson.dumps(answer)))
    return found


def says(text: str) -> dict[str, Any]:
    return {"delta": {"content": text}}


def calls(number: int | None, id_: str | None, name: str | None, arguments: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"delta": {"tool_calls": [{"index": number, "id": id_, "function": function}]}}


def streamed(*choices: dict[str, Any], done: bool = True) -> list[dict[str, Any]]:
    """The events for chunks with one choice each."""
    raw = b"".join(sse.event({"choices": [one]}) for one in choices)
    return told([raw + (sse.DONE if done else b"")])


def told(pieces: list[bytes]) -> list[dict[str, Any]]:
    async def given() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async def all_() -> bytes:
        return b"".join([one async for one in events(given(), response())])

    raw = asyncio.run(all_())
    found = [orjson.loads(one.partition(b"\ndata: ")[2]) for one in raw.split(b"\n\n") if one]
    names = [one[7:].partition(b"\n")[0].decode() for one in raw.split(b"\n\n") if one]
    assert names == [one["type"] for one in found]
    assert [one["sequence_number"] for one in found] == list(range(len(found)))
    return found


def kinds(found: list[dict[str, Any]]) -> list[str]:
    return [one["type"].removeprefix("response.") for one in found]


def test_says_what_was_asked_for() -> None:
    fields = {"instructions": "Be kind.", "temperature": 0.5, "metadata": {"a": "b"}}
    made = response(**fields, store=True, truncation="auto", text={"verbosity": "low"})

    assert {name: made[name] for name in fields} == fields
    assert (made["id"], made["created_at"]) == ("resp_1", AT.timestamp())
    assert made["text"] == {"format": {"type": "text"}, "verbosity": "low"}
    assert (made["store"], made["truncation"], made["tool_choice"]) == (False, "disabled", "auto")


def test_a_whole_answer() -> None:
    found = answered({"role": "assistant", "content": "hello"})

    (message,) = found["output"]
    assert message == {
        "id": "msg_1_0",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "hello", "annotations": [], "logprobs": []}],
    }
    assert (found["status"], found["error"]) == ("completed", None)
    assert found["usage"] == {
        "input_tokens": 7,
        "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 12,
    }


def test_calls_come_after_what_is_said() -> None:
    function = {"name": "f", "arguments": '{"a":1}'}
    made = [{"id": f"call_{n}", "type": "function", "function": function} for n in (1, 2)]
    found = answered({"content": "I look.", "tool_calls": made}, "tool_calls")

    assert [one["type"] for one in found["output"]] == ["message", "function_call", "function_call"]
    assert found["output"][2] == {
        "id": "fc_1_2",
        "type": "function_call",
        "status": "completed",
        "call_id": "call_2",
        "name": "f",
        "arguments": '{"a":1}',
    }


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("length", "max_output_tokens"), ("content_filter", "content_filter")],
)
def test_an_answer_that_was_cut_is_incomplete(finish: str, reason: str) -> None:
    found = answered({"content": "hel"}, finish)

    assert found["status"] == found["output"][0]["status"] == "incomplete"
    assert found["incomplete_details"] == {"reason": reason}


def test_a_refusal_is_told_once_and_as_such() -> None:
    found = answered({"content": "no", "refusal": "no"}, "content_filter")
    assert found["output"][0]["content"] == [{"type": "refusal", "refusal": "no"}]


def test_a_server_that_does_not_say_why_it_ended_has_ended() -> None:
    assert answered({"content": "hello"}, None)["status"] == "completed"


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": []},
        {"choices": ["hi"]},
        {"choices": [{"message": None}]},
        {"choices": [{"message": {"tool_calls": [5]}}]},
        {"choices": [{"message": {"tool_calls": [{"function": {"name": 5}}]}}]},
    ],
)
def test_an_answer_that_is_none_is_an_error_of_the_engine(answer: dict[str, Any]) -> None:
    with pytest.raises(EngineError):
        whole(response(), orjson.dumps(answer))


def test_a_text_piece_by_piece() -> None:
    found = streamed({"delta": {"role": "assistant", "content": ""}}, says("hel"), says("lo"), END)

    assert kinds(found) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [one["response"]["output"] for one in found[:2]] == [[], []]
    assert found[2]["item"]["content"] == []
    assert found[3]["part"]["text"] == ""
    assert found[6]["text"] == found[7]["part"]["text"] == "hello"
    assert found[9]["response"]["output"] == [found[8]["item"]]


def test_calls_piece_by_piece() -> None:
    found = streamed(
        says("I look."),
        calls(0, "call_a", "f", ""),
        calls(0, None, None, '{"a"'),
        calls(1, "call_b", "g", "{"),
        calls(0, None, None, ":1}"),
        calls(1, None, None, "}"),
        {"delta": {}, "finish_reason": "tool_calls"},
    )
    message, first, second = found[-1]["response"]["output"]

    assert message["content"][0]["text"] == "I look."
    assert (first["call_id"], first["name"], first["arguments"]) == ("call_a", "f", '{"a":1}')
    assert (second["call_id"], second["name"], second["arguments"]) == ("call_b", "g", "{}")
    said = [one for one in found if one["type"] == "response.function_call_arguments.delta"]
    assert [(one["output_index"], one["delta"]) for one in said] == [
        (1, '{"a"'),
        (2, "{"),
        (1, ":1}"),
        (2, "}"),
    ]
    assert kinds(found)[-5:] == [
        "function_call_arguments.done",
        "output_item.done",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]


def test_servers_that_number_no_calls_are_understood_by_their_ids() -> None:
    found = streamed(calls(None, "a", "f", {"x": 1}), calls(None, "b", "f", "{}"), END)

    made = [(one["call_id"], one["arguments"]) for one in found[-1]["response"]["output"]]
    assert made == [("a", '{"x":1}'), ("b", "{}")]


def test_a_chunk_whose_error_is_null_has_none() -> None:
    raw = b"".join(sse.event({"choices": [one], "error": None}) for one in (says("hi"), END))

    assert kinds(told([raw + sse.DONE]))[-1] == "completed"


def test_a_whole_answer_whose_error_is_null_has_none() -> None:
    answer = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}], "error": None}

    assert orjson.loads(whole(response(), orjson.dumps(answer)))["status"] == "completed"


def test_a_call_is_shown_when_its_name_is_known() -> None:
    found = streamed(calls(0, "a", None, "{"), calls(0, None, "f", "}"), END)
    assert found[2]["item"]["name"] == "f"
    assert found[3]["delta"] == "{}"


def test_bytes_may_be_cut_anywhere_and_other_choices_are_not_ours() -> None:
    chunks = [{"choices": [{"index": 1, **says("other")}]}, {"choices": [says("하나")]}]
    last = {"choices": [END]}
    raw = b": hello\n\n" + b"".join(sse.event(one) for one in [*chunks, last]) + sse.DONE[:-2]

    found = told([raw[n : n + 1] for n in range(len(raw))])

    assert found[-1]["response"]["output"][0]["content"][0]["text"] == "하나"
    assert kinds(found)[-1] == "completed"


def test_the_usage_comes_with_the_end() -> None:
    raw = sse.event({"choices": [says("hi") | {"finish_reason": "stop"}]})
    found = told([raw, sse.event({"choices": [], "usage": USAGE}) + sse.DONE])

    assert found[0]["response"]["usage"] is None
    assert found[-1]["response"]["usage"]["total_tokens"] == 12


def test_an_error_in_the_stream_fails_the_response_and_finishes_nothing() -> None:
    error = {"message": "It broke.", "type": "upstream_error", "code": "Silent"}
    raw = sse.event({"choices": [calls(0, "a", "f", '{"a"')]}) + sse.event({"error": error})
    found = told([raw + sse.DONE])

    assert kinds(found)[-2:] == ["error", "failed"]
    assert (found[-2]["message"], found[-2]["code"]) == ("It broke.", "Silent")
    failed = found[-1]["response"]
    assert failed["error"] == {"code": "server_error", "message": "It broke."}
    assert (failed["status"], failed["output"][0]["status"]) == ("failed", "incomplete")
    assert not [one for one in kinds(found) if one.endswith(".done")]


@pytest.mark.parametrize(
    ("code", "told_as"),
    [("content_filter", "invalid_prompt"), ("rate_limit_exceeded", "rate_limit_exceeded")],
)
def test_errors_have_the_codes_that_clients_know(code: str, told_as: str) -> None:
    found = told([sse.event({"error": {"message": "No.", "code": code}})])
    assert found[-1]["response"]["error"]["code"] == told_as


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [sse.event({"choices": [says("hel")]})],
        [sse.event({"choices": [says("hel")]}), sse.event({"choices": [5]}), sse.DONE],
        [sse.event({"error": "no"}), sse.DONE],
    ],
)
def test_a_stream_that_breaks_off_fails(pieces: list[bytes]) -> None:
    found = told(pieces)
    assert kinds(found)[:2] == ["created", "in_progress"]
    assert kinds(found)[-2:] == ["error", "failed"]
    assert kinds(found).count("failed") == 1


def test_who_stops_listening_stops_the_chat() -> None:
    closed = []

    async def given() -> AsyncIterator[bytes]:
        try:
            while True:
                yield sse.event({"choices": [says("on and on ")]})
        finally:
            closed.append(True)

    async def listen() -> None:
        heard = events(given(), response())
        assert await anext(heard)
        assert isinstance(heard, AsyncGenerator)
        await heard.aclose()
        assert closed == [True]

    asyncio.run(listen())
