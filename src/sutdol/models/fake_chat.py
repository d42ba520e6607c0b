"""What the fake model server says in a chat, whole or in chunks: pure, from what it was asked."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Literal

from sutdol.models.fake_asked import Asked, Reply
from sutdol.models.fake_schema import Schema, fill


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of the answers asked for: a text, or the arguments for a function."""

    text: str
    finish: Literal["stop", "length", "tool_calls"] = "stop"
    function: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """All that the answer to one request holds."""

    number: int
    model: str
    choices: tuple[Choice, ...]
    read: int  # words

    @property
    def usage(self) -> dict[str, int]:
        """What it cost, with a word for a token."""
        written = sum(len(choice.text.split()) for choice in self.choices)
        return {
            "prompt_tokens": self.read,
            "completion_tokens": written,
            "total_tokens": self.read + written,
        }


def answer(asked: Asked, reply: Reply, *, number: int, model: str) -> Answer:
    """The answer to the `number`th request."""
    wanted = asked.body.get("n")
    count = wanted if isinstance(wanted, int) and wanted > 0 else 1
    return Answer(
        number=number,
        model=str(asked.body.get("model", model)),
        choices=tuple(_choice(asked, reply) for _ in range(count)),
        read=sum(len(text.split()) for _, text in asked.messages),
    )


def whole(answer: Answer) -> dict[str, object]:
    """The answer in one piece."""
    choices = [
        {
            "index": index,
            "message": _message(choice, f"call_{answer.number}_{index}"),
            "finish_reason": choice.finish,
        }
        for index, choice in enumerate(answer.choices)
    ]
    return {**_envelope(answer, "chat.completion"), "choices": choices, "usage": answer.usage}


def chunks(answer: Answer, *, usage: bool) -> list[dict[str, object]]:
    """The answer word by word, its choices by turns; the usage comes last and without choices."""
    envelope = _envelope(answer, "chat.completion.chunk")
    if usage:
        envelope["usage"] = None  # but in the last one
    lines = [
        [{"index": index, **part} for part in _parts(choice, f"call_{answer.number}_{index}")]
        for index, choice in enumerate(answer.choices)
    ]
    turns = chain.from_iterable(zip_longest(*lines))
    made = [{**envelope, "choices": [part]} for part in turns if part is not None]
    last = {**envelope, "choices": [], "usage": answer.usage}
    return [*made, last] if usage else made


def _choice(asked: Asked, reply: Reply) -> Choice:
    called = _called(asked)
    if called is not None:
        name, parameters = called
        values = fill({"type": "object", **parameters}, asked.last, items=0)
        return Choice(text=_json(values), finish="tool_calls", function=name)
    return _cut(_formatted(asked, reply(asked)), asked.body)


def _called(asked: Asked) -> tuple[str, Schema] | None:
    """The function to call with the schema of its parameters: the named one, or the first."""
    tools = asked.body.get("tools")
    functions = dict(_functions(tools if isinstance(tools, list) else []))
    role, _ = asked.messages[-1]
    if role == "tool":  # it has called one, and now it speaks
        return None
    match asked.body.get("tool_choice", "auto"):
        case {"function": {"name": str(name)}}:
            return name, functions.get(name, {})
        case "required" | "auto" as choice if choice == "required" or _speaks_of_tools(asked):
            return next(iter(functions.items()), None)
    return None


def _functions(tools: Sequence[object]) -> Iterator[tuple[str, Schema]]:
    for tool in tools:
        match tool:
            case {"function": {"name": str(name), "parameters": dict(parameters)}}:
                yield name, parameters
            case {"function": {"name": str(name)}}:
                yield name, {}


def _speaks_of_tools(asked: Asked) -> bool:
    said = [text for role, text in asked.messages if role == "user"]
    return bool(said) and re.search(r"\btool\b", said[-1], re.IGNORECASE) is not None


def _formatted(asked: Asked, said: str) -> str:
    """The reply in the format that was asked for."""
    match asked.body.get("response_format"):
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}}:
            return _json(fill(schema, said, items=1))
        case {"type": "json_object" | "json_schema"}:
            return _json({"answer": said})
    return said


def _cut(said: str, body: Mapping[str, object]) -> Choice:
    """The reply up to the first string at which to stop, and no longer than asked for."""
    stop = body.get("stop")
    stops = [one for one in (stop if isinstance(stop, list) else [stop]) if one]
    ends = [said.find(str(one)) for one in stops]
    said = said[: min((end for end in ends if end >= 0), default=len(said))]
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    if isinstance(limit, int) and len(said.split()) > limit:
        return Choice(text="".join(_words(said)[:limit]), finish="length")
    return Choice(text=said)


def _words(text: str) -> list[str]:
    """Pieces that joined give the text, each with one word and the space before it."""
    return re.findall(r"\s*\S+|\s+", text)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _envelope(answer: Answer, kind: str) -> dict[str, object]:
    named = {"id": f"chatcmpl-{answer.number}", "object": kind}
    return {**named, "created": 0, "model": answer.model}


def _message(choice: Choice, call: str) -> dict[str, object]:
    if not choice.function:
        return {"role": "assistant", "content": choice.text}
    function = {"name": choice.function, "arguments": choice.text}
    calls = [{"id": call, "type": "function", "function": function}]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def _parts(choice: Choice, call: str) -> Iterator[dict[str, object]]:
    """The choice as deltas: who speaks, piece by piece what is said, why it ends."""
    for delta in _call(choice, call) if choice.function else _speech(choice):
        yield {"delta": delta, "finish_reason": None}
    yield {"delta": {}, "finish_reason": choice.finish}


def _speech(choice: Choice) -> Iterator[dict[str, object]]:
    yield {"role": "assistant", "content": ""}
    for word in _words(choice.text):
        yield {"content": word}


def _call(choice: Choice, call: str) -> Iterator[dict[str, object]]:
    yield {"role": "assistant", "content": None}
    function = {"name": choice.function, "arguments": ""}
    yield {"tool_calls": [{"index": 0, "id": call, "type": "function", "function": function}]}
    for piece in _words(choice.text):
        yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
