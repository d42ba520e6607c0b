"""Read along with a stream of events without changing its bytes.

Server-sent events as OpenAI sends them: https://html.spec.whatwg.org/multipage/server-sent-events.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import orjson

from sutdol.chat.calls import Calls, arguments, id_of
from sutdol.chat.words import texts_in

LONGEST = 8 << 20  # bytes of one event; longer ones are passed on unread
DONE = b"data: [DONE]\n\n"


_ENDS = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n|\r\n\n|\r\n\r(?!\n)")
"""An empty line, in all ways that the standard allows to end lines."""


class Events:
    """Cuts bytes into whole events; what is left over waits for the next bytes."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[bytes]:
        """The events that are whole now, each with the empty line that ends it."""
        found = self._rest + piece if self._rest else piece
        if b"\r" not in found:
            if found.endswith(b"\n\n") and found.find(b"\n\n") == len(found) - 2:
                self._rest = b""
                return [found]
            *whole, self._rest = found.split(b"\n\n")
            return [one + b"\n\n" for one in whole] + self._overlong()
        return self._feed_any(found)

    def end(self) -> bytes:
        """What came without an empty line after it."""
        rest, self._rest = self._rest, b""
        return rest

    def _feed_any(self, found: bytes) -> list[bytes]:
        whole, start = [], 0
        for end in _ENDS.finditer(found):
            if end.end() == len(found) and found.endswith(b"\r"):
                break  # the line may go on with its line feed
            whole.append(found[start : end.end()])
            start = end.end()
        self._rest = found[start:]
        return whole + self._overlong()

    def _overlong(self) -> list[bytes]:
        return [self.end()] if len(self._rest) > LONGEST else []


@dataclass(slots=True, kw_only=True)
class Heard:
    """What a stream has said so far."""

    texts: dict[int, list[str]] = field(default_factory=dict)
    tools: dict[int, Calls[dict[str, Any]]] = field(default_factory=dict)
    usage: dict[str, Any] | None = None
    error: str | None = None
    whole: bool = False  # whether the first answer was told to its end
    pieces: int = 0  # with text or a tool's arguments in them: about one token each

    def text(self, choice: int = 0) -> str:
        return "".join(self.texts.get(choice, ()))

    def message(self, choice: int = 0) -> dict[str, Any]:
        """The answer as one message."""
        found: dict[str, Any] = {"role": "assistant", "content": self.text(choice) or None}
        if choice in self.tools:
            found["tool_calls"] = self.tools[choice].all
        return found


def is_usage_only(chunk: dict[str, Any]) -> bool:
    """Whether it is the last chunk of all, which only counts tokens."""
    return chunk.get("choices") == [] and bool(chunk.get("usage"))


def data_of(event: bytes) -> bytes:
    """What the event says, without names, comments and the marks of lines."""
    if event.startswith(b"data:") and event.find(b"\n") == len(event) - 2:
        return event[5:].strip()
    lines = event.removeprefix(b"\xef\xbb\xbf").splitlines()
    return b"\n".join(line[5:].strip() for line in lines if line.startswith(b"data:")).strip()


def chunk_of(event: bytes) -> dict[str, Any] | None:
    """The JSON of an event; None for [DONE], comments and what is no JSON object."""
    try:
        found = orjson.loads(data_of(event))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def is_silent(event: bytes) -> bool:
    """Whether the event says nothing: a comment, or the end."""
    return data_of(event) in (b"", b"[DONE]")


def hear(heard: Heard, chunk: dict[str, Any]) -> list[tuple[int, str]]:
    """Take a chunk in; every text that it adds, each with the number of its choice."""
    if chunk.get("usage"):
        heard.usage = chunk["usage"]
    error = chunk.get("error")
    if error is not None:
        heard.error = str(error.get("code") or error.get("type")) if isinstance(error, dict) else ""
    choices = chunk.get("choices")
    added: list[tuple[int, str]] = []
    for choice in choices if isinstance(choices, list) else ():
        added += _hear_choice(heard, choice)
    return added


def _hear_choice(heard: Heard, choice: Any) -> list[tuple[int, str]]:
    """What a reader, or a program, gets to see of a choice: whatever is a text in it."""
    if not isinstance(choice, dict):
        return [(0, text) for text in texts_in(choice, but=QUIET)]
    number = choice.get("index")
    number = number if isinstance(number, int) else 0
    heard.whole = heard.whole or (not number and choice.get("finish_reason") is not None)
    delta = choice.get("delta")
    if isinstance(delta, dict):
        _hear_delta(heard, number, delta)
    return [(number, text) for text in texts_in(choice, but=QUIET)]


QUIET = ("finish_reason", "stop_reason", "logprobs", "role", "type", "id", "index", "name")
"""Fields of an answer that are no words of the model's own."""


def _hear_delta(heard: Heard, number: int, delta: dict[str, Any]) -> None:
    text = delta.get("content")
    if isinstance(text, str) and text:
        heard.texts.setdefault(number, []).append(text)
        heard.pieces += 1
    calls = delta.get("tool_calls")
    for piece in calls if isinstance(calls, list) else ():
        heard.pieces += 1
        if isinstance(piece, dict):
            _hear_call(heard.tools.setdefault(number, Calls()), piece)


def _hear_call(calls: Calls[dict[str, Any]], piece: dict[str, Any]) -> None:
    call = calls.known(piece)
    if call is None:
        call = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
        calls.begin(piece, call)
    call["id"] = call["id"] or id_of(piece)
    said = piece.get("function")
    if isinstance(said, dict):
        name = said.get("name")
        call["function"]["name"] += name if isinstance(name, str) else ""
        call["function"]["arguments"] += arguments(said.get("arguments"))


def event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(chunk) + b"\n\n"
