"""A home as a busy team has it: a hundred battles, fifty versions, much feedback, many chats.

`python -m tests.web.filled HOME` fills a home that has a guard.
"""

import math
import random
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert, select

from sutdol.app import Sutdol
from sutdol.core.settings import Settings
from sutdol.storage.server_tables import conversation, decision, feedback, message, request, user
from sutdol.storage.tables import battle, promotion, round_, verdict, version

BATTLES, ROUNDS, VERSIONS, FEEDBACK, CONVERSATIONS = 100, 10, 50, 10_000, 1_000
REQUESTS = 20_000
RAILS = 150  # slices that a real verdict watches
FAMILIES = (
    *("invisible", "lookalike", "leet", "segment", "typo", "stretch", "case", "diacritic", "bidi"),
    *("mask", "padding", "jamo", "choseong", "phonetic", "keyboard_qwerty", "romanised"),
)
HELD_OUT = ("upside_down", "yaminjeongeum")
END = datetime.now(UTC)
Row = dict[str, Any]


def fill(sutdol: Sutdol) -> None:
    """Rows of all kinds, as long as real ones."""
    chance = random.Random(7)
    with sutdol.db.read() as tx:
        known = tx.execute(select(version)).mappings().all()
    first = dict(known[0])
    _add(sutdol, version, _versions(first, len(known), chance))
    _add(sutdol, verdict, _verdicts(chance))
    _add(sutdol, promotion, _promotions())
    battles = list(_battles())
    _add(sutdol, battle, battles)
    _add(sutdol, round_, [one for row in battles for one in _rounds(row["id"], chance)])
    _add(sutdol, user, _users())
    _add(sutdol, request, _requests(chance))
    _add(sutdol, decision, _decisions(chance))
    _add(sutdol, conversation, _conversations())
    _add(sutdol, message, _messages())
    _add(sutdol, feedback, _feedback(chance))


def _add(sutdol: Sutdol, table: Table, rows: Iterator[Row] | Sequence[Row]) -> None:
    found = list(rows)
    with sutdol.db.write() as tx:
        for start in range(0, len(found), 1000):
            tx.execute(insert(table), found[start : start + 1000])


def _at(share: float) -> datetime:
    """A moment of the last 60 days."""
    return END - timedelta(days=60 * (1 - share))


def _versions(first: Row, known: int, chance: random.Random) -> Iterator[Row]:
    for number in range(known + 1, VERSIONS + 1):
        parent = f"guard-v{max(1, number - chance.randint(1, 4))}"
        made = {"id": f"guard-v{number}", "number": number, "parent": parent}
        yield first | made | {"created_at": _at(number / VERSIONS)}


def _figure(value: float, n: int = 1500) -> Row:
    half = 1.96 * math.sqrt(max(value * (1 - value), 1e-4) / n)
    around = {"value": value, "low": max(0.0, value - half), "high": min(1.0, value + half)}
    return {name: round(one, 6) for name, one in around.items()} | {"n": n}


def _verdict_body(number: int, decision: str, chance: random.Random) -> Row:
    rails = [
        {
            "name": f"family {FAMILIES[one % len(FAMILIES)]} {one}" if one > 3 else f"clean {one}",
            "kind": "alarm" if one > 3 else "proven",
            "against": "champion",
            "champion": 0.9671234567891234,
            "challenger": 0.96 + chance.random() / 50,
            "loss": chance.random() / 100,
            "bound": chance.random() / 50,
            "margin": 0.02,
            "n": 1517,
            "state": "passed",
        }
        for one in range(RAILS)
    ]
    primary = {
        "name": "attacked recall",
        "test": "joint paired bootstrap",
        "champion": 0.9,
        "challenger": 0.9 + chance.random() / 20,
        "effect": 0.0028015820698747973,
        "low": -0.002362605058331963,
        "high": 0.007965769198081557,
        "p": 0.14382648361265693,
        "alpha": 0.0067,
        "n": 1517,
        "detectable": 0.0087,
        "wanted": 129,
    }
    return {
        "primary": primary,
        "guard_rails": rails,
        "budget": {"alpha": 0.0067, "position": number % 9 + 1},
        "scores": "67292ae018921b5136282f5164a037161f1539d03b1b8d07696e6bd1c37c1c07",
        "decision": decision,
        "reason": "attacked recall +0.3 points [-0.2, +0.8] with n 1517: p 0.14 > 0.0067",
    }


