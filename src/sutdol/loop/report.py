"""The report of a verdict: all that is needed to recompute it, and a page to read."""

import gzip
import json
import platform
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

from sutdol.core.chart import Curve, Point
from sutdol.core.charted import Charted, charted
from sutdol.core.errors import Corrupted
from sutdol.loop.evidence import Evidence, from_json
from sutdol.loop.workshop import Workshop
from sutdol.storage import files, verdicts
from sutdol.storage.verdicts import StoredVerdict

M = TypeVar("M")

WAITING = "scores.json.gz"
LIBRARIES = ("sutdol", "numpy", "scipy", "scikit-learn", "pyspellchecker")


def folder(home: Path, verdict: str) -> Path:
    return home / "reports" / verdict


def digest(scored: Evidence) -> str:
    """The hash of all rows and scores, kept in the database beside the verdict."""
    return sha256(json.dumps(scored.json(), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Scores that wait for the gate."""

    scored: Evidence
    texts: str
    leaks: int


def keep_scores(
    shop: Workshop[M], verdict: str, scored: Evidence, *, texts: str, leaks: int
) -> None:
    """Put scores down between evaluation and gate, which may be two processes."""
    content = {"evidence": scored.json(), "texts": texts, "leaks": leaks}
    packed = gzip.compress(json.dumps(content).encode(), compresslevel=1, mtime=0)
    files.write(folder(shop.home, verdict) / WAITING, packed)


def kept_scores(shop: Workshop[M], verdict: str) -> Kept:
    content = _unpacked(folder(shop.home, verdict) / WAITING)
    return Kept(
        scored=from_json(content["evidence"]), texts=content["texts"], leaks=content["leaks"]
    )


def drop_scores(shop: Workshop[M], verdict: str) -> None:
    """The report holds them now."""
    (folder(shop.home, verdict) / WAITING).unlink(missing_ok=True)


def write(
    shop: Workshop[M], stored: StoredVerdict, scored: Evidence, *, texts: str, leaks: int
) -> Path:
    """Write `report.json.gz` with all scores, `report.json` and `report.html`; the folder."""
    content = {
        "verdict": {
            "id": stored.id,
            "role": stored.role,
            "champion": stored.champion,
            "challenger": stored.challenger,
            "snapshot": stored.snapshot,
            "exam": stored.exam,
            **stored.body,
        },
        "rules": shop.role.rules.json(),
        "cases": scored.cases_hash,
        "texts": texts,
        "leaks": leaks,
        "evidence": scored.json(),
        "made_with": made_with(),
        "created": stored.created_at.isoformat(),
    }
    place = folder(shop.home, stored.id)
    whole = json.dumps(content, ensure_ascii=False, sort_keys=True)
    packed = gzip.compress(whole.encode(), mtime=0)
    files.write(place / "report.json.gz", packed)
    summary = {name: value for name, value in content.items() if name != "evidence"}
    text = json.dumps(summary, ensure_ascii=False, sort_keys=True, indent=1)
    files.write(place / "report.json", text.encode())
    files.write(place / "report.html", page(summary, curve(shop, stored)).encode())
    return place


def made_with() -> dict[str, str]:
    """Code and library versions, and the machine."""
    found = {"python": platform.python_version(), "machine": platform.platform()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed as a package"
    return found


def read(home: Path, verdict: str) -> dict[str, Any]:
    """The whole report with its scores."""
    return _unpacked(folder(home, verdict) / "report.json.gz")


def _unpacked(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(gzip.decompress(path.read_bytes()))
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise Corrupted(f"The report {path} cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise Corrupted(f"{path} is no report.")
    return content


def curve(shop: Workshop[M], stored: StoredVerdict) -> Charted:
    """The primary measure over all looks up to this one, as a chart."""
    with shop.db.read() as tx:
        known = verdicts.all(tx, shop.role.name)
    # this one's row is written after its report
    past = [one for one in known if one.created_at < stored.created_at and one.id != stored.id]
    looks: list[StoredVerdict] = [*past, stored]
    gains: list[Any] = [one.body["primary"] for one in looks]
    names = ("champion", "challenger")
    return charted(
        f"{shop.role.name}: {gains[-1]['name']}",
        [Curve(name=name, points=_points(gains, name)) for name in names],
        x_label="look",
        marks=[(n + 1, "promote") for n, one in enumerate(looks) if one.decision == "promote"],
    )


def _points(gains: list[Any], name: str) -> list[Point]:
    return [
        Point(x=n + 1, value=gain[name], low=gain[name], high=gain[name])
        for n, gain in enumerate(gains)
        if gain[name] is not None
    ]


def page(summary: Mapping[str, Any], chart: Charted) -> str:
    """A self-contained page: nothing loaded from elsewhere, and only the chart's script may run."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("sutdol.loop", "templates"), autoescape=True)
    return environment.get_template("verdict.html").render(report=summary, chart=chart)
