"""Looks: each comparison of a challenger with the champion is charged to an error budget.

The rule, and why no sequence of operations yields a free look:

- Looks are only ever added, each in a transaction that commits before a score is computed. A look
  is known by its key, the hash of all that decides its outcome: asked again it is the same look,
  with its old position and alpha, because looking twice at the same numbers shows nothing new.
- The position is the number of looks of the role less the looks that are *paid*. Every promotion
  row says how many looks are paid from then on (`looks_paid`).
- A gate promotion pays all looks up to the one that its verdict came from. That verdict must say
  promote, name exactly this pair, and never have promoted before: a look pays once. Looks charged
  between verdict and promotion stay charged.
- Going back to a former champion, by roll-back or by force, takes back what was paid since it was
  replaced: the position is what it was then, plus all looks charged since. Going forward again
  pays nothing.
- A forced promotion of a new version pays nothing, nor does the initial one.

So the position falls only when a verdict is spent, and never below the looks charged after it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from sutdol.core.errors import Refused
from sutdol.storage import exams
from sutdol.storage.tables import look as table
from sutdol.storage.tables import promotion


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLook:
    """What is about to be compared; `key` hashes challenger, champion, cases and rules."""

    key: str
    champion: str | None
    challenger: str
    purpose: str
    exam: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look(NewLook):
    """A charged look: the `position`-th since the last gate promotion, judged at `alpha`."""

    id: int
    role: str
    position: int
    alpha: float
    created_at: datetime


def charge(
    tx: Connection, role: str, wanted: NewLook, *, alpha: Callable[[int], float], now: datetime
) -> Look:
    """Charge a look, or find it when it was charged before; commit before computing any score."""
    known = find(tx, wanted.key)
    if known is not None:
        if (known.role, known.champion, known.challenger) != (
            role,
            wanted.champion,
            wanted.challenger,
        ):
            raise Refused(f"The look {wanted.key} was charged for another pair of versions.")
        return known
    if wanted.exam is not None:
        exams.require_open(tx, wanted.exam)
    j = position(tx, role) + 1
    row = {
        "role": role,
        "key": wanted.key,
        "champion": wanted.champion,
        "challenger": wanted.challenger,
        "purpose": wanted.purpose,
        "exam": wanted.exam,
        "position": j,
        "alpha": alpha(j),
        "created_at": now,
    }
    tx.execute(insert(table).values(row))
    charged = find(tx, wanted.key)
    assert charged is not None
    return charged


def find(tx: Connection, key: str) -> Look | None:
    row = tx.execute(select(table).where(table.c.key == key)).one_or_none()
    return None if row is None else Look(**row._asdict())


def all(tx: Connection, role: str) -> list[Look]:
    """Every look of a role, oldest first."""
    rows = tx.execute(select(table).where(table.c.role == role).order_by(table.c.id))
    return [Look(**row._asdict()) for row in rows]


def position(tx: Connection, role: str) -> int:
    """Looks that weigh on the next one, which will be number `position + 1`."""
    return charged(tx, role) - paid(tx, role)


def charged(tx: Connection, role: str, *, until: int | None = None) -> int:
    """Looks ever charged, or those up to the one with the id `until`."""
    counted = select(func.count()).where(table.c.role == role)
    if until is not None:
        counted = counted.where(table.c.id <= until)
    return tx.scalar(counted) or 0


def paid(tx: Connection, role: str, *, before: int | None = None) -> int:
    """Looks paid by the promotions so far, or by those before the promotion with that id."""
    rows = select(promotion.c.looks_paid).where(promotion.c.role == role)
    if before is not None:
        rows = rows.where(promotion.c.id < before)
    return tx.scalar(rows.order_by(promotion.c.id.desc()).limit(1)) or 0
