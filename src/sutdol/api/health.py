"""Whether the server lives, and whether it can do its work."""

import asyncio
from typing import Any, Literal

import orjson
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from sutdol.api.hall import Hall, caller, hall
from sutdol.chat.gateway import may
from sutdol.core.errors import SutdolError

router = APIRouter(tags=["Health"])


class Ready(BaseModel):
    """What there is of what it takes to work."""

    status: Literal["ready", "not ready"]
    database: Literal["ok", "away"]
    guard: Literal["ok", "none yet"]


class UpstreamTold(BaseModel):
    """A model server as it was when it was last asked."""

    name: str
    state: Literal["ok", "troubled", "resting"]
    trouble: str | None
    models: list[str]


class Upstreams(BaseModel):
    data: list[UpstreamTold]


READY: dict[int | str, dict[str, Any]] = {
    200: {"model": Ready},
    503: {"model": Ready, "description": "Something is missing."},
}


@router.get("/health")
async def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/ready", responses=READY)
async def ready(request: Request) -> Response:
    """The database answers and a guard is loaded; 503 says what is missing."""
    found = await asyncio.to_thread(_parts, hall(request))
    status = 200 if all(one == "ok" for one in found.values()) else 503
    content = {"status": "ready" if status == 200 else "not ready", **found}
    return Response(orjson.dumps(content), status, media_type="application/json")


@router.get("/api/v1/upstreams", tags=["Sutdol"], responses={200: {"model": Upstreams}})
async def upstreams(request: Request) -> Response:
    """The model servers behind the gateway, and how they are; of their models the caller's own."""
    pool, who = hall(request).pool, caller(request)
    await pool.look()
    told = [one.health() for one in pool.members.values()]
    for one in told:
        one["models"] = [name for name in one["models"] if may(who, name)]
    return Response(orjson.dumps({"data": told}), media_type="application/json")


def _parts(hall: Hall) -> dict[str, str]:
    found = {"database": "ok", "guard": "ok"}
    try:
        with hall.sutdol.db.read() as tx:
            tx.exec_driver_sql("SELECT 1")
    except SutdolError:
        found["database"] = "away"
    try:
        hall.guard()
    except SutdolError:
        found["guard"] = "none yet"
    return found
