"""What goes on to an upstream of what a client asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from sutdol.chat.asked import DEEP, Bad, Body, Chat


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What goes to an upstream; `strip_usage` where only we asked for the count of tokens."""

    body: bytes
    strip_usage: bool = False


OURS = ("store", "conversation", "metadata")
"""Fields about what is kept, which is done here or not at all."""


def passed(
    body: Body,
    asked: Chat,
    *,
    model: str,
    before: Sequence[Mapping[str, Any]] = (),
    count: bool = True,
) -> Passed:
    """The chat for an upstream: with its name of the model, the messages that went `before`, and,
    with `count`, the wish for usage at the end of a stream.
    """
    strip = bool(asked.stream) and count and not asked.wants_usage
    sent = {name: value for name, value in body.items() if name not in OURS}
    sent["model"] = model
    if before:
        sent["messages"] = [*before, *body["messages"]]
    if not count:
        sent.pop("stream_options", None)
    elif strip:
        sent["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    return Passed(body=written(sent), strip_usage=strip)


def written(body: Body) -> bytes:
    """Always written anew from what was read: of a field that is there twice, servers differ in
    which they obey, and it could be the one that nobody here has seen.
    """
    try:
        return orjson.dumps(body)
    except TypeError:
        raise Bad(DEEP) from None
