"""What the fake model server says in a chat: words, functions to call, JSON; whole or in chunks."""

import json
from typing import Any

import pytest

from sutdol.models import fake_chat
from sutdol.models.fake_asked import Asked, Reply, conversation

ASKED: dict[str, object] = {"messages": [{"role": "user", "content": "sharpen the old knife"}]}
WEATHER = {
    "type": "object",
    "properties": {
        "place": {"type": "string"},
        "days": {"type": "integer"},
        "unit": {"enum": ["celsius", "kelvin"]},
        "exact": {"type": "boolean"},
        "hours": {"type": "array", "items": {"type": "integer"}},
        "more": {"type": "object"},
    },
}
TOOLS = [
    {"type": "function", "function": {"name": "weather", "parameters": WEATHER}},
    {"type": "function", "function": {"name": "ping"}},
]


def answer(body: dict[str, object], reply: Reply) -> fake_chat.Answer:
    body = ASKED | body
    asked = Asked(headers={}, body=body, messages=conversation(body))
    return fake_chat.answer(asked, reply, number=1, model="m")


def message(body: dict[str, object], said: str = "rain") -> Any:
    """The first choice of an answer that says `said`, as its JSON has it."""
    shown: Any = fake_chat.whole(answer(body, lambda _: said))
    return shown["choices"][0]


def chunks(
    body: dict[str, object], said: str = "a dull  knife\n", usage: bool = False
) -> list[Any]:
    """The chunks in which `said` is said."""
    return list(fake_chat.chunks(answer(body, lambda _: said), usage=usage))


def choices(found: list[Any], index: int = 0) -> list[Any]:
    """One of the choices of a stream."""
    return [one for chunk in found for one in chunk["choices"] if one["index"] == index]


def said(found: list[Any]) -> str:
    return "".join(one["delta"].get("content") or "" for one in found)


def test_streams_word_by_word() -> None:
    found = chunks({})
    first, *words, last = choices(found)
    assert first["delta"] == {"role": "assistant", "content": ""}
    assert [one["delta"] for one in words] == [
        {"content": "a"},
        {"content": " dull"},
        {"content": "  knife"},
        {"content": "\n"},
    ]
    assert {one["finish_reason"] for one in [first, *words]} == {None}
    assert (last["delta"], last["finish_reason"]) == ({}, "stop")
    assert {one["object"] for one in found} == {"chat.completion.chunk"}
    assert len({one["id"] for one in found}) == 1
    assert not any("usage" in one for one in found)


def test_a_stream_ends_with_the_usage_if_asked_for() -> None:
    *found, last = chunks({}, usage=True)
    assert {one["usage"] for one in found} == {None}
    assert last["choices"] == []
    assert last["usage"] == {"prompt_tokens": 4, "completion_tokens": 3, "total_tokens": 7}


def test_several_choices_are_several_replies() -> None:
    replies = iter(["a b", "c"])
    made = answer({"n": 2}, lambda _: next(replies))
    shown: Any = fake_chat.whole(made)
    assert [one["message"]["content"] for one in shown["choices"]] == ["a b", "c"]
    assert shown["usage"]["completion_tokens"] == 3
    found: list[Any] = list(fake_chat.chunks(made, usage=False))
    assert [said(choices(found, index)) for index in (0, 1)] == ["a b", "c"]
    assert [choices(found, index)[-1]["finish_reason"] for index in (0, 1)] == ["stop", "stop"]


@pytest.mark.parametrize(
    ("body", "shown", "finish"),
    [
        ({"stop": "four"}, "one two  three ", "stop"),
        ({"stop": ["four", "tw", "", "nine"]}, "one ", "stop"),
        ({"stop": "nine"}, "one two  three four", "stop"),
        ({"max_tokens": 3}, "one two  three", "length"),
        ({"max_completion_tokens": 1}, "one", "length"),
        ({"max_tokens": 4}, "one two  three four", "stop"),
        ({"max_tokens": 2, "stop": "three"}, "one two  ", "stop"),
    ],
)
def test_ends_where_it_is_told_to(body: dict[str, object], shown: str, finish: str) -> None:
    text = "one two  three four"
    choice = message(body, text)
    assert (choice["message"]["content"], choice["finish_reason"]) == (shown, finish)
    streamed = choices(chunks(body, text))
    assert (said(streamed), streamed[-1]["finish_reason"]) == (shown, finish)


