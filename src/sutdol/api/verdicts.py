"""Verdicts over REST: what the gate decided, with its numbers, and the same recomputed."""

from datetime import datetime
from threading import Lock
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request

from sutdol.api.flows import Limit, Name
from sutdol.api.hall import hall
from sutdol.core.errors import Busy
from sutdol.loop import past
from sutdol.loop.verify import verify as recompute
from sutdol.storage import verdicts
from sutdol.storage.verdicts import Decision, StoredVerdict

URL = "/api/v1/verdicts"

router = APIRouter(tags=["Sutdol"])
Id = Annotated[str | None, Query(max_length=128, pattern=r"^[^\x00]+$")]
_one_at_a_time = Lock()  # recomputing takes a core for seconds, and this process also answers chats


class VerdictTold(BaseModel):
    """A verdict in short: with its primary measure, and the checks that did not pass."""

    id: str
    role: str
    champion: str | None
    challenger: str
    decision: Decision
    reason: str
    created: datetime
    primary: dict[str, Any] | None
    failed: list[dict[str, Any]]


class Verdicts(BaseModel):
    data: list[VerdictTold]
    next: str | None


class Agreement(BaseModel):
    """Whether the recomputed verdict is the one on record; `differences` say where it is not."""

    verdict: str
    agrees: bool
    decision: str
    differences: list[str]


@router.get(URL)
def all(
    request: Request,
    role: Annotated[str | None, Query(max_length=32)] = None,
    limit: Limit = 50,
    cursor: Id = None,
    version: Id = None,
) -> Verdicts:
    """Verdicts on one role or on all, newest first; `cursor` is the last one of the page before.

    With `version`, those in which it was challenger or champion.
    """
    sutdol = hall(request).sutdol
    roles = [sutdol.workshop(role).role.name] if role else list(sutdol.workshops)
    with sutdol.db.read() as tx:
        after = verdicts.get(tx, cursor) if cursor else None
        found = verdicts.page(tx, roles, limit=limit + 1, after=after, version=version)
    page = found[:limit]
    more = page[-1].id if len(found) > limit else None
    return Verdicts(data=[_told(one) for one in page], next=more)


@router.get(URL + "/{id}")
def one(request: Request, id: Name) -> dict[str, Any]:
    """A verdict with all its numbers, as `sutdol loop show --json` writes it, and where it is from.

    `made` is null where its report is gone: then it cannot be recomputed either.
    """
    sutdol = hall(request).sutdol
    with sutdol.db.read() as tx:
        found = verdicts.get(tx, id)
    added = {"created": found.created_at, "exam": found.exam}
    return {**found.told(), **added, "made": past.made(sutdol.settings.home, id)}


@router.post(URL + "/{id}/verify")
def verify(request: Request, id: Name) -> Agreement:
    """Recompute a verdict from its stored scores; it takes some seconds."""
    sutdol = hall(request).sutdol
    with sutdol.db.read() as tx:
        role = verdicts.get(tx, id).role
    if not _one_at_a_time.acquire(blocking=False):
        raise Busy("Another verdict is being recomputed: try again in a moment.")
    try:
        found = recompute(sutdol.workshop(role), id)
    finally:
        _one_at_a_time.release()
    return Agreement(
        verdict=found.verdict,
        agrees=found.agrees,
        decision=found.decision,
        differences=list(found.differences),
    )


def _told(verdict: StoredVerdict) -> VerdictTold:
    return VerdictTold(
        id=verdict.id,
        role=verdict.role,
        champion=verdict.champion,
        challenger=verdict.challenger,
        decision=verdict.decision,
        reason=verdict.reason,
        created=verdict.created_at,
        **past.grounds(verdict),
    )
