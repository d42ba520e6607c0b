"""Answers as OpenAI's clients read them: taken apart, and made here when the guard says no."""

import re
from datetime import datetime
from typing import Any

import orjson

from sutdol.chat import sse
from sutdol.chat.shield import REFUSAL, Blocked
from sutdol.chat.words import texts_in
from sutdol.core.errors import EngineError

SHORTEST_SECRET = 8
"""Characters; shorter ones are no secrets, but words such as `none` that a server wants to see."""
_USAGE = re.compile(rb'"usage"\s*:\s*(\{(?:[^{}]|\{[^{}]*\})*\})')


def parse(body: bytes, who: str) -> dict[str, Any]:
    """The answer as JSON."""
    try:
        found = orjson.loads(body)
    except ValueError:
        raise EngineError(f"{who} answered no JSON.") from None
    if not isinstance(found, dict) or not isinstance(found.get("choices"), list):
        raise EngineError(f"{who} answered without choices.")
    return found


def texts(answer: dict[str, Any]) -> list[str]:
    """What each choice says, whatever fields it says it in."""
    found = ["\n".join(texts_in(choice, but=sse.QUIET)) for choice in answer["choices"]]
    return [text for text in found if text]


def first(answer: dict[str, Any]) -> dict[str, Any] | None:
    """The message of the first choice."""
    return _message(answer["choices"][0]) if answer["choices"] else None


def usage_at_end(body: bytes) -> dict[str, Any] | None:
    """The usage of an answer that is too long to be read whole for it."""
    found = _USAGE.search(body[-2000:]) or _USAGE.search(body[:2000])
    try:
        usage = orjson.loads(found[1]) if found else None
    except ValueError:
        return None
    return usage if isinstance(usage, dict) else None


def without(secret: bytes, body: bytes) -> bytes:
    """What an upstream said, without its key: that is ours, and some repeat it in their errors."""
    return body.replace(secret, b"***") if len(secret) >= SHORTEST_SECRET else body


def error_of(body: bytes) -> dict[str, Any] | None:
    """The error in an upstream's answer, in the form that clients know."""
    try:
        found = orjson.loads(body)
    except ValueError:
        return None
    error = found.get("error") if isinstance(found, dict) else None
    if isinstance(error, str):
        error = {"message": error}
    if not isinstance(error, dict):
        return None
    blank = {"message": "The model server failed.", "type": "upstream_error"}
    return blank | {"param": None, "code": None} | error


def refusal(id_: str, model: str, blocked: Blocked, at: datetime) -> dict[str, Any]:
    """An answer of ours in place of a model's."""
    return {
        "id": f"chatcmpl-{id_}",
        "object": "chat.completion",
        "created": int(at.timestamp()),
        "model": model,
        "choices": [_no(0, blocked)],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }


def refused(answer: dict[str, Any], blocked: Blocked) -> dict[str, Any]:
    """The answer with every choice taken back."""
    return answer | {"choices": [_no(n, blocked) for n, _ in enumerate(answer["choices"])]}


def as_stream(answer: dict[str, Any]) -> list[bytes]:
    """The same answer as a stream of events."""
    shared = {key: answer[key] for key in ("id", "created", "model")}
    shared["object"] = "chat.completion.chunk"
    events = []
    for choice in answer["choices"]:
        told = {"index": choice["index"], "delta": choice["message"], "finish_reason": None}
        ends = {"index": choice["index"], "delta": {}, "finish_reason": choice["finish_reason"]}
        events += [sse.event(shared | {"choices": [one]}) for one in (told, ends)]
    return [*events, sse.DONE]


def cut(chunk: dict[str, Any], choices: list[int]) -> bytes:
    """The events that end a stream which the guard stops."""
    shared = {key: chunk.get(key) for key in ("id", "created", "model")}
    shared["object"] = "chat.completion.chunk"
    ends = [{"index": number, "delta": {}, "finish_reason": "content_filter"} for number in choices]
    return sse.event(shared | {"choices": ends}) + sse.DONE


def in_stream(message: str, kind: str, code: str | None) -> bytes:
    """An error in the middle of a stream, which clients raise."""
    error = {"message": message, "type": kind, "param": None, "code": code}
    return sse.event({"error": error})


def _no(number: int, blocked: Blocked) -> dict[str, Any]:
    text = REFUSAL.format(side=blocked.side)
    message = {"role": "assistant", "content": text, "refusal": text}
    return {
        "index": number,
        "message": message,
        "finish_reason": "content_filter",
        "logprobs": None,
    }


def _message(choice: Any) -> dict[str, Any]:
    message = choice.get("message") if isinstance(choice, dict) else None
    return message if isinstance(message, dict) else {}
