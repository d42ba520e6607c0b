"""Conversations of a user and what was said in them: kept, found again, and erased."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from uuid import uuid4

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Update,
    delete,
    func,
    select,
    update,
)

from sutdol.core.errors import UnknownName
from sutdol.storage import pages
from sutdol.storage.server_tables import conversation as table
from sutdol.storage.server_tables import message as message_table
from sutdol.storage.wording import fitted, fold, shortened, storable, storable_body, visible
from sutdol.storage.writer import Change, Row

LONGEST_TITLE = 80
LONGEST_QUERY = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation of one user; `meta` is his own, `messages` counts what was said."""

    id: str
    user: str
    title: str
    meta: Mapping[str, object]
    created_at: datetime
    updated_at: datetime
    messages: int = 0

    @property
    def cursor(self) -> str:
        """Where a page ends that ends with this one."""
        return pages.cursor(self.updated_at, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """Something said; `body` is what the message holds besides text, such as tool calls."""

    role: str
    content: str
    body: Mapping[str, object] = field(default_factory=dict)
    request: str | None = None
    model: str | None = None
    id: str = field(default_factory=lambda: f"msg_{uuid4().hex}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(NewMessage):
    """A message on record; `number` orders those that were said at one time."""

    conversation: str
    number: int
    created_at: datetime


def title_of(said: str) -> str:
    """The name of a conversation that begins with these words: their first line."""
    lines = (visible(line) for line in said.splitlines())
    return shortened(next(filter(None, lines), ""), LONGEST_TITLE)


def new(
    user: str, *, now: datetime, said: str = "", meta: Mapping[str, object] | None = None
) -> Conversation:
    """A conversation that is not kept yet, named after the first words of its user."""
    return Conversation(
        id=f"conv_{uuid4().hex}",
        user=user,
        title=title_of(said),
        meta=storable_body(meta or {}),
        created_at=now,
        updated_at=now,
    )


def new_row(conversation: Conversation) -> Row:
    """For the writer."""
    return Row(table=table, values=_columns(conversation))


def message_rows(
    conversation: str, messages: Iterable[NewMessage], now: datetime
) -> list[Row | Change]:
    """For the writer, in one group: messages in the order in which they were said at this time.

    Whoever hands them over has looked whose conversation it is. Where its user has deleted it
    meanwhile, the messages go at once: nothing that was erased comes back by a late answer.
    """
    rows: list[Row | Change] = [
        Row(table=message_table, values=_message_columns(one, conversation, number, now))
        for number, one in enumerate(messages)
    ]
    after = _orphans(conversation), _touch(conversation, now)
    return [*rows, *(Change(statement=one) for one in after)]


def find(
    tx: Connection, user: str, *, query: str = "", limit: int = 50, before: str | None = None
) -> list[Conversation]:
    """A page of a user's conversations, newest first; `before` is a cursor.

    A query is looked for in titles and messages whatever its case and Unicode form. Messages are
    kept folded as well. Titles are not, and a database folds ASCII at best: they are few and short,
    and compared here, the newest first and no more than a page can hold.
    """
    wanted = [table.c.user == user]
    if before is not None:
        wanted.append(pages.older(table.c.updated_at, table.c.id, before))
    sought = fold(query.strip()[:LONGEST_QUERY])
    if sought:
        said = message_table.c.folded.contains(sought, autoescape=True)
        in_it = message_table.c.conversation == table.c.id, living
        there = select(message_table.c.id).where(*in_it, said)
        wanted.append(table.c.id.in_(_titled(tx, wanted, sought, limit)) | there.exists())
    rows = tx.execute(_all.where(*wanted).order_by(*_NEWEST).limit(limit))
    return [Conversation(**row._asdict()) for row in rows]


def get(tx: Connection, id_: str, user: str) -> Conversation:
    """A conversation of this user; one of another user is as unknown as one that never was."""
    row = tx.execute(_all.where(table.c.id == storable(id_), table.c.user == user)).one_or_none()
    if row is None:
        raise UnknownName("conversation", id_, [])
    return Conversation(**row._asdict())


def messages(
    tx: Connection, id_: str, user: str, *, limit: int | None = 1000, before: str | None = None
) -> list[Message]:
    """What was said last, or last before a message, in the order in which it was said."""
    get(tx, id_, user)
    wanted = [message_table.c.conversation == id_, living]
    if before is not None:
        wanted.append(~since(said_in(tx, id_, user, before)))
    order = message_table.c.created_at.desc(), message_table.c.number.desc(), message_table.c.id
    found = select(*_kept).where(*wanted).order_by(*order).limit(limit)
    return [Message(**row._asdict()) for row in reversed(tx.execute(found).all())]


def said_in(tx: Connection, id_: str, user: str, name: str) -> Message:
    """A message of this conversation of this user."""
    get(tx, id_, user)
    found = message(tx, name, user)
    if found.conversation != id_:
        raise UnknownName("message", name, [])
    return found


def since(one: Message) -> ColumnElement[bool]:
    """This message and all that was said after it."""
    at, number, id_ = (message_table.c[name] for name in ("created_at", "number", "id"))
    then = at == one.created_at
    later = then & (number > one.number)
    return (at > one.created_at) | later | (then & (number == one.number) & (id_ <= one.id))


def message(tx: Connection, id_: str, user: str | None = None) -> Message:
    """One message, of a conversation of this user or of anybody's; also one that was taken back."""
    found = _said_all.where(message_table.c.id == storable(id_))
    if user is not None:
        found = found.where(table.c.user == user)
    row = tx.execute(found).one_or_none()
    if row is None:
        raise UnknownName("message", id_, [])
    return Message(**row._asdict())


def rename(tx: Connection, id_: str, user: str, title: str) -> Conversation:
    """Give it another title; it stays in its place among the others."""
    return _changed(tx, replace(get(tx, id_, user), title=title_of(title)))


def describe(tx: Connection, id_: str, user: str, meta: Mapping[str, object]) -> Conversation:
    """Replace what its user keeps with it."""
    return _changed(tx, replace(get(tx, id_, user), meta=storable_body(meta)))


def delete_one(tx: Connection, id_: str, user: str) -> None:
    """Erase it and all that was said in it."""
    get(tx, id_, user)
    tx.execute(delete(message_table).where(message_table.c.conversation == id_))
    tx.execute(delete(table).where(table.c.id == id_))


def delete_all(tx: Connection, user: str) -> int:
    """Erase all that a user said; how many conversations went."""
    his = select(table.c.id).where(table.c.user == user)
    tx.execute(delete(message_table).where(message_table.c.conversation.in_(his)))
    return tx.execute(delete(table).where(table.c.user == user)).rowcount


def _titled(
    tx: Connection, wanted: list[ColumnElement[bool]], sought: str, limit: int
) -> list[str]:
    """The newest with this in their titles."""
    rows = tx.execute(select(table.c.id, table.c.title).where(*wanted).order_by(*_NEWEST))
    return list(islice((id_ for id_, title in rows if sought in fold(title)), limit))


def _changed(tx: Connection, one: Conversation) -> Conversation:
    values = {"title": one.title, "meta": dict(one.meta)}
    tx.execute(update(table).where(table.c.id == one.id).values(values))
    return one


def _columns(one: Conversation) -> dict[str, object]:
    values = {name: getattr(one, name) for name in _COLUMNS}
    return fitted(table, values) | {"meta": storable_body(one.meta)}


def _message_columns(
    one: NewMessage, conversation: str, number: int, now: datetime
) -> dict[str, object]:
    values = {"id": one.id, "conversation": conversation, "number": number, "role": one.role}
    values |= {"content": one.content, "folded": fold(one.content), "body": one.body}
    values |= {"request": one.request, "model": one.model, "created_at": now}
    return fitted(message_table, values) | {"body": storable_body(one.body)}


def _orphans(conversation: str) -> Delete:
    there = select(table.c.id).where(table.c.id == conversation).exists()
    return delete(message_table).where(message_table.c.conversation == conversation, ~there)


def _touch(conversation: str, now: datetime) -> Update:
    """Rows may land late: time does not go back."""
    older = table.c.id == conversation, table.c.updated_at < now
    return update(table).where(*older).values(updated_at=now)


_COLUMNS = tuple(table.c.keys())
_kept = [column for column in message_table.c if column.name not in ("folded", "dropped_at")]
living = message_table.c.dropped_at.is_(None)
"""What is shown, gone on with, searched and taken away: messages that nobody took back."""
_said_all = select(*_kept).join(table, table.c.id == message_table.c.conversation)
_NEWEST = table.c.updated_at.desc(), table.c.id.desc()
_said = select(func.count()).where(message_table.c.conversation == table.c.id, living)
_all = select(*table.c, _said.scalar_subquery().label("messages"))
