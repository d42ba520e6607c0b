"""What people say of answers and decisions: kept as theirs, reviewed, and erased when they ask."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

from sqlalchemy import Connection, delete, func, insert, select, update

from sutdol.core.errors import LimitReached, Settled, UnknownName
from sutdol.storage import counts as tally
from sutdol.storage import pages
from sutdol.storage.server_tables import feedback as table
from sutdol.storage.wording import fitted, storable, storable_body

Kind = Literal["thumb", "label", "correction", "click", "score"]
SubjectKind = Literal["request", "message", "decision", "text"]
State = Literal["waiting", "accepted", "rejected", "forgotten"]
TEACHES: tuple[Kind, ...] = ("label", "score")
DAY = timedelta(days=1)
LONGEST_SUBJECT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFeedback:
    """What a user says of a subject, and the role that may learn from it.

    `source` is what `loop forget` names, see `source_of`. Only what was forgotten may have no
    subject.
    """

    kind: Kind
    role: str
    subject_kind: SubjectKind
    subject: str | None
    value: Mapping[str, object]
    user: str
    source: str
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback(NewFeedback):
    """Feedback on record; `example` is the id of the example that it became."""

    id: str
    state: State
    created_at: datetime
    example: str | None = None
    reviewer: str | None = None
    reviewed_at: datetime | None = None

    @property
    def cursor(self) -> str:
        """Where a page ends that ends with this one."""
        return pages.cursor(self.created_at, self.id)


def source_of(channel: str, user: str) -> str:
    """The source of all feedback that a user gives through a channel: `api` or `perspective`."""
    return f"feedback:{channel}:{user}"


def add(tx: Connection, new: NewFeedback, *, daily: int, now: datetime) -> Feedback:
    """Keep feedback until it is reviewed, at most `daily` of one user in 24 hours.

    Who judges the same subject again has changed his mind: what still waits of his is replaced.
    """
    assert new.subject is not None
    subject = storable(new.subject, LONGEST_SUBJECT)
    given = replace(new, subject=subject, value=storable_body(new.value))
    _take_back(tx, given)
    recent = table.c.user == new.user, table.c.created_at > now - DAY
    if (tx.scalar(select(func.count()).where(*recent)) or 0) >= daily:
        oldest = tx.scalar(select(func.min(table.c.created_at)).where(*recent)) or now
        raise LimitReached(
            f"You gave feedback {daily} times in the last 24 hours: go on tomorrow.",
            retry=(oldest + DAY - now).total_seconds(),
        )
    id_ = f"fb_{uuid4().hex}"
    made = {"id": id_, "state": "waiting", "created_at": now}
    tx.execute(insert(table).values(fitted(table, asdict(given) | made)))
    return get(tx, id_)


def find(
    tx: Connection, *, limit: int = 50, before: str | None = None, **only: str | None
) -> list[Feedback]:
    """A page of feedback, newest first; `before` is a cursor, see `_only` for the rest."""
    wanted = [table.c[name] == one for name, one in _only(only).items()]
    wanted += [pages.older(table.c.created_at, table.c.id, before)] if before is not None else []
    order = table.c.created_at.desc(), table.c.id.desc()
    rows = tx.execute(select(table).where(*wanted).order_by(*order).limit(limit))
    return [Feedback(**row._asdict()) for row in rows]


def get(tx: Connection, id_: str) -> Feedback:
    row = tx.execute(select(table).where(table.c.id == storable(id_))).one_or_none()
    if row is None:
        raise UnknownName("feedback", id_, [])
    return Feedback(**row._asdict())


def decide(
    tx: Connection,
    id_: str,
    state: Literal["accepted", "rejected"],
    *,
    reviewer: str,
    now: datetime,
    example: str | None = None,
) -> Feedback:
    """End the waiting of one; what is decided stays decided."""
    found = get(tx, id_)
    if found.state != "waiting":
        raise Settled(f"Feedback {id_} is {found.state} and waits for no review any more.")
    values = {"state": state, "example": example, "reviewer": reviewer, "reviewed_at": now}
    tx.execute(update(table).where(table.c.id == id_).values(values))
    return get(tx, id_)


def counts(tx: Connection, **only: str | None) -> dict[State, int]:
    """How much feedback there is in each state of which there is any."""
    return tally.by(tx, table.c.state, **_only(only))


def withdraw(
    tx: Connection, user: str, *, kind: Kind, subject_kind: SubjectKind, subject: str
) -> int:
    """Delete what a user said of a subject, if nobody has reviewed it; how many there were."""
    of = {"user": user, "kind": kind, "subject_kind": subject_kind, "subject": storable(subject)}
    his = [table.c[name] == value for name, value in of.items()]
    return tx.execute(delete(table).where(table.c.state == "waiting", *his)).rowcount


def accepted(tx: Connection, since: datetime, *, role: str) -> dict[str, int]:
    """How much that teaches a role was accepted since then, by user."""
    teaching = table.c.role == role, table.c.kind.in_(TEACHES)
    lately = table.c.state == "accepted", table.c.reviewed_at >= since
    counted = select(table.c.user, func.count()).where(*teaching, *lately).group_by(table.c.user)
    return dict(tx.execute(counted).all())


def has(tx: Connection, source: str) -> bool:
    """Whether the source ever gave feedback, forgotten or not."""
    return tx.scalar(select(table.c.id).where(table.c.source == source).limit(1)) is not None


def forget(tx: Connection, source: str) -> int:
    """Erase what a source said and how many times it did; nothing of it can be accepted any more.

    What a text is judged by is known from its digest to whoever guesses the text: it goes as well.
    """
    living = table.c.source == source, table.c.state != "forgotten"
    tx.execute(update(table).where(*living, table.c.subject_kind == "text").values(subject=None))
    return tx.execute(update(table).where(*living).values(value={}, state="forgotten")).rowcount


def _only(given: Mapping[str, str | None]) -> dict[str, str]:
    """The state, role, kind or user that is asked for; none is any."""
    return {name: storable(one) for name, one in given.items() if one is not None}


def _take_back(tx: Connection, given: NewFeedback) -> None:
    """Delete what the user said of the same before, if nobody has reviewed it."""
    same = ("user", "kind", "role", "subject_kind", "subject")
    his = [table.c[name] == getattr(given, name) for name in same]
    tx.execute(delete(table).where(table.c.state == "waiting", *his))
