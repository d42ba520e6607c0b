"""A chat that is kept: what was said before it, and the rows of what is said now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sutdol.chat.asked import Chat, Message
from sutdol.storage import conversations
from sutdol.storage.conversations import Conversation, NewMessage
from sutdol.storage.effects import Tx
from sutdol.storage.writer import Change, Row

MARK = "finish_reason"
"""What an answer on record has that broke off: one of the words below. No upstream is sent it."""
STOPPED, BROKEN = "stopped", "error"
"""Its user stopped it, or something went wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """`before`: the messages of the conversation so far, as an upstream takes them."""

    conversation: Conversation
    is_new: bool
    before: Sequence[Mapping[str, Any]] = ()

    @property
    def size(self) -> int:
        """Bytes of what goes before, about."""
        return sum(len(str(one.get("content") or "").encode()) + 20 for one in self.before)


def begin(asked: Chat, user: str, now: datetime) -> Talk:
    """A new conversation, named after the first words of its user."""
    said = next((one.text for one in asked.messages if one.role == "user"), "")
    return Talk(conversation=conversations.new(user, now=now, said=said), is_new=True)


def go_on(tx: Tx, id_: str, user: str) -> Talk:
    """One that the user had before: what the client sends is what is new."""
    known = conversations.messages(tx, id_, user)
    return Talk(
        conversation=conversations.get(tx, id_, user),
        is_new=False,
        before=[{"role": one.role, "content": one.content, **_sent(one.body)} for one in known],
    )


def rows(
    talk: Talk,
    asked: Chat,
    answer: Mapping[str, Any] | None,
    *,
    request: str,
    now: datetime,
) -> list[Row | Change]:
    """What was asked and, where there is one, the answer."""
    said = [_asked(one, request, number) for number, one in enumerate(asked.messages)]
    if answer is not None:
        said.append(_answered(answer, asked.model, request))
    id_ = talk.conversation.id
    made: list[Row | Change] = []
    if talk.is_new:
        made.append(conversations.new_row(talk.conversation))
    return [*made, *conversations.message_rows(id_, said, now)]


def _sent(body: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in body.items() if name != MARK}


def _asked(message: Message, request: str, number: int) -> NewMessage:
    body = message.model_dump(exclude={"role", "content"}, exclude_none=True)
    if isinstance(message.content, list):  # pictures and the like
        body["content"] = [one.model_dump(exclude_none=True) for one in message.content]
    return NewMessage(
        id=f"msg_{request}_{number}",  # so that who asked can name it without looking it up
        role=message.role,
        content=message.text,
        body=body,
        request=request,
    )


def _answered(answer: Mapping[str, Any], model: str, request: str) -> NewMessage:
    content = answer.get("content")
    body = {
        key: value
        for key, value in answer.items()
        if key not in ("role", "content") and value is not None
    }
    return NewMessage(
        id=f"msg_{request}",
        role="assistant",
        content=content if isinstance(content, str) else "",
        body=body,
        request=request,
        model=model,
    )
