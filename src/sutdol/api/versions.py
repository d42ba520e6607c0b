"""Versions over REST: what each was made of, how it did, and two of them side by side."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from sutdol.api.flows import Limit, Name
from sutdol.api.hall import hall
from sutdol.core.errors import UnknownName
from sutdol.storage import evaluations, lineage, verdicts, versions
from sutdol.storage.effects import Tx
from sutdol.storage.versions import Version

URL = "/api/v1/models/{role}"
EVALUATIONS = 30  # the newest of a version that are shown

router = APIRouter(tags=["Sutdol"])

Id = Annotated[str, Query(max_length=128, pattern=r"^[^\x00]+$")]
Cursor = Annotated[str | None, Query(pattern="^[0-9]{1,9}$")]


class VersionTold(BaseModel):
    """A version; `aliases` are the names that point to it now."""

    version: str
    role: str
    parent: str | None
    snapshot: str | None
    created: datetime
    aliases: list[str]
    manifest: dict[str, Any]


class Versions(BaseModel):
    data: list[VersionTold]
    next: str | None


class Ancestor(BaseModel):
    """A version in a line of descent, with how many examples of each kind it learned from."""

    version: str
    snapshot: str | None
    rows: int
    kinds: dict[str, int]


class VersionShown(VersionTold):
    """A version with those it descends from, itself first."""

    lineage: list[Ancestor]


class Side(VersionTold):
    """One of two versions that are compared: what it learned from, and how it did."""

    rows: int
    kinds: dict[str, int]
    evaluations: list[dict[str, Any]]


class Comparison(BaseModel):
    """Two versions side by side; `verdict` is the newest between them, whichever was champion."""

    role: str
    a: Side
    b: Side
    verdict: dict[str, Any] | None
    differences: dict[str, dict[str, Any]] = Field(description="Of their manifests, by path.")


@router.get(URL + "/versions")
def all(request: Request, role: Name, limit: Limit = 50, cursor: Cursor = None) -> Versions:
    """The versions of a role, newest first."""
    shop = hall(request).sutdol.workshop(role)
    last = None if cursor is None else int(cursor)
    with shop.db.read() as tx:
        known = versions.all(tx, role)[::-1]
        names = versions.aliases(tx, role)
    older = [one for one in known if last is None or one.number < last]
    more = str(older[limit - 1].number) if len(older) > limit else None
    return Versions(data=[VersionTold(**_told(one, names)) for one in older[:limit]], next=more)


@router.get(URL + "/versions/{version}")
def one(request: Request, role: Name, version: Name) -> VersionShown:
    """A version and its line of descent."""
    shop = hall(request).sutdol.workshop(role)
    with shop.db.read() as tx:
        found = find(tx, role, version)
        line = [_ancestor(one) for one in lineage.lineage(tx, found.id)]
        return VersionShown(**_told(found, versions.aliases(tx, role)), lineage=line)


@router.get(URL + "/compare")
def compare(request: Request, role: Name, a: Id, b: Id) -> Comparison:
    """Two versions side by side, by what is on record of them."""
    shop = hall(request).sutdol.workshop(role)
    with shop.db.read() as tx:
        left, right = find(tx, role, a), find(tx, role, b)
        between = [
            one for one in verdicts.all(tx, role) if {one.champion, one.challenger} == {a, b}
        ]
        return Comparison(
            role=role,
            a=_side(tx, left),
            b=_side(tx, right),
            verdict=between[-1].told() if between else None,
            differences=_differences(left.manifest, right.manifest),
        )


def find(tx: Tx, role: str, id_: str) -> Version:
    known = versions.all(tx, role)
    for one in known:
        if one.id == id_:
            return one
    raise UnknownName("version", id_, (one.id for one in known))


def _told(version: Version, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "version": version.id,
        "role": version.role,
        "parent": version.parent,
        "snapshot": version.snapshot,
        "created": version.created_at,
        "aliases": sorted(name for name, of in names.items() if of == version.id),
        "manifest": dict(version.manifest),
    }


def _ancestor(one: lineage.Ancestor) -> Ancestor:
    kinds = _kinds(one)
    return Ancestor(
        version=one.version, snapshot=one.snapshot, rows=kinds.total(), kinds=dict(kinds)
    )


def _kinds(one: lineage.Ancestor) -> Counter[str]:
    counted: Counter[str] = Counter()
    for origin in one.origins:
        counted[origin.kind] += origin.rows
    return counted


def _side(tx: Tx, version: Version) -> Side:
    kinds = _kinds(lineage.lineage(tx, version.id)[0])
    measured = [one for one in evaluations.all(tx, version.role) if one.version == version.id]
    return Side(
        **_told(version, versions.aliases(tx, version.role)),
        rows=kinds.total(),
        kinds=dict(kinds),
        evaluations=[
            {"at": one.created_at.isoformat(), **one.body}
            for one in measured[: -EVALUATIONS - 1 : -1]
        ],
    )


def _differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What two manifests do not agree on; what one of them lacks is null there."""
    left, right = dict(_flat(a, "")), dict(_flat(b, ""))
    return {
        path: {"a": left.get(path), "b": right.get(path)}
        for path in sorted({*left, *right})
        if left.get(path) != right.get(path)
    }


def _flat(value: Mapping[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{before}{name}.")
        else:
            yield f"{before}{name}", inner
