"""Long work over REST: ask for it, look at it, and follow what it tells."""

import asyncio
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from sutdol.api import events
from sutdol.api.hall import caller, hall
from sutdol.api.schemas import EVENTS
from sutdol.core.errors import BadInput
from sutdol.flow.desk import Flow, State
from sutdol.flow.plan import Json
from sutdol.flows import KINDS, kind_named
from sutdol.storage import audit
from sutdol.storage.audit import Event
from sutdol.storage.effects import Tx

router = APIRouter(tags=["Sutdol"])

Name = Annotated[str, Path(max_length=128, pattern=r"^[^\x00]+$")]
"""An id in a path; no database looks for NUL."""
Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
KindOf = Annotated[str | None, Query(json_schema_extra={"enum": [*KINDS]})]
Number = Annotated[int, Query(ge=0, le=10**15, description="Go on after this event.")]
Last = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        pattern=r"^[0-9]{1,15}$",
        description="Go on after this event, as browsers do by themselves; it wins over `after`.",
    ),
]


async def _place(after: Number = 0, last: Last = None) -> int:
    return after if last is None else int(last)


After = Annotated[int, Depends(_place)]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="The same key of the same user is the same work, however often it is sent.",
    ),
]
STREAM: dict[str, Any] = {
    "response_class": Response,
    "responses": {
        200: {
            "description": "Server-sent events, each with the number to go on after.",
            "content": EVENTS,
        }
    },
}


class FlowTold(BaseModel):
    """A flow as it is now."""

    id: str
    kind: str
    state: State
    step: str
    started: datetime
    updated: datetime
    args: dict[str, Any]
    result: dict[str, Any] | None
    error: str | None
    worker: str | None
    parent: str | None


class Finished(BaseModel):
    """A step that is done; `flow` where it was a flow of its own."""

    step: str
    flow: str | None
    started: datetime | None
    ended: datetime | None


class FlowShown(FlowTold):
    """A flow with its finished steps."""

    steps: list[Finished]


class Flows(BaseModel):
    data: list[FlowTold]


class Asked(BaseModel):
    """Long work that was asked for, and where to follow it."""

    id: str
    state: State
    following: bool
    events: str


@router.get("/api/v1/flows")
def flows(request: Request, kind: KindOf = None, limit: Limit = 50) -> Flows:
    """The newest flows, of one kind or of all."""
    found = hall(request).desk().all(limit=limit, kind=kind_named(kind) if kind else None)
    return Flows(data=[FlowTold(**one.json()) for one in found])


@router.get("/api/v1/flows/{id}")
def flow(request: Request, id: Name) -> FlowShown:
    """One flow: its state and its finished steps."""
    desk = hall(request).desk()
    found = desk.get(id).json()
    return FlowShown(**found, steps=[Finished(**one) for one in desk.steps(id)])


@router.get("/api/v1/flows/{id}/events", **STREAM)
async def told(request: Request, id: Name, after: After) -> Response:
    """What a flow tells, as server-sent events, until it is over: the last one is `end`."""
    here = hall(request)
    found = await asyncio.to_thread(lambda: here.desk().get(id))
    return events.stream(here.hub, found.id, after)


def start(request: Request, kind: str, args: Json, *, sent: Json, flow: str | None) -> Flow:
    """Put work into the queue, and on record who asked for it.

    With an id that is known, it is that work, if `sent`, what the client said of it, is the same.
    """
    here = hall(request)
    desk = here.desk()
    known = desk.find(flow) if flow else None
    found = known or desk.get(desk.ask(kind, args, flow=flow))
    _require_same(found, sent)
    if known is None:
        with here.sutdol.db.write() as tx:
            put_on_record(tx, request, f"start {kind}", found.id, args)
    return found


def put_on_record(tx: Tx, request: Request, action: str, flow: str, body: Json) -> None:
    """Note in the event log that who asks did this to a flow."""
    event = Event(
        actor=caller(request).actor,
        action=action,
        subject=flow,
        body=body,
        created_at=hall(request).now(),
    )
    audit.add(tx, event)


def _require_same(found: Flow, sent: Json) -> None:
    if any(found.args.get(name) != value for name, value in sent.items()):
        raise BadInput(
            f"This Idempotency-Key asked for something else ({found.id}): send a new one."
        )


def flow_of(request: Request, kind: str, key: str | None) -> str | None:
    """The id of the flow that this caller's key asks for; None without a key."""
    if key is None:
        return None
    named = "\n".join([caller(request).user, kind, key])
    return f"{kind}-{sha256(named.encode()).hexdigest()[:16]}"
