"""Every setting over REST, as it is now, and nothing secret."""

from fastapi import APIRouter
from pydantic import JsonValue
from starlette.requests import Request

from sutdol.api.fields import Page, Told
from sutdol.api.hall import hall
from sutdol.core.shown import Kind, shown

router = APIRouter(tags=["Sutdol"])


class SettingTold(Told):
    """Of a secret `value` says whether it is set; an address is told without who signs in."""

    name: str
    kind: Kind
    value: JsonValue
    default: JsonValue
    changed: bool
    environment: list[str]
    about: str


@router.get("/api/v1/settings")
def list_settings(request: Request) -> Page[SettingTold]:
    """Every setting of this process: its value, its default, and what sets it; no secrets."""
    found = shown(hall(request).sutdol.settings)
    return Page(data=[SettingTold.model_validate(one) for one in found])
