"""OpenAI's moderations, answered by the guard of this server."""

from typing import Any, Literal

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from sutdol.api.hall import Hall, ask, caller, hall
from sutdol.api.schemas import documented, schema
from sutdol.chat import judged
from sutdol.chat.asked import Bad, read
from sutdol.chat.exchange import Exchange
from sutdol.chat.log import Log
from sutdol.chat.shield import Ruling
from sutdol.core.errors import UnknownName
from sutdol.roles.categories import CATEGORIES

MOST = 1_024  # texts of one request
ALIASES = ("omni-moderation", "text-moderation")
"""How OpenAI's names begin; whichever of them is asked for, the champion answers."""
OURS = "guard"
WANTED = (
    "'input' must be a text, a list of texts, or a list of parts such as"
    ' {"type": "text", "text": "..."}.'
)

router = APIRouter(tags=["OpenAI"])


class TextPart(BaseModel):
    type: Literal["text"]
    text: str


class ImagePart(BaseModel):
    """A picture, which the guard does not look at."""

    type: Literal["image_url"]


class Moderation(BaseModel):
    """A text, several texts, or the parts of one message."""

    input: str | list[str] | list[TextPart | ImagePart]
    model: str | None = Field(default=None, min_length=1, max_length=200)


@router.post("/v1/moderations", **documented(schema(Moderation)))
async def moderations(request: Request) -> Response:
    """What the guard says of texts: one result a text, or one for all parts of a message.

    Besides OpenAI's categories there are `profanity` and `spam`. `decision` is what feedback can
    refer to; only the first 32 texts of a request have one. Pictures are not looked at.
    """
    asked = _read(await request.body())
    texts = _texts(asked)
    with judged.ended(inquiry(request, "moderations")) as exchange:
        _require_known(asked.model, hall(request))
        rulings = await judged.judge(exchange, texts)
    id_ = exchange.log.id
    told = [_result(one, judged.identity(id_, number)) for number, one in enumerate(rulings)]
    answer = {
        "id": f"modr-{id_.removeprefix('req_')}",
        "model": rulings[0].version if rulings else hall(request).guard().version,
        "results": told or [NOTHING],
    }
    return Response(orjson.dumps(answer), headers=exchange.head(), media_type="application/json")


def inquiry(request: Request, route: str) -> Exchange:
    """What the texts of a request are judged within."""
    found, now = hall(request), ask(request)
    log = Log(
        id=now.id,
        caller=caller(request),
        route=route,
        model=OURS,
        at=found.now(),
        start=now.start,
    )
    return Exchange(tools=found.tools, log=log)


def _read(raw: bytes) -> Moderation:
    try:
        return read(Moderation, raw)
    except Bad as error:
        if error.param is None or not error.param.startswith("input"):
            raise
    raise Bad(WANTED, "input")  # of three forms each one would be found wrong in its own way


def _texts(asked: Moderation) -> list[str]:
    """The texts to be judged: parts are read as one text, as those of a chat's message are."""
    if isinstance(asked.input, str):
        return [asked.input]
    if not asked.input:
        raise Bad("'input' is an empty list: send at least one text.", "input")
    if len(asked.input) > MOST:
        raise Bad(f"'input' has {len(asked.input):,} texts; at most {MOST:,} may be.", "input")
    texts = [one for one in asked.input if isinstance(one, str)]
    said = [one.text for one in asked.input if isinstance(one, TextPart)]
    return ["\n".join(said)] if said else texts


def _require_known(model: str | None, hall: Hall) -> None:
    """No other version than the one that reigns is held ready to answer."""
    if model is None or model == OURS or model.startswith(ALIASES):
        return
    version = hall.guard().version
    if model != version:
        raise UnknownName("model", model, [OURS, version, f"{ALIASES[0]}-latest"])


TEXT = {name: ["text"] for name in CATEGORIES}
NOTHING: dict[str, Any] = {
    "flagged": False,
    "categories": dict.fromkeys(CATEGORIES, False),
    "category_scores": dict.fromkeys(CATEGORIES, 0.0),
    "category_applied_input_types": {name: [] for name in CATEGORIES},
    "decision": None,
}
"""The result where there is no text."""


def _result(ruling: Ruling, decision: str | None) -> dict[str, Any]:
    return {
        "flagged": ruling.flagged,
        "categories": {name: name in ruling.applies for name in CATEGORIES},
        "category_scores": {name: ruling.categories[name] for name in CATEGORIES},
        "category_applied_input_types": TEXT,
        "decision": decision,
    }
