"""Conversations over REST: a user's own, to list, search, take away and erase."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from sutdol.api.fields import USUAL, Before, Body, Kept, Meta, Page, PerPage, Told, Word, page
from sutdol.api.flows import Name
from sutdol.api.hall import Hall, caller, hall, up_to_date
from sutdol.chat import exchange, shield
from sutdol.chat.shield import Blocked
from sutdol.storage import conversations, rewind, transcript
from sutdol.storage.conversations import Conversation, NewMessage
from sutdol.storage.effects import Tx
from sutdol.storage.transcript import Form

router = APIRouter(tags=["Sutdol"])

Speaker = Literal["system", "developer", "user", "assistant", "tool", "function"]
Id = Annotated[str, Field(min_length=1, max_length=64)]
Title = Annotated[str, Field(max_length=1_000)]
FORMS: Mapping[Form, tuple[str, str]] = {
    "json": ("json", "application/json"),
    "jsonl": ("jsonl", "text/plain; charset=utf-8"),
    "markdown": ("md", "text/plain; charset=utf-8"),
}
"""Endings of files, and types that no browser takes for a page."""
Messages = Annotated[int, Query(ge=1, le=1_000, description="So many messages at the most.")]
SaidBefore = Annotated[
    str | None,
    Query(max_length=64, pattern=r"^[^\x00]+$", description="Those said before this one."),
]
FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind.partition(";")[0]: {} for _, kind in FORMS.values()}}
}


class Said(Body):
    role: Speaker
    content: Annotated[str, Field(max_length=1_000_000)]


class CreateConversation(Body):
    """Without a title it is named after the first words of its user."""

    title: Title = ""
    meta: Meta = {}  # noqa: RUF012  pydantic copies it
    messages: Annotated[tuple[Said, ...], Field(strict=False, max_length=1_000)] = ()


class ChangeConversation(Body):
    """What is left out stays as it is."""

    title: Kept[Title]
    meta: Kept[Meta]


class NamedMessage(Body):
    message: Id


class ConversationTold(Told):
    """`count` is how many messages there are."""

    id: str
    title: str
    meta: dict[str, object]
    count: int
    created_at: datetime
    updated_at: datetime


class MessageTold(Told):
    """`body` is what a message holds besides text, such as tool calls."""

    id: str
    role: str
    content: str
    body: dict[str, object]
    request: str | None
    model: str | None
    created_at: datetime


class ConversationShown(ConversationTold):
    """With what was said last, in the order in which it was said."""

    messages: list[MessageTold]


class Erased(Told):
    erased: int


@router.post("/api/v1/conversations", status_code=201)
async def create_conversation(request: Request, given: CreateConversation) -> ConversationShown:
    """Begin a conversation, also with messages from elsewhere; the guard reads them as in a chat.

    Go on with it by `conversation` in a chat, or the header `x-sutdol-conversation`.
    """
    here, user = hall(request), caller(request).user
    await _require_harmless(here, given.messages)
    return await run_in_threadpool(_made, here, user, given)


def _made(here: Hall, user: str, given: CreateConversation) -> ConversationShown:
    said = given.title or next((one.content for one in given.messages if one.role == "user"), "")
    made = conversations.new(user, now=here.now(), said=said, meta=given.meta)
    messages = [NewMessage(role=one.role, content=one.content) for one in given.messages]
    rows = conversations.message_rows(made.id, messages, made.created_at)
    here.writer.write_through([conversations.new_row(made), *rows])
    with here.sutdol.db.read() as tx:
        return _shown(tx, made.id, user)


@router.get("/api/v1/conversations")
def list_conversations(
    request: Request, q: Word = None, limit: PerPage = USUAL, before: Before = None
) -> Page[ConversationTold]:
    """One's own conversations, those first in which something was said last.

    `q` is looked for in titles and messages, whatever its case and Unicode form.
    """
    with up_to_date(request).sutdol.db.read() as tx:
        found = conversations.find(
            tx, caller(request).user, query=q or "", limit=limit + 1, before=before
        )
    return page(found, limit, _told)


@router.delete("/api/v1/conversations")
def erase_all(request: Request, confirm: Literal["all"]) -> Erased:
    """Erase all of one's conversations; `confirm=all` says that this is meant."""
    with up_to_date(request).sutdol.db.write() as tx:
        return Erased(erased=conversations.delete_all(tx, caller(request).user))


