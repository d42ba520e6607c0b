"""A battle as REST tells it: its state, its settings, and how it stands."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from sutdol.api.fought import URL, Found, State
from sutdol.api.hall import Hall
from sutdol.arena.cast import Plan
from sutdol.flow.plan import Json
from sutdol.storage import battles
from sutdol.storage.battles import Standing


class Last(BaseModel):
    """How a battle stands: rounds done, versions promoted, figures of the last round."""

    rounds: int
    promotions: int
    seen: dict[str, Any] | None
    held_out: dict[str, Any] | None
    adaptive: dict[str, Any] | None
    fpr_clean: dict[str, Any] | None
    fpr_twins: dict[str, Any] | None


class BattleTold(BaseModel):
    """A battle: `id` is its flow's, `battle` its number once it has begun.

    `last` is null before its first round is over.
    """

    id: str
    battle: str | None
    state: State
    step: str
    seed: int
    settings: dict[str, Any]
    started: datetime
    updated: datetime
    error: str | None
    events: str
    last: Last | None


class BattleShown(BattleTold):
    """A battle with its rounds so far, as `sutdol arena battle --json` writes them."""

    data: dict[str, Any]
    rounds: list[dict[str, Any]]
    timing: dict[str, Any]


class Battles(BaseModel):
    data: list[BattleTold]
    next: str | None


def told_of(here: Hall, found: Found) -> BattleTold:
    (told,) = all_told(here, [found])
    return told


def all_told(here: Hall, found: Sequence[Found]) -> list[BattleTold]:
    with here.sutdol.db.read() as tx:
        standings = battles.standings(tx, [one.battle.id for one in found if one.battle])
    return [_one_told(one, standings.get(one.battle.id if one.battle else "")) for one in found]


def _one_told(found: Found, standing: Standing | None) -> BattleTold:
    flow, battle = found.flow, found.battle
    settings: Json = battle.settings if battle else flow.args if flow else {}
    return BattleTold(
        id=found.id,
        battle=battle.id if battle else settings.get("battle"),
        state=found.state,
        step=flow.step if flow else "",
        seed=battle.seed if battle else settings["seed"],
        settings={name: settings.get(name) for name in Plan().json()},
        started=found.place[0],
        updated=found.updated,
        error=flow.error if flow else None,
        events=f"{URL}/{found.id}/events",
        last=_last(standing) if standing else None,
    )


def _last(standing: Standing) -> Last:
    told = {"rounds": standing.rounds, "promotions": standing.promotions, **standing.figures}
    return Last.model_validate(told)
