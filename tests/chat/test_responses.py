"""What the Responses API asks for, as a chat."""

from typing import Any

import orjson
import pytest

from sutdol.chat.asked import Bad, Chat, read
from sutdol.chat.responses import Asked, chat_body

WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object"}}
SCHEMA = {"type": "json_schema", "name": "event", "schema": {"type": "object"}, "strict": True}


def chat(**fields: Any) -> dict[str, Any]:
    raw = chat_body(read(Asked, orjson.dumps({"model": "m", "input": "hi", **fields})))
    read(Chat, raw)  # the gateway takes it
    found: dict[str, Any] = orjson.loads(raw)
    return found


def call(number: int) -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": f"fc_{number}",
        "call_id": f"call_{number}",
        "name": "weather",
        "arguments": "{}",
        "status": "completed",
    }


def test_a_text_is_a_message_of_the_user_and_nothing_is_added() -> None:
    assert chat() == {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def test_a_stream_is_asked_to_count_its_tokens() -> None:
    assert chat(stream=True)["stream_options"] == {"include_usage": True}
    assert "stream_options" not in chat(stream=False)


def test_instructions_and_prompts_of_the_developer_are_one_prompt_of_the_system() -> None:
    said = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "hi"},
        {"role": "developer", "content": "Be long."},
    ]
    assert chat(instructions="Be kind.", input=said)["messages"] == [
        {"role": "system", "content": "Be kind.\n\nBe brief."},
        {"role": "user", "content": "hi"},
        {"role": "system", "content": "Be long."},
    ]


def test_parts_become_one_text_where_there_are_no_pictures() -> None:
    parts = [{"type": "input_text", "text": "one"}, {"type": "input_text", "text": "two"}]
    said = [{"role": "user", "content": parts}]
    assert chat(input=said)["messages"] == [{"role": "user", "content": "one\ntwo"}]


def test_a_picture_is_passed_on_as_its_address() -> None:
    parts = [
        {"type": "input_text", "text": "what is it?"},
        {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "low"},
    ]
    (message,) = chat(input=[{"role": "user", "content": parts}])["messages"]

    assert message["content"] == [
        {"type": "text", "text": "what is it?"},
        {
            "type": "image_url",
            "image_url": {"url": "data:image/png;base64,AA", "detail": "low"},
        },
    ]


def test_calls_belong_to_the_message_before_them_and_thoughts_are_left_out() -> None:
    said = [
        {"role": "user", "content": "weather?"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "other"}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
        call(1),
        call(2),
        {"type": "function_call_output", "call_id": "call_1", "output": "sunny"},
        {
            "type": "function_call_output",
            "call_id": "call_2",
            "output": [{"type": "input_text", "text": "rain"}],
        },
    ]
    function = {"name": "weather", "arguments": "{}"}
    assert chat(input=said)["messages"] == [
        {"role": "user", "content": "weather?"},
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": function},
                {"id": "call_2", "type": "function", "function": function},
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
        {"role": "tool", "tool_call_id": "call_2", "content": "rain"},
    ]


def test_a_call_with_nothing_said_before_it_is_a_message_of_its_own() -> None:
    _, called = chat(input=[{"role": "user", "content": "weather?"}, call(1)])["messages"]

    assert called["role"] == "assistant"
    assert called["content"] is None
    assert len(called["tool_calls"]) == 1


def test_functions_are_nested_as_chats_want_them() -> None:
    asked = chat(
        tools=[WEATHER | {"strict": True}],
        tool_choice={"type": "function", "name": "weather"},
        parallel_tool_calls=False,
    )
    assert asked["tools"] == [
        {
            "type": "function",
            "function": {"name": "weather", "parameters": {"type": "object"}, "strict": True},
        }
    ]
    assert asked["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
    assert asked["parallel_tool_calls"] is False


def test_what_is_about_tools_is_left_out_where_there_are_none() -> None:
    assert chat(tools=[], tool_choice="auto", parallel_tool_calls=True) == chat()


@pytest.mark.parametrize(
    ("wanted", "passed"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, {"type": "json_object"}),
        (
            SCHEMA,
            {
                "type": "json_schema",
                "json_schema": {"name": "event", "schema": {"type": "object"}, "strict": True},
            },
        ),
    ],
)
def test_the_form_of_the_answer(wanted: dict[str, Any], passed: dict[str, Any] | None) -> None:
    assert chat(text={"format": wanted}).get("response_format") == passed


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("llama3.1:8b", "max_tokens"),
        ("home/gpt-oss:20b", "max_tokens"),
        ("gpt-4o", "max_tokens"),
        ("gpt-5-mini", "max_completion_tokens"),
        ("openai/o3", "max_completion_tokens"),
    ],
)
def test_the_most_tokens_have_the_name_that_the_model_obeys(model: str, name: str) -> None:
    asked = chat(model=model, max_output_tokens=9)
    assert {key: asked[key] for key in asked if key.startswith("max_")} == {name: 9}


def test_dials_are_passed_on() -> None:
    asked = chat(
        temperature=0, top_p=0.5, user="kim", reasoning={"effort": "low"}, text={"verbosity": "low"}
    )
    del asked["model"], asked["messages"]
    assert asked == {
        "temperature": 0,
        "top_p": 0.5,
        "user": "kim",
        "reasoning_effort": "low",
        "verbosity": "low",
    }


def test_only_a_refusal_to_be_kept_is_passed_on() -> None:
    assert "store" not in chat(store=True)
    assert chat(store=False)["store"] is False


@pytest.mark.parametrize("conversation", ["conv_1", {"id": "conv_1"}])
def test_a_conversation_may_be_gone_on_with(conversation: object) -> None:
    assert chat(conversation=conversation)["conversation"] == "conv_1"


def test_metadata_is_not_for_upstreams() -> None:
    assert chat(metadata={"a": "b"}) == chat()


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": None}, "input"),
        ({"input": 5}, "input"),
        ({"input": []}, "input"),
        ({"input": ["hi"]}, "input.0"),
        ({"input": [{"type": "reasoning"}]}, "input"),
        ({"input": [{"content": "hi"}]}, "input.0.role"),
        ({"input": [{"role": "king", "content": "hi"}]}, "input.0.role"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input.0.type"),
        ({"input": [{"type": "web_search_call", "content": 5}]}, "input.0.type"),
        ({"input": [{"type": "function_call", "name": "f"}]}, "input.0.call_id"),
        ({"input": [{"type": "function_call_output", "output": ""}]}, "input.0.call_id"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_file"}]}]},
            "input.0.content.0.type",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
            "input.0.content.0.image_url",
        ),
        ({"tools": [{"type": "web_search"}]}, "tools.0.type"),
        ({"tools": [WEATHER], "tool_choice": "never"}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": {"type": "function"}}, "tool_choice.name"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.name"),
        ({"text": {"format": {"type": "grammar"}}}, "text.format.type"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"metadata": {"a": 5}}, "metadata.a"),
        ({"conversation": ""}, "conversation"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"background": True}, "background"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"top_logprobs": 3}, "top_logprobs"),
    ],
)
def test_what_nobody_would_do_is_refused_with_its_place(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(Bad) as refused:
        chat(**fields)

    assert refused.value.param == param
    assert refused.value.status == 400


def test_a_number_that_json_here_cannot_hold_is_refused() -> None:
    raw = (
        b'{"model":"m","input":"hi","tools":[{"type":"function","name":"f","parameters":{"a":%d}}]}'
    )
    with pytest.raises(Bad, match="64 bits"):
        chat_body(read(Asked, raw % 10**30))
