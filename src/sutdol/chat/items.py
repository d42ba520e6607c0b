"""What was said and done, as the Responses API tells it, turned into the messages of a chat."""

from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator

from sutdol.chat.asked import Bad, Body

T = TypeVar("T")


def _as_parts(value: object) -> object:
    return [{"type": "input_text", "text": value}] if isinstance(value, str) else value


def _as_items(value: object) -> object:
    """Of a thought that is sent back only the type is read."""
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    if not isinstance(value, list):
        return value
    return [{"type": "reasoning"} if _is_thought(one) else one for one in value]


def _is_thought(item: object) -> bool:
    return isinstance(item, dict) and item.get("type") == "reasoning"


class Part(BaseModel):
    """One part of what is said, such as text or the address of a picture."""

    type: Literal["input_text", "output_text", "text", "refusal", "input_image"]
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    detail: str | None = None


Parts = Annotated[
    list[Part], BeforeValidator(_as_parts, json_schema_input_type=str | list[Part] | None)
]


class Item(BaseModel):
    """One thing that was said or done; which fields it needs depends on its type."""

    type: Literal["message", "function_call", "function_call_output", "reasoning"] = "message"
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: Parts | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: Parts | None = None


Items = Annotated[list[Item], BeforeValidator(_as_items, json_schema_input_type=str | list[Item])]


def messages(items: Sequence[Item], instructions: str | None) -> list[Body]:
    """All of it, the instructions first."""
    made: list[Body] = []
    if instructions:
        made.append({"role": "system", "content": instructions})
    for number, item in enumerate(items):
        _add(made, item, f"input.{number}")
    if not made:
        raise Bad("'input' says nothing: send a text, or a list with a message.", "input")
    return made


def _add(made: list[Body], item: Item, where: str) -> None:
    """Say or do the item after what was said and done before it."""
    if item.type == "message":
        _say(made, item, where)
    elif item.type == "function_call":
        _call(made, item, where)
    elif item.type == "function_call_output":
        call = needed(item.call_id, f"{where}.call_id")
        content = _content(item.output or [], f"{where}.output")
        made.append({"role": "tool", "tool_call_id": call, "content": content})


def _say(made: list[Body], item: Item, where: str) -> None:
    """Prompts of the developer become the system's, and one with those right before them: many
    models know only one, at the beginning.
    """
    role = needed(item.role, f"{where}.role")
    role = "system" if role == "developer" else role
    content = _content(item.content or [], f"{where}.content")
    before = made[-1]["content"] if made and made[-1]["role"] == role == "system" else None
    if isinstance(before, str) and isinstance(content, str):
        made[-1]["content"] = f"{before}\n\n{content}"
    else:
        made.append({"role": role, "content": content})


def _call(made: list[Body], item: Item, where: str) -> None:
    """Calls belong to the message of the assistant before them."""
    function = {
        "name": needed(item.name, f"{where}.name"),
        "arguments": item.arguments or "{}",
    }
    id_ = needed(item.call_id, f"{where}.call_id")
    if not made or made[-1]["role"] != "assistant":
        made.append({"role": "assistant", "content": None})
    calls = made[-1].setdefault("tool_calls", [])
    calls.append({"id": id_, "type": "function", "function": function})


def _content(parts: list[Part], where: str) -> str | list[Body]:
    """Text as a string, which every server takes; parts only where there are pictures."""
    if all(part.type != "input_image" for part in parts):
        return "\n".join(part.refusal or part.text or "" for part in parts)
    return [_part(part, f"{where}.{number}") for number, part in enumerate(parts)]


def _part(part: Part, where: str) -> Body:
    if part.type != "input_image":
        return {"type": "text", "text": part.refusal or part.text or ""}
    url = needed(part.image_url, f"{where}.image_url")
    return {"type": "image_url", "image_url": told({"url": url, "detail": part.detail})}


def told(values: Body) -> Body:
    """Without what was not given."""
    return {name: value for name, value in values.items() if value is not None}


def needed(value: T | None, where: str) -> T:
    if value is None:
        raise Bad(f"'{where}' is missing.", where)
    return value
