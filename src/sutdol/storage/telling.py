"""Versions and battles in the words of an outside registry: runs, figures, tags."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from sutdol.storage import battles, snapshots, versions
from sutdol.storage.battles import Battle, Round
from sutdol.storage.outside import Dataset, Figure, ModelVersion, Run, Status, Use
from sutdol.storage.tables import verdict
from sutdol.storage.verdicts import StoredVerdict
from sutdol.storage.versions import Version

Draw = Callable[[Sequence[Mapping[str, Any]]], str]
"""Draws the rounds of a battle as SVG."""

STATUS: Mapping[str, Status] = {
    "running": "RUNNING",
    "done": "FINISHED",
    "failed": "FAILED",
    "interrupted": "KILLED",
    "cancelled": "KILLED",
}
JUDGED = ("champion", "challenger", "effect", "low", "high", "p", "alpha", "n")
PLAIN = re.compile(r"[^\w .:/-]", re.ASCII)
NOT_FIGURES = {"round", "guard", "verdict", "resists", "rolled_back"}


def run_of(tx: Connection, id_: str, home: Path) -> Run:
    """The training of a version, with each verdict on it as one step of its figures."""
    made = versions.get(tx, id_)
    judged = _verdicts(tx, id_)
    texts = {
        f"verdicts/{one.id}/{name}": text
        for one in judged
        for name, text in _report(home / "reports" / one.id)
    }
    return Run(
        subject=_subject("version", id_, made.created_at),
        name=id_,
        status="FINISHED",
        started=made.created_at,
        ended=judged[-1].created_at if judged else made.created_at,
        params=_params(made),
        figures=tuple(_judged(judged)),
        tags=_version_tags(made, judged, home) | {"mlflow.note.content": _about(judged)},
        dataset=_dataset(tx, made.snapshot, "training"),
        texts=texts,
        folder=home / made.path,
    )


def version_of(tx: Connection, id_: str, home: Path, run: str) -> ModelVersion:
    made = versions.get(tx, id_)
    judged = _verdicts(tx, id_)
    return ModelVersion(
        subject=_subject("version", id_, made.created_at),
        run=run,
        tags=_version_tags(made, judged, home),
        about=_about(judged),
    )


def battle_of(tx: Connection, id_: str, *, since: int, draw: Draw) -> Run:
    """A battle with the figures of the rounds after `since`; when it is over, with its curves."""
    fought = battles.get(tx, id_)
    rounds = battles.rounds(tx, id_)
    over = fought.state != "running" and rounds
    return Run(
        subject=_subject("battle", id_, fought.created_at),
        name=f"battle {id_}",
        status=STATUS[fought.state],
        started=fought.created_at,
        ended=None if fought.state == "running" else fought.updated_at,
        params={"seed": str(fought.seed)} | _plain(fought.settings),
        figures=tuple(figure for one in rounds if one.number > since for figure in _round(one)),
        tags=_battle_tags(fought),
        dataset=_dataset(tx, fought.texts, "battle"),
        texts={"curve.svg": draw([one.body for one in rounds])} if over else {},
    )


def _subject(kind: str, id_: str, made: datetime) -> str:
    """Our name for it, which no other home that tells the same registry gives to anything."""
    return f"{kind}:{id_}:{sha256(made.isoformat().encode()).hexdigest()[:12]}"


def _verdicts(tx: Connection, challenger: str) -> list[StoredVerdict]:
    """The verdicts on a version, oldest first."""
    chosen = select(verdict).where(verdict.c.challenger == challenger)
    rows = tx.execute(chosen.order_by(verdict.c.created_at, verdict.c.id))
    return [StoredVerdict(**row._asdict()) for row in rows]


def _params(made: Version) -> dict[str, str]:
    """How it was made. What is no number or word, such as a list of probes, is left out."""
    origin = {"parent": made.parent or "none", "snapshot": made.snapshot or "none"}
    return _plain(made.manifest) | origin


def _version_tags(made: Version, judged: Sequence[StoredVerdict], home: Path) -> dict[str, str]:
    tags = {
        "sutdol.version": made.id,
        "sutdol.snapshot": made.snapshot or "",
        "sutdol.checksum": made.checksum,
        "sutdol.folder": (home / made.path).absolute().as_uri(),
    }
    if judged:
        last = judged[-1]
        scores = str(last.body.get("scores", ""))
        tags |= {"sutdol.verdict": last.id, "sutdol.decision": last.decision}
        tags |= {"sutdol.report": scores} if scores else {}
    return tags


def _battle_tags(fought: Battle) -> dict[str, str]:
    # Not params: these may still change, and a param may not.
    tags = {"sutdol.battle": fought.id, "sutdol.state": fought.state}
    tags |= {"sutdol.flow": fought.flow} if fought.flow else {}
    tags |= {"sutdol.snapshot": fought.texts} if fought.texts else {}
    return tags | {f"sutdol.data.{name}": value for name, value in _plain(fought.data).items()}


def _about(judged: Sequence[StoredVerdict]) -> str:
    if not judged:
        return "Not judged."
    last = judged[-1]
    return f"{last.decision} against {last.champion or 'nobody'}: {last.reason}"


def _dataset(tx: Connection, root: str | None, use: Use) -> Dataset | None:
    if root is None:
        return None
    frozen = snapshots.get(tx, root)
    return Dataset(name=f"sutdol-{frozen.role}", hash=root, rows=frozen.rows, use=use)


def _report(folder: Path) -> Iterator[tuple[str, str]]:
    """The files of a verdict's report that are there, and the curve on its page by itself."""
    for name in ("report.json", "report.html"):
        try:
            text = (folder / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue  # the mirror shows what there is; `loop verify` says what is wrong
        yield name, text
        drawn = re.search(r"<svg\b.*?</svg>", text, re.DOTALL) if name == "report.html" else None
        if drawn:
            yield "curve.svg", drawn[0]


def _judged(judged: Sequence[StoredVerdict]) -> Iterator[Figure]:
    for step, one in enumerate(judged, 1):
        body: Mapping[str, Any] = one.body
        primary = body.get("primary") or {}
        values = {f"primary/{name}": primary.get(name) for name in JUDGED}
        for rail in body.get("guard_rails") or ():
            if rail["kind"] == "alarm":  # dozens of them: the report has each
                continue
            name = f"rail/{rail['name']} against {rail['against']}"
            values |= {f"{name}/{part}": rail[part] for part in ("challenger", "loss", "bound")}
        values |= {"promote": float(one.decision == "promote")}
        yield from _figures(values, step, one.created_at)


def _round(one: Round) -> Iterator[Figure]:
    verdict: Any = one.body.get("verdict")
    values = {name: value for name, value in one.body.items() if name not in NOT_FIGURES}
    values |= {f"seconds/{name}": value for name, value in one.timing.items()}
    values |= {"promote": float(bool(verdict) and verdict["decision"] == "promote")}
    yield from _figures(values, one.number, one.created_at)


def _figures(values: Mapping[str, Any], step: int, at: datetime) -> Iterator[Figure]:
    for name, value in _numbers(values):
        yield Figure(name=PLAIN.sub("_", name), value=value, step=step, at=at)


def _numbers(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Every number by its path; of a figure with an interval, the bounds stand aside."""
    for name, value in values.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping) and "value" in value:
            bounds = {part: value[part] for part in ("low", "high") if part in value}
            yield from _numbers({path: value["value"]})
            yield from _numbers(bounds, f"interval/{path}/")
        elif isinstance(value, Mapping):
            yield from _numbers(value, f"{path}/")
        elif _is_number(value):
            yield path, float(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _plain(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Words and numbers by their dotted path."""
    found: dict[str, str] = {}
    for name, value in values.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping):
            found |= _plain(value, f"{path}.")
        elif isinstance(value, str | int | float):
            found[PLAIN.sub("_", path)] = str(value)
    return found
