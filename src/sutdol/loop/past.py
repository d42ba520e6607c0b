"""What happened to a role: verdicts and changes of champion, each with what it rests on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

from sutdol.loop import report
from sutdol.loop.workshop import Workshop
from sutdol.storage import promotions, verdicts, versions
from sutdol.storage.promotions import Kind, Promotion
from sutdol.storage.verdicts import Outline, StoredVerdict

M = TypeVar("M")

FAILED = ("breached", "unproven")
MADE = ("cases", "texts", "leaks", "made_with")


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """A verdict on `version`, or the day it became champion; `replaced` is whom it was to replace.

    `primary` and `failed` are of its verdict, as far as that has them.
    """

    at: datetime
    what: str
    text: str
    kind: Literal["verdict"] | Kind
    version: str
    replaced: str | None
    verdict: str | None
    actor: str | None
    reason: str
    primary: dict[str, Any] | None = None
    failed: list[dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the champion came to reign, and what the gate last said of the challenger."""

    crowned: Happening | None
    judged: Happening | None


def happenings(
    shop: Workshop[M], *, limit: int | None = None, before: int | None = None
) -> tuple[list[Happening], int]:
    """Oldest first: of the first `before`, the last `limit`; and how many older ones there are.

    What is not told is not loaded: a verdict is long.
    """
    role = shop.role.name
    with shop.db.read() as tx:
        known: list[Outline | Promotion] = [
            *verdicts.outlines(tx, role),
            *promotions.all(tx, role),
        ]
        told = sorted(known, key=lambda one: one.created_at)[:before]
        begin = 0 if limit is None else max(0, len(told) - limit)
        page = told[begin:]
        ids = {one.id if isinstance(one, Outline) else one.verdict for one in page}
        judged = verdicts.some(tx, [id_ for id_ in ids if id_ is not None])
    return [
        _judged(judged[one.id]) if isinstance(one, Outline) else _crowned(one, judged)
        for one in page
    ], begin


def standing(shop: Workshop[M]) -> Standing:
    """The last change of champion, and the newest verdict on the challenger."""
    role = shop.role.name
    with shop.db.read() as tx:
        crowned = promotions.all(tx, role)[-1:]
        challenger = versions.alias(tx, role, "challenger")
        newest = [one.id for one in verdicts.outlines(tx, role) if one.challenger == challenger]
        ids = [*newest[-1:], *(one.verdict for one in crowned if one.verdict)]
        judged = verdicts.some(tx, ids)
    return Standing(
        crowned=_crowned(crowned[0], judged) if crowned else None,
        judged=_judged(judged[newest[-1]]) if newest else None,
    )


def grounds(verdict: StoredVerdict) -> dict[str, Any]:
    """What a verdict rests on in short: the primary measure, and the checks that did not pass."""
    checks: Any = verdict.body.get("guard_rails", [])
    failed = [one for one in checks if one["state"] in FAILED]
    return {"primary": verdict.body.get("primary"), "failed": failed}


def made(home: Path, verdict: str) -> dict[str, Any] | None:
    """Hashes and library versions out of a verdict's report; None where that is gone."""
    try:
        content = json.loads((report.folder(home, verdict) / "report.json").read_bytes())
        return {name: content[name] for name in MADE}
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _judged(one: StoredVerdict) -> Happening:
    return Happening(
        at=one.created_at,
        what=one.decision,
        text=f"{one.id}: {one.challenger} against {one.champion}: {one.reason}",
        kind="verdict",
        version=one.challenger,
        replaced=one.champion,
        verdict=one.id,
        actor=None,
        reason=one.reason,
        **grounds(one),
    )


def _crowned(one: Promotion, judged: Mapping[str, StoredVerdict]) -> Happening:
    return Happening(
        at=one.created_at,
        what="crowned" if one.kind != "rollback" else "rolled back",
        text=f"{one.to_version} after {one.from_version or 'nobody'}"
        f" ({one.kind}, by {one.actor}): {one.reason}",
        kind=one.kind,
        version=one.to_version,
        replaced=one.from_version,
        verdict=one.verdict,
        actor=one.actor,
        reason=one.reason,
        **(grounds(judged[one.verdict]) if one.verdict else {}),
    )
