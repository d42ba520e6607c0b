"""What the fake model server was asked, and how one of its answers is told to go wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One recorded request; one for embeddings has no messages."""

    headers: Mapping[str, str]
    body: Mapping[str, object]
    messages: tuple[tuple[str, str], ...]  # (role, content)
    path: str = "/v1/chat/completions"

    @property
    def last(self) -> str:
        """What the last message says."""
        return self.messages[-1][1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How one answer goes wrong: late, with a status, with a body as it stands, or cut off.

    A stream may go wrong `after` some chunks: then it waits, has `body` instead of its rest, and is
    cut off, each only if told to. The status has gone out by then.
    """

    delay: float = 0.0
    status: int = 200
    body: str = ""  # sent instead of a proper answer
    headers: Mapping[str, str] = field(default_factory=dict)
    closed: bool = False
    after: int = 0


Reply = Callable[[Asked], str]


def in_other_words(asked: Asked) -> str:
    """The usual reply: the last message with its words in reverse order."""
    return " ".join(reversed(asked.last.split()))


def conversation(body: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """The messages of a chat request as (role, content); `ValueError` if there are none."""
    match body.get("messages"):
        case [_, *_] as messages:
            return tuple(_message(one) for one in messages)
    raise ValueError("The body must be JSON with `messages`.")


def _message(message: object) -> tuple[str, str]:
    match message:
        case {"role": str(role), "content": str(text)}:
            return role, text
        case {"role": str(role), "content": [*parts]}:
            return role, "".join(_text(part) for part in parts)
        case {"role": str(role)}:  # a message that calls tools need not say anything
            return role, ""
    raise ValueError("Each of the `messages` must have a `role`.")


def _text(part: object) -> str:
    match part:
        case {"type": "text", "text": str(text)}:
            return text
    return ""  # a picture or a sound
