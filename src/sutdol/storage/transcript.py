"""A whole conversation as one text to take away: JSON, JSON Lines or Markdown."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from sqlalchemy import Connection

from sutdol.storage import conversations
from sutdol.storage.conversations import Conversation, Message

Form = Literal["json", "markdown", "jsonl"]


def export(tx: Connection, id_: str, user: str, form: Form) -> str:
    """All that was said in a conversation of this user."""
    said = conversations.messages(tx, id_, user, limit=None)
    return _FORMS[form](conversations.get(tx, id_, user), said)


def _json(one: Conversation, said: Sequence[Message]) -> str:
    whole = {
        "id": one.id,
        "title": one.title,
        "meta": dict(one.meta),
        "created_at": one.created_at.isoformat(),
        "updated_at": one.updated_at.isoformat(),
        "messages": [_record(message) for message in said],
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _jsonl(one: Conversation, said: Sequence[Message]) -> str:
    """One message a line."""
    return "".join(json.dumps(_record(each), ensure_ascii=False) + "\n" for each in said)


def _markdown(one: Conversation, said: Sequence[Message]) -> str:
    parts = [f"# {one.title or one.id}\n"]
    for each in said:
        who = f"{each.role} ({each.model})" if each.model else each.role
        parts.append(f"## {who}, {each.created_at:%Y-%m-%d %H:%M} UTC\n\n{each.content}\n")
    return "\n".join(parts)


def _record(one: Message) -> dict[str, object]:
    """A message as its user knows it."""
    record: dict[str, object] = {"role": one.role, "content": one.content}
    record |= {"created_at": one.created_at.isoformat(), "model": one.model}
    return record | ({"body": dict(one.body)} if one.body else {})


_FORMS: Mapping[Form, Callable[[Conversation, Sequence[Message]], str]] = {
    "json": _json,
    "jsonl": _jsonl,
    "markdown": _markdown,
}
