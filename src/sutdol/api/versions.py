"""Versions over REST: what each was made of, how it did, and two of them side by side."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from sutdol.api import learned, measured
from sutdol.api.flows import Limit, Name
from sutdol.api.hall import hall
from sutdol.api.learned import Ancestor, Source
from sutdol.api.measured import Examined, Measured
from sutdol.core.errors import UnknownName
from sutdol.storage import evaluations, promotions, verdicts, versions
from sutdol.storage.effects import Tx
from sutdol.storage.verdicts import Decision
from sutdol.storage.versions import Version

URL = "/api/v1/models/{role}"
EVALUATIONS = 30  # the newest of a version that are shown

router = APIRouter(tags=["Sutdol"])

Id = Annotated[str, Query(max_length=128, pattern=r"^[^\x00]+$")]
Cursor = Annotated[str | None, Query(pattern="^[0-9]{1,9}$")]


class Judged(BaseModel):
    """The verdict on a challenger, in a word."""

    id: str
    decision: Decision


class VersionTold(BaseModel):
    """A version; `aliases` are the names that point to it now."""

    version: str
    role: str
    parent: str | None
    snapshot: str | None
    created: datetime
    aliases: list[str]
    manifest: dict[str, Any]
    verdict: Judged | None = Field(description="The newest on it as a challenger.")


class VersionListed(VersionTold):
    """A version in the list; `kinds` only where it is asked for."""

    kinds: dict[str, int] | None


class Versions(BaseModel):
    data: list[VersionListed]
    next: str | None


class VersionShown(VersionTold):
    """A version with those it descends from, itself first, and how it did."""

    crowned: datetime | None = Field(description="When it became champion last.")
    lineage: list[Ancestor]
    sources: list[Source] = Field(description="What it learned from, most rows first; 50 of them.")
    sources_left: int
    evaluations: list[dict[str, Any]]
    battle: Measured | None = Field(description="In the newest battle that it fought.")


class Side(VersionTold):
    """One of two versions that are compared: what it learned from, and how it did."""

    rows: int
    kinds: dict[str, int]
    evaluations: list[dict[str, Any]]
    battle: Measured | None = Field(description="In the newest battle that both fought, if any.")
    exam: Examined | None = Field(description="By the newest verdict about it.")


class Comparison(BaseModel):
    """Two versions side by side; `verdict` is the newest between them, whichever was champion."""

    role: str
    a: Side
    b: Side
    verdict: dict[str, Any] | None
    differences: dict[str, dict[str, Any]] = Field(description="Of their manifests, by path.")


@router.get(URL + "/versions")
def all(
    request: Request,
    role: Name,
    limit: Limit = 50,
    cursor: Cursor = None,
    kinds: Annotated[bool, Query(description="Count what they learned from.")] = False,
) -> Versions:
    """The versions of a role, newest first."""
    shop = hall(request).sutdol.workshop(role)
    last = None if cursor is None else int(cursor)
    with shop.db.read() as tx:
        known = versions.all(tx, role)[::-1]
        older = [one for one in known if last is None or one.number < last]
        told = _teller(tx, role)
        data = [
            VersionListed(**told(one), kinds=learned.kinds(tx, one) if kinds else None)
            for one in older[:limit]
        ]
    more = str(older[limit - 1].number) if len(older) > limit else None
    return Versions(data=data, next=more)


@router.get(URL + "/versions/{version}")
def one(request: Request, role: Name, version: Name) -> VersionShown:
    """A version: its line of descent, what it learned from, and how it did."""
    shop = hall(request).sutdol.workshop(role)
    with shop.db.read() as tx:
        known = {one.id: one for one in versions.all(tx, role)}
        found = _one_of(known, version)
        sources = learned.sources(tx, found)
        reigns = [one for one in promotions.all(tx, role) if one.to_version == version]
        return VersionShown(
            **_teller(tx, role)(found),
            crowned=reigns[-1].created_at if reigns else None,
            lineage=learned.line(tx, found, known),
            sources=sources[: learned.SOURCES],
            sources_left=max(0, len(sources) - learned.SOURCES),
            evaluations=_evaluations(tx, version),
            battle=measured.in_battle(tx, version),
        )


@router.get(URL + "/compare")
def compare(request: Request, role: Name, a: Id, b: Id) -> Comparison:
    """Two versions side by side, by what is on record of them."""
    shop = hall(request).sutdol.workshop(role)
    with shop.db.read() as tx:
        known = {one.id: one for one in versions.all(tx, role)}
        left, right = _one_of(known, a), _one_of(known, b)
        told = _teller(tx, role)
        battles = measured.side_by_side(tx, a, b)
        sides = [
            Side(
                **told(one),
                rows=sum(kinds.values()),
                kinds=kinds,
                evaluations=_evaluations(tx, one.id),
                battle=battle,
                exam=measured.on_exam(tx, role, one.id),
            )
            for one, battle in zip((left, right), battles, strict=True)
            for kinds in [learned.kinds(tx, one)]
        ]
        verdict = verdicts.between(tx, a, b)
    return Comparison(
        role=role,
        a=sides[0],
        b=sides[1],
        verdict=verdict.told() if verdict else None,
        differences=_differences(left.manifest, right.manifest),
    )


def find(tx: Tx, role: str, id_: str) -> Version:
    return _one_of({one.id: one for one in versions.all(tx, role)}, id_)


def _one_of(known: Mapping[str, Version], id_: str) -> Version:
    if id_ not in known:
        raise UnknownName("version", id_, known)
    return known[id_]


def _teller(tx: Tx, role: str) -> Callable[[Version], dict[str, Any]]:
    """What tells of a version in short, with the names and verdicts of all of them at hand."""
    names = versions.aliases(tx, role)
    judged = {one.challenger: one for one in verdicts.outlines(tx, role)}  # the newest is the last

    def told(version: Version) -> dict[str, Any]:
        verdict = judged.get(version.id)
        return {
            "version": version.id,
            "role": version.role,
            "parent": version.parent,
            "snapshot": version.snapshot,
            "created": version.created_at,
            "aliases": sorted(name for name, of in names.items() if of == version.id),
            "manifest": dict(version.manifest),
            "verdict": Judged(id=verdict.id, decision=verdict.decision) if verdict else None,
        }

    return told


def _evaluations(tx: Tx, version: str) -> list[dict[str, Any]]:
    found = evaluations.newest(tx, version, limit=EVALUATIONS)
    return [{"at": one.created_at.isoformat(), **one.body} for one in found]


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
