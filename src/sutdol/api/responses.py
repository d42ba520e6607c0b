"""OpenAI's responses, of which none is kept: each is a chat of the gateway in another form."""

from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sutdol.api.chats import answer
from sutdol.api.hall import hall, visit
from sutdol.api.schemas import documented, schema
from sutdol.chat.asked import read
from sutdol.chat.ended import Ended
from sutdol.chat.gateway import Reply
from sutdol.chat.responding import blank, events, whole
from sutdol.chat.responses import NOT_KEPT, Asked, chat_body
from sutdol.core.errors import SutdolError

router = APIRouter(tags=["OpenAI"])


class NotKept(SutdolError):
    """Asked for by its id, which nobody remembers."""

    status = 404


@router.post("/v1/responses", **documented(schema(Asked), stream=True))
async def respond(request: Request) -> Response:
    """Answer an input, whole or as a stream of server-sent events.

    Any model of the gateway can be asked. Tools are functions that the client runs; nothing is
    kept, so each request brings the whole input, or a `conversation`.
    """
    asked = read(Asked, await request.body())
    return await answer(request, _responded(request, asked))


async def _responded(request: Request, asked: Asked) -> Reply:
    here, visiting = hall(request), visit(request)
    begun = here.now()
    reply = await here.gateway.chat(chat_body(asked), visiting, route="responses")
    if reply.status != 200:
        return reply
    conversation = reply.headers.get("x-sutdol-conversation")
    response = blank(asked, id_=visiting.id, at=begun, conversation=conversation)
    if reply.pieces is None:
        return Reply(headers=reply.headers, body=whole(response, reply.body))
    told = Ended(events(reply.pieces, response), lambda: None, closing(reply.pieces))
    return Reply(headers=reply.headers, pieces=told)


def closing(pieces: AsyncIterator[bytes]) -> Callable[[], Awaitable[None]]:
    """Lets go of the chat, also where nobody read the first event of the response."""

    async def close() -> None:
        end = getattr(pieces, "aclose", None)
        if end is not None:
            await end()

    return close


@router.get("/v1/responses/{id}", status_code=404)
@router.delete("/v1/responses/{id}", status_code=404)
@router.post("/v1/responses/{id}/cancel", status_code=404)
@router.get("/v1/responses/{id}/input_items", status_code=404)
def kept(id: str) -> None:
    """No response is kept, so this is always 404."""
    raise NotKept(NOT_KEPT)
