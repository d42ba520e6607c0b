"""Battles and their rounds: what was fought, with which seed, and how each round ended."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, and_, case, func, insert, select, update

from sutdol.core.errors import UnknownName
from sutdol.storage import pages
from sutdol.storage.tables import battle as table
from sutdol.storage.tables import round_

State = Literal["running", "done", "interrupted", "cancelled", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBattle:
    """A battle to be fought; equal seeds, settings and texts give equal rounds.

    `flow` is the durable flow that fights it, `texts` the snapshot of who fights and who watches.
    """

    role: str
    seed: int
    settings: Mapping[str, object]
    flow: str | None = None
    texts: str | None = None
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Battle(NewBattle):
    """A battle on record."""

    id: str
    state: State
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One finished round; all that is measured in time stands in `timing`."""

    battle: str
    number: int
    body: Mapping[str, object]
    timing: Mapping[str, object]
    created_at: datetime


FIGURES = ("seen", "held_out", "adaptive", "fpr_clean", "fpr_twins")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a battle stands: rounds done, versions promoted, and the figures of the last round."""

    rounds: int
    promotions: int
    figures: Mapping[str, Mapping[str, object] | None]


def start(tx: Connection, new: NewBattle, now: datetime) -> Battle:
    """A new running battle; its id is its number."""
    id_ = str((tx.scalar(select(func.count()).select_from(table)) or 0) + 1)
    row = {"id": id_, "role": new.role, "seed": new.seed, "settings": dict(new.settings)}
    row |= {"flow": new.flow, "texts": new.texts, "data": dict(new.data), "state": "running"}
    tx.execute(insert(table).values(row | {"created_at": now, "updated_at": now}))
    return get(tx, id_)


def of_flow(tx: Connection, flow: str) -> Battle | None:
    """The battle that a flow fights, once it has begun."""
    row = tx.execute(select(table).where(table.c.flow == flow)).one_or_none()
    return None if row is None else Battle(**row._asdict())


def go_on(tx: Connection, id_: str, flow: str, now: datetime) -> None:
    """Let another flow fight on."""
    get(tx, id_)
    changed = {"flow": flow, "state": "running", "updated_at": now}
    tx.execute(update(table).where(table.c.id == id_).values(changed))


def add_round(tx: Connection, done: Round) -> Round:
    """Keep a round; when its number is taken the first one stands, and is the answer."""
    chosen = round_.c.battle == done.battle, round_.c.number == done.number
    known = tx.execute(select(round_).where(*chosen)).one_or_none()
    if known is not None:
        return Round(**known._asdict())
    row = {"battle": done.battle, "number": done.number, "created_at": done.created_at}
    row |= {"body": dict(done.body), "timing": dict(done.timing)}
    tx.execute(insert(round_).values(row))
    touched = update(table).where(table.c.id == done.battle)
    tx.execute(touched.values(updated_at=done.created_at))
    return done


def set_state(tx: Connection, id_: str, state: State, now: datetime) -> None:
    get(tx, id_)
    tx.execute(update(table).where(table.c.id == id_).values(state=state, updated_at=now))


def note(tx: Connection, flow: str, state: State, now: datetime) -> None:
    """Put the state of a flow on record with the battle that it fights; what is done stays done."""
    mine = table.c.flow == flow, table.c.state != "done"
    tx.execute(update(table).where(*mine).values(state=state, updated_at=now))


def get(tx: Connection, id_: str) -> Battle:
    row = tx.execute(select(table).where(table.c.id == id_)).one_or_none()
    if row is None:
        raise UnknownName("battle", id_, tx.scalars(select(table.c.id)))
    return Battle(**row._asdict())


def last(tx: Connection) -> Battle | None:
    """The battle started last."""
    number = tx.scalar(select(func.count()).select_from(table)) or 0
    return get(tx, str(number)) if number else None


def page(tx: Connection, *, limit: int, before: str | None = None) -> list[Battle]:
    """A page of battles, newest first; `before` is a cursor."""
    wanted = [] if before is None else [pages.older(table.c.created_at, table.c.id, before)]
    order = table.c.created_at.desc(), table.c.id.desc()
    rows = tx.execute(select(table).where(*wanted).order_by(*order).limit(limit))
    return [Battle(**row._asdict()) for row in rows]


def rounds(tx: Connection, id_: str) -> list[Round]:
    """The rounds of a battle in order."""
    get(tx, id_)
    rows = tx.execute(select(round_).where(round_.c.battle == id_).order_by(round_.c.number))
    return [Round(**row._asdict()) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fought:
    """Which guard fought a round, without the figures of it."""

    battle: str
    flow: str | None
    number: int
    guard: str
    created_at: datetime


def fought_by(tx: Connection, guards: Collection[str]) -> list[Fought]:
    """The rounds that these versions fought."""
    guard = round_.c.body["guard"].as_string()
    chosen = (
        select(table.c.flow, round_.c.battle, round_.c.number, round_.c.created_at)
        .add_columns(guard.label("guard"))
        .join(table, table.c.id == round_.c.battle)
        .where(guard.in_(guards))
    )
    return [Fought(**row._asdict()) for row in tx.execute(chosen)]


def body(tx: Connection, id_: str, number: int) -> Mapping[str, Any]:
    """What a round came to."""
    chosen = round_.c.battle == id_, round_.c.number == number
    found: Mapping[str, Any] = tx.execute(select(round_.c.body).where(*chosen)).scalar_one()
    return found


def standings(tx: Connection, ids: Collection[str]) -> dict[str, Standing]:
    """How these battles stand, those with a round at least. A body is long, so it is not loaded."""
    decision = round_.c.body[("verdict", "decision")].as_string()
    counted = (
        select(
            round_.c.battle,
            func.count().label("rounds"),
            func.count(case((decision == "promote", 1))).label("promotions"),
            func.max(round_.c.number).label("last"),
        )
        .where(round_.c.battle.in_(ids))
        .group_by(round_.c.battle)
        .subquery()
    )
    of_last = round_.c.battle == counted.c.battle, round_.c.number == counted.c.last
    figures = [round_.c.body[name].label(name) for name in FIGURES]
    rows = tx.execute(select(counted, *figures).join(round_, and_(*of_last)))
    return {
        row.battle: Standing(
            rounds=row.rounds,
            promotions=row.promotions,
            figures={name: row._mapping[name] for name in FIGURES},
        )
        for row in rows
    }