@router.get("/api/v1/conversations/{id}")
def show_conversation(
    request: Request, id: Name, limit: Messages = 1_000, before: SaidBefore = None
) -> ConversationShown:
    """One conversation with its last messages; another user's is as unknown as none."""
    with up_to_date(request).sutdol.db.read() as tx:
        return _shown(tx, id, caller(request).user, limit=limit, before=before)


@router.patch("/api/v1/conversations/{id}")
def change_conversation(request: Request, id: Name, given: ChangeConversation) -> ConversationTold:
    """Give it another title, or keep something else with it."""
    user = caller(request).user
    with up_to_date(request).sutdol.db.write() as tx:
        if given.title is not None:
            conversations.rename(tx, id, user, given.title)
        if given.meta is not None:
            conversations.describe(tx, id, user, given.meta)
        return _told(conversations.get(tx, id, user))


@router.delete("/api/v1/conversations/{id}", status_code=204)
def erase_conversation(request: Request, id: Name) -> Response:
    """Erase it with all that was said in it; an answer under way brings nothing back."""
    with up_to_date(request).sutdol.db.write() as tx:
        conversations.delete_one(tx, id, caller(request).user)
    return Response(status_code=204)


@router.post("/api/v1/conversations/{id}/rewind")
def rewind_conversation(request: Request, id: Name, given: NamedMessage) -> ConversationTold:
    """Take a message and all after it back, to go on from before it.

    They are no longer shown, sent to models, found or exported, until the conversation is erased or
    they are brought back.
    """
    here, user = up_to_date(request), caller(request).user
    with here.sutdol.db.write() as tx:
        rewind.rewind(tx, id, user, given.message, here.now())
        return _told(conversations.get(tx, id, user))


@router.post("/api/v1/conversations/{id}/restore")
def restore_conversation(request: Request, id: Name, given: NamedMessage) -> ConversationTold:
    """Bring back what was taken back with this message, while nothing was said since."""
    user = caller(request).user
    with up_to_date(request).sutdol.db.write() as tx:
        rewind.restore(tx, id, user, given.message)
        return _told(conversations.get(tx, id, user))


@router.get("/api/v1/conversations/{id}/export", response_class=Response, responses=FILE)
def export_conversation(request: Request, id: Name, form: Form = "json") -> Response:
    """All of it as a file to take away."""
    user = caller(request).user
    with up_to_date(request).sutdol.db.read() as tx:
        name = conversations.get(tx, id, user).id
        text = transcript.export(tx, id, user, form)
    ending, kind = FORMS[form]
    file = {"content-disposition": f'attachment; filename="{name}.{ending}"'}
    return Response(text, headers=file, media_type=kind)


async def _require_harmless(here: Hall, said: Iterable[Said]) -> None:
    """What is gone on with is not judged again: so it must not come in unjudged."""
    chosen = here.sutdol.settings.gateway
    read = [one.content for one in said if one.role in chosen.guard_roles]
    texts = [one for one in read if one.strip()]
    if not texts or not chosen.guard_input:
        return
    ruling = shield.worst(await shield.ask(here.judge, texts))
    if ruling.flagged:
        raise Blocked("input", ruling.applies, exchange.told(ruling, blocked=True))


def _shown(
    tx: Tx, id_: str, user: str, *, limit: int = 1_000, before: str | None = None
) -> ConversationShown:
    told = dict(_told(conversations.get(tx, id_, user)))
    said = conversations.messages(tx, id_, user, limit=limit, before=before)
    return ConversationShown(**told, messages=[MessageTold.model_validate(one) for one in said])


def _told(one: Conversation) -> ConversationTold:
    return ConversationTold(
        id=one.id,
        title=one.title,
        meta=dict(one.meta),
        count=one.messages,
        created_at=one.created_at,
        updated_at=one.updated_at,
    )
