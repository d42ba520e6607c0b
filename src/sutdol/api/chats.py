"""OpenAI's chat completions, embeddings and models: the hot path, with nothing around it."""

from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sutdol.api.errors import gone
from sutdol.api.going import Gone, Streaming, unless_gone
from sutdol.api.hall import caller, hall, visit
from sutdol.api.schemas import (
    CHAT,
    CHATTED,
    EMBEDDING,
    MODEL,
    MODELS,
    VECTORS,
    answered,
    documented,
)
from sutdol.chat.gateway import Reply

router = APIRouter(tags=["OpenAI"])


@router.post("/v1/chat/completions", **documented(CHAT, CHATTED, stream=True))
async def chat(request: Request) -> Response:
    """Answer a conversation, whole or as a stream of server-sent events.

    `store: true` keeps it as a conversation; `conversation` (or the header
    `x-sutdol-conversation`) goes on with one.
    """
    raw = await request.body()
    return await answer(request, hall(request).gateway.chat(raw, visit(request)))


@router.post("/v1/embeddings", **documented(EMBEDDING, VECTORS))
async def embeddings(request: Request) -> Response:
    """Vectors for texts."""
    raw = await request.body()
    return await answer(request, hall(request).gateway.embed(raw, visit(request)))


async def answer(request: Request, work: Any) -> Response:
    """The reply of the gateway, unless the client goes away first."""
    try:
        reply: Reply = await unless_gone(request.receive, work)
    except Gone:
        return gone()
    return told(reply)


def told(reply: Reply) -> Response:
    if reply.pieces is not None:
        return Streaming(reply.pieces, reply.headers)
    return Response(reply.body, reply.status, dict(reply.headers))


@router.get("/v1/models", **answered(MODELS))
async def models(request: Request) -> Response:
    """The models that this caller may ask for."""
    found = await hall(request).gateway.models(caller(request))
    return _json({"object": "list", "data": found})


@router.get("/v1/models/{model:path}", **answered(MODEL))
async def model(request: Request, model: str) -> Response:
    """One model; its name may hold slashes."""
    return _json(await hall(request).gateway.model(model, caller(request)))


def _json(content: object) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")
