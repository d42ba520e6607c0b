"""The output of a response as it grows: what is said and which functions are called, as events."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sutdol.chat.asked import Body
from sutdol.chat.calls import Calls, arguments, id_of

FIELDS: Mapping[str, str] = {"output_text": "text", "refusal": "refusal"}
"""What a part of a message says, by the part's type."""


@dataclass(slots=True, kw_only=True)
class _Open:
    """An item under way, where it stands in the output, and the pieces of what it says."""

    item: Body
    place: int
    said: list[str] = field(default_factory=list)
    shown: bool = False

    @property
    def at(self) -> Body:
        return {"item_id": self.item["id"], "output_index": self.place}

    @property
    def part(self) -> Body:
        """Where its last part stands."""
        return {**self.at, "content_index": len(self.item["content"]) - 1}

    def added(self) -> Body:
        self.shown = True
        item = self.item | ({"content": []} if "content" in self.item else {})
        return {"type": "response.output_item.added", "output_index": self.place, "item": item}

    def done(self, status: str) -> Body:
        self.item["status"] = status
        return {
            "type": "response.output_item.done",
            "output_index": self.place,
            "item": self.item,
        }


class Output:
    """Every method gives the events that follow; they are to be told before the next ones."""

    def __init__(self, key: str) -> None:
        self.items: list[Body] = []
        self._key = key
        self._message: _Open | None = None
        self._calls: Calls[_Open] = Calls()

    def hear(self, delta: Body) -> Iterator[Body]:
        """What a chunk of a chat adds; `TypeError` and the like where it is none."""
        for kind, name in (("refusal", "refusal"), ("output_text", "content")):
            text = delta.get(name)
            if isinstance(text, str) and text:
                yield from self._say(kind, text)
                break  # where it refuses, the content says the same once more
        for call in delta.get("tool_calls") or ():
            yield from self._call(call)

    def close(self, status: str) -> Iterator[Body]:
        """End all that is under way. Calls end last: a client may act on them."""
        yield from self._end_message(status)
        calls, self._calls = self._calls.all, Calls()
        for call in calls:
            if not call.shown:
                yield call.added()
            said = call.item["arguments"] = "".join(call.said)
            kind = "response.function_call_arguments.done"
            yield {"type": kind, **call.at, "name": call.item["name"], "arguments": said}
            yield call.done(status)

    def _say(self, kind: str, text: str) -> Iterator[Body]:
        if self._message is None:
            item = {"type": "message", "role": "assistant", "content": []}
            self._message = self._begin("msg", item)
            yield self._message.added()
        message = self._message
        content = message.item["content"]
        if not content or content[-1]["type"] != kind:
            yield from _end_part(message)
            content.append(_part(kind))
            yield {"type": "response.content_part.added", **message.part, "part": _part(kind)}
        message.said.append(text)
        yield _told(f"response.{kind}.delta", message, {"delta": text})

    def _end_message(self, status: str) -> Iterator[Body]:
        message, self._message = self._message, None
        if message is not None:
            yield from _end_part(message)
            yield message.done(status)

    def _call(self, piece: Body) -> Iterator[Body]:
        """A piece of a call. It is shown once its name is known."""
        call = self._calls.known(piece)
        if call is None:
            yield from self._end_message("completed")
            call = self._begin_call(piece)
        function = piece.get("function") or {}
        call.item["name"] += function.get("name") or ""
        said = arguments(function.get("arguments"))
        call.said.append(said)
        if call.item["name"] and not call.shown:
            yield call.added()
            said = "".join(call.said)
        if call.shown and said:
            yield {"type": "response.function_call_arguments.delta", **call.at, "delta": said}

    def _begin_call(self, piece: Body) -> _Open:
        id_ = id_of(piece) or f"call_{self._key}_{len(self.items)}"
        item = {"type": "function_call", "call_id": id_, "name": "", "arguments": ""}
        made = self._begin("fc", item)
        self._calls.begin(piece, made)
        return made

    def _begin(self, kind: str, item: Body) -> _Open:
        id_ = f"{kind}_{self._key}_{len(self.items)}"
        made = _Open(item={"id": id_, "status": "in_progress", **item}, place=len(self.items))
        self.items.append(made.item)
        return made


def _end_part(message: _Open) -> Iterator[Body]:
    if not message.item["content"]:
        return
    part = message.item["content"][-1]
    name = FIELDS[part["type"]]
    part[name] = "".join(message.said)
    message.said.clear()
    yield _told(f"response.{part['type']}.done", message, {name: part[name]})
    yield {"type": "response.content_part.done", **message.part, "part": part}


def _part(kind: str) -> Body:
    if kind == "refusal":
        return {"type": kind, "refusal": ""}
    return {"type": kind, "text": "", "annotations": [], "logprobs": []}


def _told(kind: str, message: _Open, said: Body) -> Body:
    logprobs: Body = {"logprobs": []} if "output_text" in kind else {}
    return {"type": kind, **message.part, **said, **logprobs}
