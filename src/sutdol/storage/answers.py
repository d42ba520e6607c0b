"""An answer with the question before it, for whoever judges what its user says of it."""

from dataclasses import dataclass

from sqlalchemy import Connection, and_, case, or_, select

from sutdol.storage import conversations
from sutdol.storage.conversations import Message
from sutdol.storage.server_tables import message as table


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What a user asked, where that is kept, and what a model answered."""

    question: str | None
    answer: str
    model: str | None


def id_of(request: str) -> str:
    """The message that answered a request, where it is kept."""
    return f"msg_{request}"


def exchange(tx: Connection, message: str, user: str) -> Exchange:
    """The exchange that ends with a message of this user's; another's is as unknown as none.

    One that is not shown to its user any more is still what was judged.
    """
    found = conversations.message(tx, message, user)
    return Exchange(question=_question(tx, found), answer=found.content, model=found.model)


def _question(tx: Connection, answer: Message) -> str | None:
    """What came with the same request, or else what the user said last before."""
    before = or_(
        table.c.created_at < answer.created_at,
        and_(table.c.created_at == answer.created_at, table.c.number < answer.number),
    )
    wanted = table.c.conversation == answer.conversation, table.c.role == "user", before
    same = case((table.c.request == answer.request, 1), else_=0)
    order = same.desc(), table.c.created_at.desc(), table.c.number.desc()
    return tx.scalar(select(table.c.content).where(*wanted).order_by(*order).limit(1))
