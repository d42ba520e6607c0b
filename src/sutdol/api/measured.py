"""How versions did: in battles, two of them in the newest that both fought; and on the exam."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from sutdol.storage import battles, verdicts
from sutdol.storage.battles import Fought
from sutdol.storage.effects import Tx


class Measured(BaseModel):
    """The figures of a version in the last round that it fought in a battle."""

    battle: str
    flow: str | None
    number: int
    at: datetime
    figures: dict[str, dict[str, Any]] = Field(description="By name, each with its interval.")


class Examined(BaseModel):
    """What the gate measured of a version on an exam, whoever it was judged against."""

    verdict: str
    exam: str | None
    figures: dict[str, dict[str, Any]] = Field(description="By measure: value and n.")


def on_exam(tx: Tx, role: str, version: str) -> Examined | None:
    """By the newest verdict about it."""
    found = verdicts.page(tx, [role], limit=1, version=version)
    if not found:
        return None
    verdict = found[0]
    side = "challenger" if verdict.challenger == version else "champion"
    body: Any = verdict.body
    checks = [body.get("primary", {}), *filter(_is_rail, body.get("guard_rails", []))]
    return Examined(
        verdict=verdict.id,
        exam=verdict.exam,
        figures={
            one["name"]: {"value": one[side], "n": one["n"]}
            for one in checks
            if one.get(side) is not None
        },
    )


def _is_rail(check: Mapping[str, Any]) -> bool:
    return (check["kind"], check["against"]) == ("proven", "champion")


def in_battle(tx: Tx, version: str) -> Measured | None:
    """How it did in its newest battle."""
    return _measured(tx, battles.fought_by(tx, [version]))


def side_by_side(tx: Tx, a: str, b: str) -> tuple[Measured | None, Measured | None]:
    """In the newest battle that both fought; where there is none, each in its own newest."""
    rounds = battles.fought_by(tx, [a, b])
    of_a, of_b = ([one for one in rounds if one.guard == id_] for id_ in (a, b))
    both = {one.battle for one in of_a} & {one.battle for one in of_b}
    if both:
        of_a, of_b = ([one for one in side if one.battle in both] for side in (of_a, of_b))
    return _measured(tx, of_a), _measured(tx, of_b)


def _measured(tx: Tx, rounds: Sequence[Fought]) -> Measured | None:
    """The figures of the newest of these rounds."""
    if not rounds:
        return None
    last = max(rounds, key=lambda one: (int(one.battle), one.number))
    body = battles.body(tx, last.battle, last.number)
    return Measured(
        battle=last.battle,
        flow=last.flow,
        number=last.number,
        at=last.created_at,
        figures={name: value for name, value in body.items() if _is_figure(value)},
    )


def _is_figure(value: Any) -> bool:
    return isinstance(value, dict) and {"value", "low", "high", "n"} <= value.keys()
