"""Battles over REST: start one, look at its rounds, follow it, stop it and let it go on."""

import asyncio
from hashlib import sha256
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from sutdol.api import events, flows, fought
from sutdol.api.fields import Before
from sutdol.api.flows import STREAM, After, Key, Limit, Name
from sutdol.api.fought import URL, Found
from sutdol.api.hall import Hall, hall
from sutdol.api.standing import Battles, BattleShown, BattleTold, all_told, told_of
from sutdol.arena import campaign
from sutdol.core.errors import NotReady, Settled
from sutdol.storage import battles
from sutdol.storage.battles import Battle

LOST = ("failed", "stale", "done")  # states of a flow in which another one must go on
GOING = ("waiting", "running")

router = APIRouter(tags=["Sutdol"])

Verdicts = Annotated[
    Literal["whole", "short"],
    Query(description="`short`: of each verdict only what was decided, a tenth of it all."),
]


class Wanted(BaseModel):
    """A battle to be fought."""

    model_config = ConfigDict(extra="forbid", strict=True)

    rounds: int = Field(default=10, ge=1, le=100)
    attack_strategy: str = Field(
        default="mixed",
        min_length=1,
        max_length=100,
        description="mixed, unicode_evasion, korean_evasion, llm_generated, adaptive, a family or"
        " an attack.",
    )
    seed: int = Field(default=0, ge=0, lt=2**31, description="Equal seeds give equal rounds.")
    texts: int | None = Field(
        default=None, ge=1, le=100_000, description="Texts attacked per round and language."
    )


@router.post(URL, status_code=202)
def start(
    request: Request, response: Response, wanted: Wanted | None = None, key: Key = None
) -> BattleTold:
    """Ask for a battle; a worker fights it as soon as one is free."""
    here, wanted = hall(request), wanted or Wanted()
    plan = here.sutdol.plan(
        rounds=wanted.rounds,
        attack_strategy=wanted.attack_strategy,
        seed=wanted.seed,
        texts=wanted.texts,
    )
    _require_guard(here)
    args = plan.args() | {"data": []}
    sent, flow = wanted.model_dump(exclude_none=True), flows.flow_of(request, "battle", key)
    found = flows.start(request, "battle", args, sent=sent, flow=flow)
    return _accepted(here, response, found.id)


def _require_guard(here: Hall) -> None:
    """Say at once when there is neither a guard nor anything to train one on."""
    try:
        here.sutdol.reigns()
    except NotReady:
        raise NotReady(
            "There is no guard yet and nothing to train one on. On an empty home `sutdol up` and a"
            " worker train the first one in about half a minute: ask again when `/ready` says so;"
            " else run `sutdol guard train --data FILE`."
        ) from None


@router.get(URL)
def all(
    request: Request,
    limit: Limit = 20,
    cursor: Before = None,
) -> Battles:
    """Battles, newest first, those that wait for a worker among them."""
    here = hall(request)
    found = fought.page(here, cursor, limit + 1)
    more = found[limit - 1].cursor if len(found) > limit else None
    return Battles(data=all_told(here, found[:limit]), next=more)


@router.get(URL + "/{id}")
def one(request: Request, id: Name, verdicts: Verdicts = "whole") -> BattleShown:
    """A battle by its id or its number: its state, its settings and its rounds so far."""
    here = hall(request)
    found = fought.find(here, id)
    figures: dict[str, Any] = {"data": {}, "rounds": [], "timing": {}}
    if found.battle is not None:
        with here.sutdol.db.read() as tx:
            figures = campaign.told(tx, found.battle.id)
    if verdicts == "short":
        figures["rounds"] = [events.with_short_verdict(one) for one in figures["rounds"]]
    return BattleShown(**told_of(here, found).model_dump() | figures)


@router.get(URL + "/{id}/events", **STREAM)
async def told(request: Request, id: Name, after: After, verdicts: Verdicts = "whole") -> Response:
    """Stages and rounds as server-sent events until the battle is over: the last one is `end`.

    A `round` carries its figures. Who was cut off goes on with `Last-Event-ID`, wherever.
    """
    here = hall(request)
    flow = await asyncio.to_thread(_told_by, here, id)
    return events.stream(here.hub, flow, after, short=verdicts == "short")


def _told_by(here: Hall, id_: str) -> str:
    """The flow of that id, whose events alone have its numbers; else the one that fights now."""
    found = fought.named(here, id_) or fought.flow(fought.find(here, id_))
    return found.id


@router.delete(URL + "/{id}")
def delete(request: Request, id: Name) -> BattleTold:
    """Stop a battle; what its finished rounds did stays."""
    here = hall(request)
    found = fought.find(here, id)
    flow = here.desk().cancel(fought.flow(found).id).id
    _note(request, "cancel battle", found, flow, "cancelled")
    return told_of(here, fought.find(here, flow))


@router.post(URL + "/{id}/cancel")
def cancel(request: Request, id: Name) -> BattleTold:
    """Stop a battle; what its finished rounds did stays."""
    return delete(request, id)


@router.post(URL + "/{id}/resume", status_code=202)
def resume(request: Request, response: Response, id: Name) -> BattleTold:
    """Let a battle that was stopped go on where it was; one that failed goes on under a new id."""
    here = hall(request)
    found = fought.find(here, id)
    if found.battle is not None and found.battle.state == "done":
        raise Settled(f"Battle {found.battle.id} is over: start a new one.")
    if found.battle is None or (found.flow and found.flow.state not in LOST):
        flow = fought.flow(found).id
    else:
        flow = _heir(here, found.battle)
    known = here.desk().find(flow)
    if known is not None:
        here.desk().resume(flow)
    elif found.battle is not None:
        args = {**found.battle.settings, "data": [], "battle": found.battle.id}
        here.desk().ask("battle", args, flow=flow)
    if known is None or known.state not in GOING:
        _note(request, "resume battle", found, flow, "running")
    return _accepted(here, response, flow)


def _heir(here: Hall, battle: Battle) -> str:
    """The flow that is to fight on where the battle's is lost; whoever asks, it is the same one."""
    if battle.texts is None:
        raise NotReady(f"Battle {battle.id} was fought by an earlier release: start a new one.")
    flow = _after(f"{battle.id}\n{battle.flow}")
    while (known := here.desk().find(flow)) is not None and known.state in LOST:
        flow = _after(f"{battle.id}\n{flow}")  # that one was lost before it took the battle over
    return flow


def _after(lost: str) -> str:
    return f"battle-{sha256(lost.encode()).hexdigest()[:16]}"


def _note(request: Request, action: str, found: Found, flow: str, state: battles.State) -> None:
    """Put what was done to a flow on record, and its state with its battle if it has begun."""
    here, body = hall(request), {"battle": found.battle.id if found.battle else None}
    with here.sutdol.db.write() as tx:
        battles.note(tx, flow, state, here.now())
        flows.put_on_record(tx, request, action, flow, body)


def _accepted(here: Hall, response: Response, flow: str) -> BattleTold:
    response.headers["location"] = f"{URL}/{flow}"
    return told_of(here, fought.find(here, flow))
