"""Reading along with a stream, however its bytes are cut."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutdol.chat.sse import DONE, Events, Heard, chunk_of, event, hear, is_silent, is_usage_only


def chunk(**delta: object) -> dict[str, object]:
    return {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


STREAM = (
    event(chunk(role="assistant"))
    + event(chunk(content="두 줄"))
    + event(chunk(content="\n\n"))
    + DONE
)


@given(st.lists(st.integers(min_value=0, max_value=len(STREAM)), max_size=12))
def test_however_the_bytes_come_the_events_are_the_same(cuts: list[int]) -> None:
    events, places = Events(), [0, *sorted(cuts), len(STREAM)]
    found: list[bytes] = []
    for start, end in pairwise(places):
        found += events.feed(STREAM[start:end])

    assert b"".join(found) + events.end() == STREAM
    assert len(found) == 4


def test_lines_may_end_as_on_windows() -> None:
    events = Events()
    raw = STREAM.replace(b"\n\n", b"\r\n\r\n")

    assert b"".join(events.feed(raw)) == raw


def test_an_event_without_end_is_passed_on_unread() -> None:
    events = Events()
    raw = b"data: " + b"x" * (9 << 20)

    assert events.feed(raw) == [raw]
    assert events.end() == b""


def test_what_is_said_is_joined_by_choice() -> None:
    heard = Heard()
    for number, text in ((0, "a"), (1, "b"), (0, "c")):
        hear(heard, {"choices": [{"index": number, "delta": {"content": text}}]})

    assert heard.text(0) == "ac"
    assert heard.text(1) == "b"
    assert heard.pieces == 3


def test_a_call_of_a_tool_is_put_together() -> None:
    heard = Heard()
    parts = [
        {
            "index": 0,
            "id": "call_1",
            "type": "function",
            "function": {"name": "f", "arguments": ""},
        },
        {"index": 0, "function": {"arguments": '{"a":'}},
        {"index": 0, "function": {"arguments": "1}"}},
    ]
    for part in parts:
        hear(heard, chunk(tool_calls=[part]))

    (call,) = heard.message()["tool_calls"]
    assert call["id"] == "call_1"
    assert json.loads(call["function"]["arguments"]) == {"a": 1}
    assert heard.message()["content"] is None


def call(number: object, id_: object, name: object, arguments: object) -> dict[str, object]:
    return {"index": number, "id": id_, "function": {"name": name, "arguments": arguments}}


def called(*pieces: dict[str, object]) -> list[tuple[str, str, str]]:
    heard = Heard()
    for piece in pieces:
        hear(heard, chunk(tool_calls=[piece]))
    made = heard.message()["tool_calls"]
    return [(one["id"], one["function"]["name"], one["function"]["arguments"]) for one in made]


def test_calls_that_a_server_does_not_number_are_told_apart_by_their_ids() -> None:
    assert called(
        call(None, "a", "f", {"x": 1}), call(None, "b", "g", "{"), call(None, None, None, "}")
    ) == [("a", "f", '{"x":1}'), ("b", "g", "{}")]


def test_calls_may_be_told_by_turns() -> None:
    assert called(
        call(1, "b", "g", "{"),
        call(0, "a", "f", "["),
        call(1, None, None, "}"),
        call(0, "a", "", "]"),
    ) == [("b", "g", "{}"), ("a", "f", "[]")]


def test_a_call_may_learn_its_id_later() -> None:
    assert called(call(0, None, "f", "{"), call(0, "a", None, "}"), call(0, "b", "g", "{}")) == [
        ("a", "f", "{}"),
        ("b", "g", "{}"),
    ]


@pytest.mark.parametrize(
    "delta",
    [
        {"tool_calls": 5},
        {"tool_calls": {"function": {"arguments": "{}"}}},
        {"tool_calls": [5, None, {"function": 5}, {"index": [0], "id": 5}]},
        {"tool_calls": [{"function": {"name": 5, "arguments": None}}]},
        {"content": 5},
        {"content": {"a": [None, 5]}},
    ],
)
def test_a_chunk_of_an_odd_form_is_heard_as_far_as_it_goes(delta: dict[str, object]) -> None:
    heard = Heard()

    hear(heard, chunk(**delta))
    hear(heard, chunk(content="more"))

    assert heard.message()["content"] == "more"


def test_no_error_is_no_error() -> None:
    heard = Heard()
    hear(heard, {**chunk(content="a"), "error": None})

    assert heard.error is None
    assert heard.text() == "a"


def test_usage_and_errors_are_heard() -> None:
    heard = Heard()
    last = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    hear(heard, last)
    hear(heard, {"error": {"code": "overloaded", "message": "no"}})

    assert is_usage_only(last)
    assert heard.usage == last["usage"]
    assert heard.error == "overloaded"


@pytest.mark.parametrize(
    "raw", [b": comment\n\n", b"data: [DONE]\n\n", b"data: nonsense\n\n", b"data: 7\n\n", b"\n\n"]
)
def test_what_is_no_chunk_is_none(raw: bytes) -> None:
    assert chunk_of(raw) is None


def test_a_chunk_may_come_after_a_name_and_a_comment() -> None:
    assert chunk_of(b": hi\nevent: x\ndata: {}\n\n") == {}


@pytest.mark.parametrize(
    "raw",
    [
        b'data: {"choices":[{"index":0,"delta":{"content":"bad"}}]}\nid: 7\n\n',
        b'data: {"choices":[{"index":0,\ndata: "delta":{"content":"bad"}}]}\n\n',
        b'data: {"choices":[{"index":0,"delta":{"content":[{"type":"text","text":"bad"}]}}]}\n\n',
        b'data: {"choices":[{"index":0,"delta":{"reasoning_content":"bad"}}]}\n\n',
        b'data: {"choices":[{"index":0,"delta":{"content":"a","refusal":"bad"}}]}\n\n',
        b'data: {"choices":[{"index":0,"message":{"content":"bad"}}]}\n\n',
        b'data: {"choices":[{"index":0,"text":"bad"}]}\n\n',
        b'data: {"choices":[7,{"index":[0],"delta":{"content":"bad"}}]}\n\n',
        b'data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"bad"}}]}}]}\n\n',
        b'data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":["bad"]}}]}}]}\n\n',
        b'\xef\xbb\xbfdata: {"choices":[{"index":0,"delta":{"content":"bad"}}]}\n\n',
    ],
)
def test_whatever_a_stream_says_is_heard(raw: bytes) -> None:
    (one,) = Events().feed(raw)
    found = chunk_of(one)

    assert found is not None
    assert "bad" in "".join(text for _, text in hear(Heard(), found))


@pytest.mark.parametrize("line", [b"\n", b"\r\n", b"\r"])
def test_a_comment_with_other_ends_of_lines_hides_no_event(line: bytes) -> None:
    raw = b'data: {"a": 1}\n\n: ping' + line + line + b'data: {"b": 2}\n\n'
    found = Events().feed(raw)

    assert b"".join(found) == raw
    assert [chunk_of(one) for one in found if chunk_of(one)] == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    ("raw", "silent"),
    [(b": ping\n\n", True), (DONE, True), (b"data: x\n\n", False), (b"event: x\n\n", True)],
)
def test_only_what_says_nothing_is_silent(raw: bytes, silent: bool) -> None:
    assert is_silent(raw) is silent
