"""What a user takes back of a conversation, and brings back while nothing was said since."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from sutdol.core.errors import Settled, UnknownName
from sutdol.storage.conversations import Message, living, said_in, since
from sutdol.storage.server_tables import message as table


def rewind(tx: Connection, id_: str, user: str, message: str, now: datetime) -> int:
    """Take a message and all after it back; how many those are.

    They stay on record for the feedback about them, and go with the conversation.
    """
    first = said_in(tx, id_, user, message)
    if _dropped_at(tx, first) is not None:
        raise UnknownName("message", message, [])
    later = update(table).where(table.c.conversation == id_, living, since(first))
    return tx.execute(later.values(dropped_at=now)).rowcount


def restore(tx: Connection, id_: str, user: str, message: str) -> int:
    """Bring back what was taken back with this message; how many those are.

    `Settled` when something was said since, in whose place it would stand.
    """
    first = said_in(tx, id_, user, message)
    at = _dropped_at(tx, first)
    if at is None:
        return 0
    since_then = select(table.c.id).where(table.c.conversation == id_, living, since(first))
    if tx.execute(since_then.limit(1)).one_or_none() is not None:
        raise Settled("Something was said since: what was taken back stays away.")
    back = update(table).where(table.c.conversation == id_, table.c.dropped_at == at)
    return tx.execute(back.values(dropped_at=None)).rowcount


def _dropped_at(tx: Connection, one: Message) -> datetime | None:
    return tx.scalar(select(table.c.dropped_at).where(table.c.id == one.id))