def _decision(number: int) -> str:
    return "promote" if number % 5 == 0 else "reject" if number % 7 == 0 else "inconclusive"


def _verdicts(chance: random.Random) -> Iterator[Row]:
    for number in range(2, VERSIONS + 1):
        word = _decision(number)
        body = _verdict_body(number, word, chance)
        yield {
            "id": f"guard-filled{number:05}",
            "role": "guard",
            "champion": f"guard-v{max(1, (number - 1) // 5 * 5)}",
            "challenger": f"guard-v{number}",
            "decision": word,
            "reason": body["reason"],
            "body": body,
            "created_at": _at(number / VERSIONS),
        }


def _promotions() -> Iterator[Row]:
    for number in range(5, VERSIONS + 1, 5):
        yield {
            "id": 1000 + number,
            "role": "guard",
            "from_version": f"guard-v{max(1, number - 5)}",
            "to_version": f"guard-v{number}",
            "kind": "promote",
            "reason": "attacked recall +2.4 points [+1.6, +3.2], all guard-rails passed",
            "verdict": f"guard-filled{number:05}",
            "actor": "local",
            "looks_before": 1,
            "looks_paid": 1,
            "created_at": _at(number / VERSIONS),
        }


def _battles() -> Iterator[Row]:
    settings = {"rounds": ROUNDS, "attack_strategy": "mixed", "texts": 150, "queries": 80}
    settings |= {"edits": 4, "trigger": 0.99, "data": [], "battle": None, "seed": 0}
    for number in range(1, BATTLES + 1):
        at = _at(number / BATTLES)
        yield {
            "id": str(1000 + number),
            "role": "guard",
            "seed": number,
            "settings": settings,
            "state": "done" if number % 9 else "cancelled",
            "flow": None,
            "texts": None,
            "data": {"texts": 3000, "languages": {"en": 1500, "ko": 1500}},
            "created_at": at,
            "updated_at": at + timedelta(seconds=90),
        }


def _rounds(number: str, chance: random.Random) -> Iterator[Row]:
    verdict_ = _verdict_body(3, "inconclusive", chance)
    for count in range(1, ROUNDS + 1):
        gain = 1 - math.exp(-count / 3)
        caught = 0.55 + 0.4 * gain
        share = {name: _figure(min(0.999, caught + chance.random() / 20), 297) for name in FAMILIES}
        word = "promote" if count in (1, 4) else "inconclusive"
        told = {"id": f"guard-filled{count + 1:05}", "role": "guard", "champion": "guard-v1"}
        told |= {"challenger": f"guard-v{count + 1}", **verdict_, "decision": word}
        fight = {name: _figure(caught) for name in ("accuracy", "precision", "recall", "f1")}
        body = {
            "round": count,
            "guard": f"guard-v{1 if count == 1 else 2 if count < 5 else 6}",
            "attacks": 3750,
            "detection_rate": caught,
            "evasion_rate": 1 - caught,
            **{name: one["value"] for name, one in fight.items()},
            "fight": fight,
            "clean": _figure(0.97),
            "seen": _figure(caught),
            "held_out": _figure(0.4 + 0.3 * gain),
            "adaptive": _figure(0.7 - 0.35 * gain, 150),
            "independent": None,
            "fpr_clean": _figure(0.05),
            "fpr_twins": _figure(0.05 + 0.01 * gain),
            "fpr_twins_unseen": _figure(0.06),
            "fpr_twins_worst": {"attack": "zalgo", **_figure(0.08, 150)},
            "families": share,
            "families_held_out": {name: _figure(0.4 + 0.3 * gain, 297) for name in HELD_OUT},
            "retention_seen": _figure(caught),
            "retention_held_out": _figure(0.4 + 0.3 * gain),
            "resists": ["choseong"],
            "learned": 500,
            "rolled_back": None,
            "verdict": told,
        }
        timing = {"seconds": 8.5}
        yield {
            "battle": number,
            "number": count,
            "body": body,
            "timing": timing,
            "created_at": END,
        }


