"""Attacks over REST: what there is to fight with, and what a battle may be fought with."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request

from sutdol.api.hall import hall
from sutdol.arena import catalogue

router = APIRouter(tags=["Sutdol"])


class AttackTold(BaseModel):
    """An attack, as `sutdol arena attacks --json` lists it."""

    attack: str
    family: str
    group: str
    languages: list[str]
    readable: bool
    held_out: list[str]
    covered_by_code: bool
    help: str


class FamilyTold(BaseModel):
    """Attacks of one kind; `held_out` are the languages in which no model ever trains on it."""

    family: str
    group: str
    languages: list[str]
    held_out: list[str]
    covered: Literal["wholly", "partly"] | None
    readable: bool
    attacks: list[str]


class StrategyTold(BaseModel):
    """An `attack_strategy` of battles; one that is not `ready` needs a language model."""

    strategy: str
    kind: Literal["group", "family"]
    help: str
    ready: bool


class Attacks(BaseModel):
    data: list[AttackTold]
    families: list[FamilyTold]
    strategies: list[StrategyTold]


@router.get("/api/v1/attacks")
def all(request: Request) -> Attacks:
    """Every attack and family, and the strategies that a battle may be fought with."""
    model = hall(request).sutdol.rewrite() is not None
    return Attacks.model_validate(
        {
            "data": catalogue.attacks(),
            "families": catalogue.families(),
            "strategies": catalogue.strategies(model=model),
        }
    )
