"""Exams: the hold-out texts that challengers are judged on, until they are used up."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, Select, func, insert, select, update

from sutdol.core.errors import Refused, UnknownName, UsageError
from sutdol.storage import examples, parts
from sutdol.storage.batches import batches
from sutdol.storage.examples import StoredExample
from sutdol.storage.tables import exam as table
from sutdol.storage.tables import exam_case, example, look


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """`looks` is how many looks were charged to it."""

    id: str
    role: str
    state: Literal["open", "retired"]
    drawn_at: datetime
    retired_at: datetime | None
    why: str | None
    looks: int


def open_exam(tx: Connection, role: str, cases: Iterable[str], now: datetime) -> Exam:
    """Freeze living hold-out examples, given by id, as the role's one open exam."""
    if current(tx, role) is not None:
        raise Refused(f"The {role} has an open exam: retire it first.")
    wanted = sorted(set(cases))
    _require_hold_out(tx, role, wanted)
    number = tx.scalar(select(func.count()).where(table.c.role == role)) or 0
    id_ = f"{role}-exam-{number + 1}"
    tx.execute(insert(table).values(id=id_, role=role, state="open", drawn_at=now))
    for batch in batches(wanted):
        tx.execute(insert(exam_case), [{"exam": id_, "example": case} for case in batch])
    return get(tx, id_)


def current(tx: Connection, role: str) -> Exam | None:
    row = tx.execute(_exams().where(table.c.role == role, table.c.state == "open")).one_or_none()
    return None if row is None else Exam(**row._asdict())


def get(tx: Connection, id_: str) -> Exam:
    row = tx.execute(_exams().where(table.c.id == id_)).one_or_none()
    if row is None:
        raise UnknownName("exam", id_, tx.scalars(select(table.c.id)))
    return Exam(**row._asdict())


def cases(tx: Connection, id_: str) -> list[StoredExample]:
    """The exam's examples that are not forgotten, in the order of their hashes."""
    get(tx, id_)
    chosen = (
        select(example)
        .join(exam_case, exam_case.c.example == example.c.id)
        .where(exam_case.c.exam == id_, example.c.forgotten_at.is_(None))
        .order_by(example.c.id)
    )
    return [examples.stored(row) for row in tx.execute(chosen)]


def size(tx: Connection, id_: str) -> int:
    """How many of the exam's examples are not forgotten."""
    living = (
        select(func.count())
        .select_from(exam_case)
        .join(example, exam_case.c.example == example.c.id)
        .where(exam_case.c.exam == id_, example.c.forgotten_at.is_(None))
    )
    return tx.scalar(living) or 0


def require_open(tx: Connection, id_: str) -> None:
    if get(tx, id_).state != "open":
        raise Refused(f"{id_} is retired: draw a new exam.")


def retire(tx: Connection, id_: str, *, why: str, now: datetime) -> None:
    """Close an exam for ever and give the groups of its texts to training."""
    require_open(tx, id_)
    tx.execute(
        update(table).where(table.c.id == id_).values(state="retired", retired_at=now, why=why)
    )
    role = get(tx, id_).role
    for batch in batches({case.group for case in cases(tx, id_)}):
        tx.execute(
            update(example)
            .where(example.c.role == role, example.c.group_key.in_(batch))
            .values(part="train")
        )
        parts.move(tx, role, batch, "train")


def _exams() -> Select[tuple[object, ...]]:
    charged = select(func.count()).where(look.c.exam == table.c.id).scalar_subquery()
    return select(*table.c, charged.label("looks"))


def _require_hold_out(tx: Connection, role: str, ids: list[str]) -> None:
    fit = (
        example.c.role == role,
        example.c.part == "hold_out",
        example.c.forgotten_at.is_(None),
    )
    found = 0
    for batch in batches(ids):
        found += tx.scalar(select(func.count()).where(example.c.id.in_(batch), *fit)) or 0
    if not ids or found != len(ids):
        raise UsageError(
            f"An exam needs living {role} hold-out examples; "
            f"{len(ids) - found} of the {len(ids)} given are not."
        )