def _users() -> Iterator[Row]:
    for number, name in enumerate(("민지", "Alex", "서준", "Jordan")):
        role = ("reviewer", "user", "operator", "user")[number]
        at = _at(number / 10)
        yield {"id": f"filled{number}", "name": name, "role": role, "created_at": at}


def _requests(chance: random.Random) -> Iterator[Row]:
    for number in range(REQUESTS):
        first = chance.random() * 400
        yield {
            "id": f"req_{number:032x}",
            "user": f"filled{number % 4}",
            "key": None,
            "route": ("/v1/chat/completions", "/v1/moderations")[number % 3 == 0],
            "model": ("llama3.2", "qwen3", None)[number % 3],
            "upstream": "openai",
            "status": 200 if number % 50 else 400,
            "error": None if number % 50 else "blocked",
            "stream": number % 2 == 0,
            "prompt_tokens": 40 + number % 300,
            "completion_tokens": 20 + number % 500,
            "estimated": False,
            "cost": 0.0001 * (number % 40),
            "milliseconds": first + chance.random() * 2000,
            "first_milliseconds": first,
            "created_at": _at(0.5 + number / REQUESTS / 2),
        }


def _decisions(chance: random.Random) -> Iterator[Row]:
    for number in range(REQUESTS // 4):
        yield {
            "id": f"dec_{number:032x}",
            "request": f"req_{number * 4:032x}",
            "side": "input",
            "digest": f"{number:064x}",
            "version": "guard-v1",
            "flagged": number % 40 == 0,
            "blocked": number % 40 == 0,
            "score": chance.random(),
            "categories": {"harassment": chance.random(), "spam": 0.01},
            "created_at": _at(0.5 + number / REQUESTS * 2),
        }


def _conversations() -> Iterator[Row]:
    for number in range(CONVERSATIONS):
        at = _at(number / CONVERSATIONS)
        title = ("How do I sharpen a chisel?", "숫돌은 어떻게 고르나요?")[number % 2]
        yield {
            "id": f"conv_{number:032x}",
            "user": "local" if number % 2 else "filled1",
            "title": f"{title} {number}",
            "meta": {},
            "created_at": at,
            "updated_at": at,
        }


def _messages() -> Iterator[Row]:
    for number in range(CONVERSATIONS):
        at = _at(number / CONVERSATIONS)
        for turn in range(1000 if number == CONVERSATIONS - 1 else 10):
            asked = turn % 2 == 0
            text = (
                "날이 무뎌졌어요. 무엇부터 할까요?" if asked else "Start with the **coarse** side."
            )
            yield {
                "id": f"msg_{number:016x}{turn:016x}",
                "conversation": f"conv_{number:032x}",
                "number": turn,
                "role": "user" if asked else "assistant",
                "content": text,
                "folded": text.casefold(),
                "body": {},
                "request": f"req_{number:032x}",
                "model": None if asked else "llama3.2",
                "created_at": at + timedelta(seconds=turn),
            }


def _feedback(chance: random.Random) -> Iterator[Row]:
    for number in range(FEEDBACK):
        state = ("waiting", "accepted", "rejected", "waiting")[number % 4]
        reviewed = state != "waiting"
        at = _at(number / FEEDBACK)
        kind = ("thumb", "label", "correction")[number % 3]
        answer = f"msg_{number % CONVERSATIONS:016x}{1:016x}"
        subject = {"thumb": answer, "correction": answer, "label": f"{number:064x}"}[kind]
        yield {
            "id": f"fb_{number:032x}",
            "kind": kind,
            "role": "guard" if kind == "label" else "generator",
            "subject_kind": "text" if kind == "label" else "message",
            "subject": subject,
            "value": {
                "thumb": {"up": chance.random() > 0.3},
                "label": {"text": f"숫돌 {number}번을 팝니다", "label": 0, "category": ""},
                "correction": {"text": "Start with the **fine** side, and use water."},
            }[kind],
            "user": f"filled{number % 4}",
            "key": None,
            "source": f"feedback:api:filled{number % 4}",
            "state": state,
            "example": None,
            "reviewer": "local" if reviewed else None,
            "reviewed_at": at + timedelta(hours=1) if reviewed else None,
            "created_at": at,
        }


def main() -> None:
    with Sutdol.open(Settings.load(home=Path(sys.argv[1]))) as sutdol:
        fill(sutdol)


if __name__ == "__main__":
    main()
