"""Battles on record for pages to show, without fighting them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sutdol.app import Sutdol
from sutdol.storage import battles
from sutdol.storage.battles import NewBattle, Round, State

LANGUAGE = {"malicious": 40, "harmless": 41, "panel_malicious": 20, "panel_harmless": 21}
DATA = {"examples": 900, "hash": "12b5deddc9d9", "languages": {"en": LANGUAGE, "ko": LANGUAGE}}


def share(value: float, n: int = 300) -> dict[str, float]:
    """An interval around a share."""
    return {"value": value, "low": max(0.0, value - 0.04), "high": min(1.0, value + 0.03), "n": n}


def round_of(number: int, *, gain: float = 0.0, decision: str | None = None) -> dict[str, Any]:
    """A round whose guard catches that much more than the first one, and flags a tenth of it."""
    verdict = {
        "id": f"guard-{number:012d}",
        "champion": "guard-v1",
        "challenger": f"guard-v{number + 1}",
        "decision": decision,
        "reason": "attacked recall +2.2 points",
        "primary": {},
    }
    return {
        "round": number,
        "guard": "guard-v1",
        "seen": share(0.4 + gain),
        "held_out": share(0.21 + gain),
        "adaptive": share(0.75 - gain, 297),
        "independent": None,
        "clean": share(0.96),
        "fpr_clean": share(0.05 + gain / 10, 427),
        "fpr_twins": share(0.06),
        "fpr_twins_worst": {"attack": "keyboard", **share(0.1, 65)},
        "families": {"choseong": share(0.3 + gain), "padding": share(0.9)},
        "families_held_out": {"typo": share(0.5 + gain)},
        "learned": 100 + number,
        "verdict": verdict if decision else None,
        "resists": ["choseong"] if number > 2 else [],
        "rolled_back": None,
    }


def on_record(
    sutdol: Sutdol,
    rounds: Sequence[dict[str, Any]],
    *,
    flow: str = "battle-before",
    state: State = "done",
    ago: timedelta = timedelta(0),
    texts: str | None = None,
) -> str:
    """A battle with these rounds, as its flow would have left it; its number."""
    now = datetime.now(UTC) - ago
    settings = sutdol.plan(rounds=max(3, len(rounds))).args()
    new = NewBattle(role="guard", seed=3, settings=settings, flow=flow, texts=texts, data=DATA)
    with sutdol.db.write() as tx:
        id_ = battles.start(tx, new, now).id
        for one in rounds:
            timing = {"measure": 1.0, "fight": 2.0, "improve": 3.0}
            done = Round(battle=id_, number=one["round"], body=one, timing=timing, created_at=now)
            battles.add_round(tx, done)
        battles.set_state(tx, id_, state, now)
    return id_
