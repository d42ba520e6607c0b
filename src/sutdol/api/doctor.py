"""What `sutdol doctor` says, over REST."""

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request

from sutdol.api.hall import hall

router = APIRouter(tags=["Sutdol"])


class LineTold(BaseModel):
    name: str
    state: Literal["ok", "absent", "broken"]
    text: str


class Found(BaseModel):
    """What was found, and when the look was over."""

    data: list[LineTold]
    at: datetime


@router.get("/api/v1/doctor")
async def doctor(request: Request) -> Found:
    """What there is, what is missing and what is broken; who asks meanwhile gets the same look."""
    here = hall(request)
    lines = await here.checking.lines()
    return Found(data=[LineTold.model_validate(one) for one in lines], at=here.now())
