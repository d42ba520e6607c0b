"""OpenAI's Responses API on the way in: what it asks for, as a chat that every upstream knows."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from sutdol.chat.asked import Bad, Body
from sutdol.chat.items import Items, messages, needed, told
from sutdol.chat.passed import written

NOT_KEPT = (
    "This server keeps no responses: send the whole input each time, or go on with a"
    " `conversation`."
)
_NEWER = re.compile(r"(.*/)?(o\d|gpt-[5-9])")
"""OpenAI's own models that refuse `max_tokens`; servers at home often ignore its newer name."""


def _as_id(value: object) -> object:
    return value.get("id") if isinstance(value, dict) else value


class Tool(BaseModel):
    """A function that the model may call; the client runs it."""

    type: Literal["function"]
    name: str = Field(min_length=1, max_length=256)
    description: str | None = None
    parameters: Body | None = None
    strict: bool | None = None


class Format(BaseModel):
    """The form of the answer; `json_schema` needs a name and a schema."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    name: str | None = None
    description: str | None = None
    schema_: Body | None = Field(default=None, alias="schema")
    strict: bool | None = None


class Text(BaseModel):
    format: Format | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class Reasoning(BaseModel):
    effort: str | None = Field(default=None, max_length=32)


class Asked(BaseModel):
    """The body of a request for a response; what is not named here is not passed on."""

    model_config = ConfigDict(extra="ignore")

    model: str = Field(min_length=1, max_length=200)
    input: Items
    instructions: str | None = None
    stream: bool | None = None
    tools: list[Tool] | None = None
    tool_choice: str | Body | None = None
    text: Text | None = None
    max_output_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = None
    top_p: float | None = None
    parallel_tool_calls: bool | None = None
    metadata: dict[str, str] | None = Field(default=None, max_length=16)
    user: str | None = None
    reasoning: Reasoning | None = None
    store: bool | None = None
    conversation: Annotated[
        str | None, BeforeValidator(_as_id, json_schema_input_type=str | dict[str, str] | None)
    ] = Field(default=None, min_length=1, max_length=64)
    previous_response_id: str | None = None
    background: bool | None = None
    prompt: Body | None = None
    top_logprobs: int | None = None


def chat_body(asked: Asked) -> bytes:
    """The body of the same question as a chat."""
    _require_supported(asked)
    wanted = {
        "model": asked.model,
        "messages": messages(asked.input, asked.instructions),
        "stream": asked.stream,
        "stream_options": {"include_usage": True} if asked.stream else None,
        "max_completion_tokens" if _NEWER.match(asked.model) else "max_tokens": (
            asked.max_output_tokens
        ),
        "temperature": asked.temperature,
        "top_p": asked.top_p,
        "response_format": _format(asked.text.format if asked.text else None),
        "verbosity": asked.text.verbosity if asked.text else None,
        "reasoning_effort": asked.reasoning.effort if asked.reasoning else None,
        "user": asked.user,
        "conversation": asked.conversation,
        "store": False if asked.store is False else None,
        **(_with_tools(asked) if asked.tools else {}),
    }
    return written(told(wanted))


def _require_supported(asked: Asked) -> None:
    """Refuse what nobody would do."""
    refused = {
        "previous_response_id": asked.previous_response_id and NOT_KEPT,
        "background": asked.background
        and "Nothing runs in the background here: ask without `background`, or with `stream`.",
        "prompt": asked.prompt and "This server keeps no prompts: send `instructions` and `input`.",
        "top_logprobs": asked.top_logprobs
        and "Probabilities are not passed on here: ask `/v1/chat/completions` for them.",
    }
    for param, message in refused.items():
        if message:
            raise Bad(message, param)


def _format(format_: Format | None) -> Body | None:
    if format_ is None or format_.type == "text":
        return None
    if format_.type == "json_object":
        return {"type": "json_object"}
    made = {
        "name": needed(format_.name, "text.format.name"),
        "schema": needed(format_.schema_, "text.format.schema"),
        "description": format_.description,
        "strict": format_.strict,
    }
    return {"type": "json_schema", "json_schema": told(made)}


def _with_tools(asked: Asked) -> Body:
    tools = [
        {"type": "function", "function": told(one.model_dump(exclude={"type"}))}
        for one in asked.tools or ()
    ]
    return {
        "tools": tools,
        "tool_choice": _tool_choice(asked.tool_choice),
        "parallel_tool_calls": asked.parallel_tool_calls,
    }


def _tool_choice(choice: str | Body | None) -> str | Body | None:
    if choice in (None, "none", "auto", "required"):
        return choice
    if isinstance(choice, dict) and choice.get("type") == "function":
        name = needed(choice.get("name"), "tool_choice.name")
        return {"type": "function", "function": {"name": name}}
    raise Bad(
        "'tool_choice' must be none, auto, required, or a function with its name.", "tool_choice"
    )
