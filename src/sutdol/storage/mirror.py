"""What a mirror has not been told yet: the rows of the registry against what was told."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from sutdol.storage.mirrored import Kind, Known, told
from sutdol.storage.tables import alias, battle, round_, verdict, version

NEW = "new"
"""The state of a version that no verdict speaks of yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One thing to tell. `state` is how it stands now: once told, it is told again when it differs.

    Of a run and a version it is the last verdict on it, of an alias the version it points to or ""
    when it is gone, of a battle its own state and the number of its rounds.
    """

    kind: Kind
    subject: str
    role: str
    state: str


def pending(tx: Connection, target: str) -> list[Telling]:
    """What to tell, in an order in which everything refers only to what was told before."""
    known = told(tx, target)
    return [one for one in _wanted(tx, known) if not _was_told(one, known)]


def roles(tx: Connection) -> list[str]:
    """The roles that there is something to tell of."""
    return sorted({*tx.scalars(select(version.c.role)), *tx.scalars(select(battle.c.role))})


def alias_of(subject: str) -> str:
    """The name in `guard@champion`."""
    return subject.partition("@")[2]


def _was_told(one: Telling, known: Known) -> bool:
    before = known.get((one.kind, one.subject))
    return before is not None and before.state == one.state


def _wanted(tx: Connection, known: Known) -> Iterator[Telling]:
    for role in roles(tx):
        yield Telling(kind="role", subject=role, role=role, state="")
    yield from _versions(tx)
    yield from _aliases(tx, known)
    yield from _battles(tx)


def _versions(tx: Connection) -> Iterator[Telling]:
    age = verdict.c.created_at, verdict.c.id
    judged = tx.execute(select(verdict.c.challenger, verdict.c.id).order_by(*age))
    last = {row.challenger: row.id for row in judged}
    order = version.c.role, version.c.number
    for id_, role in tx.execute(select(version.c.id, version.c.role).order_by(*order)):
        state = last.get(id_, NEW)
        yield Telling(kind="run", subject=id_, role=role, state=state)
        yield Telling(kind="version", subject=id_, role=role, state=state)


def _aliases(tx: Connection, known: Known) -> Iterator[Telling]:
    rows = tx.execute(select(alias.c.role, alias.c.name, alias.c.version))
    now = {f"{role}@{name}": version for role, name, version in rows}
    gone = {subject for kind, subject in known if kind == "alias"} - set(now)
    for subject in sorted({*now, *gone}):
        role = subject.partition("@")[0]
        yield Telling(kind="alias", subject=subject, role=role, state=now.get(subject, ""))


def _battles(tx: Connection) -> Iterator[Telling]:
    fought = (
        select(battle.c.id, battle.c.role, battle.c.state, func.count(round_.c.number))
        .join(round_, round_.c.battle == battle.c.id, isouter=True)
        .group_by(battle.c.id, battle.c.role, battle.c.state, battle.c.created_at)
        .order_by(battle.c.created_at, battle.c.id)
    )
    for id_, role, state, rounds in tx.execute(fought):
        yield Telling(kind="battle", subject=id_, role=role, state=f"{state} {rounds}")
