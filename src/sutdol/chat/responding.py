"""OpenAI's Responses API on the way out: the chunks of a chat become a response and its events."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from datetime import datetime
from typing import Any

import orjson

from sutdol.chat import sse
from sutdol.chat.asked import Body
from sutdol.chat.output import Output
from sutdol.chat.responses import Asked
from sutdol.core.errors import EngineError

CUT: Mapping[str, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why an answer is not whole, by what a chat calls it."""
CODES: Mapping[str, str] = {
    "rate_limit_exceeded": "rate_limit_exceeded",
    "content_filter": "invalid_prompt",
}
"""Of the few codes that a response's error may have; any other failure is the server's."""
BROKEN = {"message": "The model server broke its answer off: try again.", "code": "server_error"}
ECHOED = ("instructions", "metadata", "temperature", "top_p", "max_output_tokens", "user")
EARLY = ("response.created", "response.in_progress")


def blank(asked: Asked, *, id_: str, at: datetime, conversation: str | None) -> Body:
    """A response of which nothing is there yet; `id_` is that of the request."""
    said = asked.model_dump(exclude_none=True, by_alias=True)
    return {
        "id": f"resp_{id_.removeprefix('req_')}",
        "object": "response",
        "created_at": int(at.timestamp()),
        "status": "in_progress",
        "model": asked.model,
        "output": [],
        **{name: said.get(name) for name in ECHOED},
        "parallel_tool_calls": asked.parallel_tool_calls is not False,
        "tools": [one.model_dump() for one in asked.tools or ()],
        "tool_choice": asked.tool_choice or "auto",
        "text": {"format": {"type": "text"}} | said.get("text", {}),
        "reasoning": said.get("reasoning"),
        "conversation": {"id": conversation} if conversation else None,
        "truncation": "disabled",
        "background": False,
        "store": False,
        "previous_response_id": None,
        "error": None,
        "incomplete_details": None,
        "usage": None,
    }


def whole(response: Body, raw: bytes) -> bytes:
    """The response with what a chat answered in one piece."""
    responding = Responding(response)
    responding.take(_as_chunk(orjson.loads(raw)))
    responding.end(whole=True)
    if response["error"]:
        raise EngineError("The model server answered in a form that nobody knows.")
    return orjson.dumps(response)


def _as_chunk(answer: Body) -> Body:
    """An answer as if it had come in one chunk."""
    try:
        choice = answer["choices"][0]
        calls = enumerate(choice["message"].get("tool_calls") or ())
        delta = {**choice["message"], "tool_calls": [{**call, "index": n} for n, call in calls]}
    except (AttributeError, IndexError, KeyError, TypeError):
        return {"error": {}}
    told = {"delta": delta, "finish_reason": choice.get("finish_reason")}
    return {"choices": [told], "usage": answer.get("usage")}


async def events(pieces: AsyncIterator[bytes], response: Body) -> AsyncGenerator[bytes, None]:
    """The events of a response for the stream of a chat.

    Nothing goes out before the chat's first piece is there: only a chat that was begun can be
    ended, should the client go away.
    """
    stream = _Stream(response)
    try:
        async for piece in pieces:
            told = stream.read(piece)
            if told:
                yield told
        yield stream.end()
    finally:
        close = getattr(pieces, "aclose", None)
        if close is not None:
            await close()


class _Stream:
    """Bytes in, bytes out; numbers the events."""

    def __init__(self, response: Body) -> None:
        self._responding = Responding(response)
        self._events, self._whole, self._number = sse.Events(), False, 0

    def read(self, piece: bytes) -> bytes:
        return b"".join([self._heard(one) for one in self._events.feed(piece)])

    def end(self) -> bytes:
        rest = self._heard(self._events.end())
        return rest + self._told(self._responding.end(whole=self._whole))

    def _heard(self, event: bytes) -> bytes:
        chunk = sse.chunk_of(event)
        if chunk is None:
            self._whole = self._whole or b"[DONE]" in event
            return b""
        return self._told(self._responding.take(chunk))

    def _told(self, found: list[Body]) -> bytes:
        return b"".join([self._event(one) for one in found])

    def _event(self, content: Body) -> bytes:
        numbered = content | {"sequence_number": self._number}
        self._number += 1
        return b"event: %b\ndata: %b\n\n" % (content["type"].encode(), orjson.dumps(numbered))


class Responding:
    """Chunks go in, and events come out that are to be told before the next chunk; `response`
    becomes what the last of them says.
    """

    def __init__(self, response: Body) -> None:
        self._response = response
        self._output = Output(response["id"].removeprefix("resp_"))
        self._finish: str | None = None
        self._begun = self._ended = False

    def take(self, chunk: Body) -> list[Body]:
        """What follows from a chunk."""
        if self._ended:
            return []
        begun = self._begin()
        if chunk.get("error") is not None:
            return [*begun, *self._fail(chunk["error"])]
        try:
            return [*begun, *self._hear(chunk)]
        except (AttributeError, KeyError, TypeError):  # no chunk as OpenAI knows it
            return [*begun, *self._fail(None)]

    def end(self, *, whole: bool) -> list[Body]:
        """What follows when nothing more comes; `whole` if the server said that this is all."""
        if self._ended:
            return []
        begun = self._begin()
        if self._finish is None and not whole:
            return [*begun, *self._fail(None)]
        reason = CUT.get(self._finish or "")
        status = "incomplete" if reason else "completed"
        self._response["incomplete_details"] = {"reason": reason} if reason else None
        return [*begun, *self._output.close(status), self._last(status)]

    def _begin(self) -> list[Body]:
        if self._begun:
            return []
        self._begun = True
        return [{"type": kind, "response": dict(self._response)} for kind in EARLY]

    def _hear(self, chunk: Body) -> list[Body]:
        found: list[Body] = []
        if chunk.get("usage"):
            self._response["usage"] = _usage(chunk["usage"])
        for choice in chunk.get("choices") or ():
            if not choice.get("index"):
                found += self._output.hear(choice.get("delta") or {})
                self._finish = choice.get("finish_reason") or self._finish
        return found

    def _fail(self, error: Any) -> list[Body]:
        """No item is told as done that was under way: a client could act on half of it."""
        for _ in self._output.close("incomplete"):
            pass
        told = BROKEN | (error if isinstance(error, dict) else {})
        code = CODES.get(str(told["code"]), "server_error")
        self._response["error"] = {"code": code, "message": str(told["message"])}
        event = {"type": "error", "param": None, "code": told["code"], "message": told["message"]}
        return [event, self._last("failed")]

    def _last(self, status: str) -> Body:
        self._ended = True
        self._response |= {"status": status, "output": self._output.items}
        return {"type": f"response.{status}", "response": self._response}


def _usage(counted: Body) -> Body:
    read, written = _count(counted, "prompt_tokens"), _count(counted, "completion_tokens")
    cached = _count(counted.get("prompt_tokens_details"), "cached_tokens")
    thought = _count(counted.get("completion_tokens_details"), "reasoning_tokens")
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": read + written,
    }


def _count(counted: Any, name: str) -> int:
    found = counted.get(name) if isinstance(counted, dict) else None
    return found if isinstance(found, int) else 0