def test_calls_a_function_with_what_its_schema_wants() -> None:
    choice = message({"tools": TOOLS, "tool_choice": "required"})
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    (call,) = choice["message"]["tool_calls"]
    assert (call["type"], call["function"]["name"]) == ("function", "weather")
    assert json.loads(call["function"]["arguments"]) == {
        "place": "sharpen the old knife",
        "days": 1,
        "unit": "celsius",
        "exact": True,
        "hours": [],
        "more": {},
    }


def test_a_call_is_streamed_in_pieces() -> None:
    body: dict[str, object] = {"tools": TOOLS, "tool_choice": "required"}
    whole = message(body)["message"]["tool_calls"][0]
    role, head, *pieces, last = choices(chunks(body))
    assert role["delta"] == {"role": "assistant", "content": None}
    (call,) = head["delta"]["tool_calls"]
    assert call == whole | {"index": 0, "function": {"name": "weather", "arguments": ""}}
    calls = [one["delta"]["tool_calls"][0] for one in pieces]
    assert len(calls) > 2
    assert all(set(one) == {"index", "function"} for one in calls)
    arguments = [one["function"]["arguments"] for one in calls]
    assert "".join(arguments) == whole["function"]["arguments"]
    assert (last["delta"], last["finish_reason"]) == ({}, "tool_calls")


@pytest.mark.parametrize(
    ("choice", "words", "called"),
    [
        ({"type": "function", "function": {"name": "ping"}}, "hello", "ping"),
        ("auto", "hello", None),
        ("auto", "use a Tool!", "weather"),
        ("auto", "the toolbox", None),
        ("none", "use a tool", None),
    ],
)
def test_calls_a_function_only_when_it_should(
    choice: object, words: str, called: str | None
) -> None:
    messages = [{"role": "user", "content": words}]
    found = message({"tools": TOOLS, "tool_choice": choice, "messages": messages})["message"]
    names = [one["function"]["name"] for one in found.get("tool_calls", [])]
    assert names == ([called] if called else [])


def test_speaks_after_the_tool_has() -> None:
    answered = {"role": "tool", "tool_call_id": "call_1_0", "content": "12 degrees"}
    messages = [{"role": "user", "content": "use a tool"}, answered]
    choice = message({"tools": TOOLS, "tool_choice": "required", "messages": messages})
    assert (choice["message"]["content"], choice["finish_reason"]) == ("rain", "stop")


def test_answers_with_json() -> None:
    choice = message({"response_format": {"type": "json_object"}}, "비가 온다")
    assert json.loads(choice["message"]["content"]) == {"answer": "비가 온다"}


def test_answers_with_json_that_fits_a_schema() -> None:
    step = {
        "type": "object",
        "properties": {
            "say": {"type": "string"},
            "next": {"anyOf": [{"$ref": "#/$defs/step"}, {"type": "null"}]},
        },
    }
    count = {"type": "object", "properties": {"n": {"type": "number"}}}
    properties = {
        "steps": {"type": "array", "items": count},
        "age": {"type": ["integer", "null"], "minimum": 18},
        "share": {"type": "number", "maximum": 0.5},
        "kind": {"const": "weather"},
        "pair": {"type": "array", "items": {"type": "boolean"}, "minItems": 2},
        "first": {"$ref": "#/$defs/step"},
    }
    schema = {"$defs": {"step": step}, "type": "object", "properties": properties}
    wanted = {"type": "json_schema", "json_schema": {"name": "weather", "schema": schema}}
    found = json.loads(message({"response_format": wanted})["message"]["content"])
    first = found.pop("first")
    assert found == {
        "steps": [{"n": 1}],
        "age": 18,
        "share": 0.5,
        "kind": "weather",
        "pair": [True, True],
    }
    while first is not None:  # a schema that contains itself comes to an end
        assert first["say"] == "rain"
        first = first["next"]
