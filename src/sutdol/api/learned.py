"""What versions learned from, by kind: counted once, for a snapshot's hash says all its rows."""

from collections.abc import Mapping

from pydantic import BaseModel

from sutdol.storage import lineage
from sutdol.storage.effects import Tx
from sutdol.storage.versions import Version

SOURCES = 50  # that are shown of a version, those with most rows

_counted: dict[str, Mapping[str, int]] = {}


class Source(BaseModel):
    """How many examples of one kind came from one source."""

    source: str
    kind: str
    rows: int


class Ancestor(BaseModel):
    """A version in a line of descent, with how many examples of each kind it learned from."""

    version: str
    snapshot: str | None
    rows: int
    kinds: dict[str, int]


def kinds(tx: Tx, version: Version) -> dict[str, int]:
    """How many examples of each kind; they are known even after their rows were pruned."""
    root = version.snapshot
    if root is not None and root not in _counted:
        found = lineage.kinds(tx, root)
        if not found:
            return {}
        _counted[root] = found
    return dict(_counted[root]) if root else {}


def line(tx: Tx, version: Version, known: Mapping[str, Version]) -> list[Ancestor]:
    """The version, its parent, and so on to the first."""
    found: list[Ancestor] = []
    current: Version | None = version
    while current is not None:
        counted = kinds(tx, current)
        found.append(
            Ancestor(
                version=current.id,
                snapshot=current.snapshot,
                rows=sum(counted.values()),
                kinds=counted,
            )
        )
        current = known[current.parent] if current.parent else None
    return found


def sources(tx: Tx, version: Version) -> list[Source]:
    """Where they came from, most rows first."""
    found = lineage.origins(tx, version.snapshot)
    most = sorted(found, key=lambda one: -one.rows)
    return [Source(source=one.source, kind=one.kind, rows=one.rows) for one in most]
