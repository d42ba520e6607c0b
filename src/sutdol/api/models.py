"""Models over REST: what reigns in each role, a turn of the loop, promotion and roll-back."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from sutdol.api import flows
from sutdol.api.flows import Asked, Key, Name
from sutdol.api.hall import Hall, caller, hall
from sutdol.api.versions import find
from sutdol.loop import live, overview, past, promote
from sutdol.loop.workshop import Workshop
from sutdol.storage.promotions import Promotion

URL = "/api/v1/models"

router = APIRouter(tags=["Sutdol"])

Reason = Annotated[
    str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]+$", description="It is kept.")
]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Improvement(Strict):
    """A turn of the loop; a dry run promotes nothing, but costs a look all the same."""

    dry_run: bool = False
    seed: int = Field(default=0, ge=0, lt=2**31)


class ForcedPromotion(Strict):
    """A version that is to reign though no verdict says so."""

    version: str = Field(min_length=1, max_length=128, pattern=r"^[^\x00]+$")
    reason: Reason


class RollBack(Strict):
    reason: Reason


class Happening(BaseModel):
    """A verdict on `version`, or the day it became champion in place of `replaced`."""

    model_config = ConfigDict(from_attributes=True)

    at: datetime
    what: str
    text: str
    kind: str = Field(description="verdict, initial, promote, rollback or force.")
    version: str
    replaced: str | None = Field(description="Whom it replaced, or was to replace.")
    verdict: str | None
    actor: str | None
    reason: str
    primary: dict[str, Any] | None = Field(description="What its verdict rests on.")
    failed: list[dict[str, Any]] | None = Field(description="Checks that did not pass.")


class Role(BaseModel):
    """Where a role stands."""

    role: str
    champion: str | None
    challenger: str | None
    previous: str | None
    examples: int
    budget: dict[str, Any]
    exam: dict[str, Any] | None
    crowned: Happening | None = Field(description="How the champion came to reign.")
    judged: Happening | None = Field(description="The newest verdict on the challenger.")


class Roles(BaseModel):
    data: list[Role]
    next: str | None = None


class History(BaseModel):
    data: list[Happening]
    next: str | None = None


class Crowned(BaseModel):
    """A change of champion."""

    role: str
    champion: str
    replaced: str | None
    kind: str
    reason: str
    actor: str
    at: datetime


@router.get(URL)
def roles(request: Request) -> Roles:
    """Each role: champion, challenger, how many examples there are, what may be spent on looks."""
    return Roles(data=[_role(shop) for shop in hall(request).sutdol.workshops.values()])


def _role(shop: Workshop[Any]) -> Role:
    now = past.standing(shop)
    return Role(
        role=shop.role.name,
        **overview.status(shop),
        crowned=Happening.model_validate(now.crowned) if now.crowned else None,
        judged=Happening.model_validate(now.judged) if now.judged else None,
    )


@router.get(URL + "/{role}/history")
def history(
    request: Request,
    role: Name,
    limit: Annotated[int | None, Query(ge=1, le=200, description="Only the newest.")] = None,
    cursor: Annotated[str | None, Query(pattern="^[0-9]{1,9}$")] = None,
) -> History:
    """Every verdict and every change of champion, oldest first; `next` leads to older ones."""
    rows, older = past.happenings(
        hall(request).sutdol.workshop(role), limit=limit, before=int(cursor) if cursor else None
    )
    data = [Happening.model_validate(row) for row in rows]
    return History(data=data, next=str(older) if older else None)


@router.post(URL + "/{role}/improve", status_code=202)
def improve(
    request: Request,
    response: Response,
    role: Name,
    wanted: Improvement | None = None,
    key: Key = None,
) -> Asked:
    """Ask for a turn of the loop, or follow the one that is under way."""
    here, wanted = hall(request), wanted or Improvement()
    live.champion(here.sutdol.workshop(role))  # said at once when there is none
    desk, flow = here.desk(), flows.flow_of(request, f"cycle-{role}", key)
    known = flow is not None and desk.find(flow) is not None
    going = [one for one in desk.unfinished("cycle") if one.args.get("role") == role]
    if going and not known:
        found = going[0]
    else:
        args = {"role": role, "seed": wanted.seed, "dry_run": wanted.dry_run, "wait": False}
        found = flows.start(request, "cycle", args, sent=wanted.model_dump(), flow=flow)
    url = f"/api/v1/flows/{found.id}"
    response.headers["location"] = url
    return Asked(
        id=found.id,
        state=found.state,
        following=bool(going) and not known,
        events=f"{url}/events",
    )


@router.post(URL + "/{role}/promote")
def force(request: Request, role: Name, wanted: ForcedPromotion) -> Crowned:
    """Let a version reign though no verdict says so: its model is proven to load first.

    It is on record with who did it and why, and pays no look of the error budget back.
    """
    shop = _shop(request, role)
    with shop.db.read() as tx:
        version = find(tx, role, wanted.version)
    done = promote.force(shop, version, reason=wanted.reason)
    return _crowned(hall(request), done)


@router.post(URL + "/{role}/rollback")
def rollback(request: Request, role: Name, wanted: RollBack) -> Crowned:
    """Return to the previous champion; its model is proven to load first."""
    done = promote.rollback(_shop(request, role), reason=wanted.reason)
    return _crowned(hall(request), done)


def _shop(request: Request, role: str) -> Workshop[Any]:
    """The workshop in which all is done in the name of who asks."""
    return replace(hall(request).sutdol.workshop(role), actor=caller(request).actor)


def _crowned(here: Hall, done: Promotion) -> Crowned:
    """What is told of it, once this process serves with it; others see it by themselves."""
    if done.role == here.sutdol.guard.role.name:
        here.guard.look()
    return Crowned(
        role=done.role,
        champion=done.to_version,
        replaced=done.from_version,
        kind=done.kind,
        reason=done.reason,
        actor=done.actor,
        at=done.created_at,
    )
