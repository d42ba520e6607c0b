"""Promotions: the champion changes, and the row that says why is written with it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, insert, select

from sutdol.core.errors import Busy, Refused, UsageError
from sutdol.storage import looks, verdicts, versions
from sutdol.storage.looks import Look
from sutdol.storage.tables import promotion as table

Kind = Literal["initial", "promote", "rollback", "force"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowning:
    """A wish to make `to_version` champion in place of `from_version`, if that still reigns."""

    role: str
    from_version: str | None
    to_version: str
    kind: Kind
    reason: str
    actor: str
    verdict: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion(Crowning):
    """A change of champion; for `looks_before` and `looks_paid` see looks.py."""

    id: int
    looks_before: int
    looks_paid: int
    created_at: datetime


def crown(tx: Connection, wish: Crowning, now: datetime) -> Promotion:
    """Move the aliases and write the row; a gate promotion asked for again changes nothing."""
    history = all(tx, wish.role)
    if history and _is_same(history[-1], wish):
        return history[-1]
    champion = versions.alias(tx, wish.role, "champion")
    if champion != wish.from_version:
        raise Busy(
            f"The {wish.role} champion is {champion or 'none'} and no longer "
            f"{wish.from_version or 'none'}: compare with it and try again."
        )
    _require_sense(wish)
    paid = _paid(tx, wish, history)
    row = {
        "role": wish.role,
        "from_version": wish.from_version,
        "to_version": wish.to_version,
        "kind": wish.kind,
        "reason": wish.reason,
        "verdict": wish.verdict,
        "actor": wish.actor,
        "looks_before": looks.position(tx, wish.role),
        "looks_paid": paid,
        "created_at": now,
    }
    _move_aliases(tx, wish, history)
    tx.execute(insert(table).values(row))
    return all(tx, wish.role)[-1]


def all(tx: Connection, role: str) -> list[Promotion]:
    """Every change of champion of a role, oldest first."""
    rows = tx.execute(select(table).where(table.c.role == role).order_by(table.c.id))
    return [Promotion(**row._asdict()) for row in rows]


def _is_same(last: Promotion, wish: Crowning) -> bool:
    """Whether a retry asks for what was done already."""
    if wish.kind != "promote" or wish.verdict is None:
        return False
    return (last.kind, last.verdict, last.to_version) == ("promote", wish.verdict, wish.to_version)


def _require_sense(wish: Crowning) -> None:
    if wish.to_version == wish.from_version:
        raise UsageError(f"{wish.to_version} is the {wish.role} champion already.")
    if wish.from_version is None and wish.kind != "initial":
        raise UsageError("The first champion is crowned as initial: it beats nobody.")


def _paid(tx: Connection, wish: Crowning, history: list[Promotion]) -> int:
    """How many looks are paid once the wish is granted; the rule stands in looks.py."""
    before = looks.paid(tx, wish.role)
    if wish.kind == "promote":
        look = _winning_look(tx, wish, history)
        return max(before, looks.charged(tx, wish.role, until=look.id))
    replaced = [row for row in history if row.from_version == wish.to_version]
    if replaced:
        return min(before, looks.paid(tx, wish.role, before=replaced[-1].id))
    if wish.kind == "rollback":
        raise Refused(
            f"{wish.to_version} was never the {wish.role} champion; nothing to go back to."
        )
    return before


def _winning_look(tx: Connection, wish: Crowning, history: list[Promotion]) -> Look:
    """The look behind the verdict that allows a gate promotion, once."""
    if wish.verdict is None:
        raise Refused("A gate promotion needs the verdict that allows it.")
    verdict = verdicts.get(tx, wish.verdict)
    pair = wish.role, wish.from_version, wish.to_version
    if (
        verdict.decision != "promote"
        or (verdict.role, verdict.champion, verdict.challenger) != pair
    ):
        raise Refused(f"Verdict {verdict.id} does not promote {wish.to_version} to champion.")
    if any(row.verdict == verdict.id and row.kind == "promote" for row in history):
        raise Refused(
            f"Verdict {verdict.id} has promoted once; roll back or force to go there again."
        )
    look = None if verdict.look is None else looks.find(tx, verdict.look)
    if look is None:
        raise Refused(f"Verdict {verdict.id} was reached without a charged look.")
    return look


def _move_aliases(tx: Connection, wish: Crowning, history: list[Promotion]) -> None:
    previous = wish.from_version
    if wish.kind == "rollback":
        # As it stood when `to_version` reigned, so that rolling back twice goes two steps back.
        crowned = [r for r in history if r.to_version == wish.to_version and r.kind != "rollback"]
        previous = crowned[-1].from_version
    versions.point(tx, wish.role, "champion", wish.to_version)
    versions.point(tx, wish.role, "previous", previous)
    if versions.alias(tx, wish.role, "challenger") == wish.to_version:
        versions.point(tx, wish.role, "challenger", None)
