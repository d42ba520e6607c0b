"""What people say of answers and decisions: taken in from users, judged by reviewers."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from hmac import compare_digest
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.requests import Request

from sutdol.api import said
from sutdol.api.fields import USUAL, Before, Page, PerPage, Told, Word, page
from sutdol.api.flows import Name
from sutdol.api.given import Given, TextSubject
from sutdol.api.hall import Hall, caller, hall, up_to_date
from sutdol.api.said import FeedbackShown, FeedbackTold
from sutdol.core.caller import Caller
from sutdol.core.errors import BadInput, Refused, UnknownName
from sutdol.loop import heard
from sutdol.roles.categories import category
from sutdol.storage import conversations, decisions, feedback, requests
from sutdol.storage.effects import Tx
from sutdol.storage.feedback import Feedback, Kind, NewFeedback, State
from sutdol.storage.secrets import digest

router = APIRouter(tags=["Sutdol"])


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Whose feedback on what; what is left out is any."""

    role: Word = None
    kind: Kind | None = None
    user: Word = None


class Counts(Told):
    waiting: int = 0
    accepted: int = 0
    rejected: int = 0
    forgotten: int = 0


@router.post("/api/v1/feedback", status_code=201)
def give_feedback(
    request: Request, given: Annotated[Given, Field(discriminator="kind")]
) -> FeedbackTold:
    """Say what was good or wrong; who says it again of the same subject has changed his mind."""
    here, who = up_to_date(request), caller(request)
    with here.sutdol.db.read() as tx:
        subject = _subject(tx, here, who, given)
    new = NewFeedback(
        kind=given.kind,
        role=_role(given),
        subject_kind=given.subject.kind,
        subject=subject,
        value=given.value.model_dump(),
        user=who.user,
        key=who.key,
        source=feedback.source_of("api", who.user),
    )
    with here.sutdol.db.write() as tx:
        daily = here.sutdol.settings.server.feedback
        return said.alone(tx, feedback.add(tx, new, daily=daily, now=here.now()))


@router.get("/api/v1/feedback")
def list_feedback(
    request: Request,
    about: Annotated[About, Depends()],
    state: State | None = None,
    limit: PerPage = USUAL,
    before: Before = None,
) -> Page[FeedbackTold]:
    """Feedback to review, newest first."""
    only = asdict(about)
    with hall(request).sutdol.db.read() as tx:
        found = feedback.find(tx, limit=limit + 1, before=before, state=state, **only)
        names = said.names(tx, found)
    return page(found, limit, partial(said.told, names=names))


@router.get("/api/v1/feedback/counts")
def count_feedback(request: Request, about: Annotated[About, Depends()]) -> Counts:
    """How much waits, and how much was decided."""
    with hall(request).sutdol.db.read() as tx:
        return Counts(**feedback.counts(tx, **asdict(about)))


@router.get("/api/v1/feedback/{id}")
def show_feedback(request: Request, id: Name) -> FeedbackShown:
    """One piece of feedback, with what it is about."""
    with hall(request).sutdol.db.read() as tx:
        return said.shown(tx, feedback.get(tx, id))


@router.post("/api/v1/feedback/{id}/accept")
def accept_feedback(request: Request, id: Name) -> FeedbackTold:
    """Let it count: a label becomes an example that the guard learns from."""
    here, one = _reviewed(request, id)
    who = caller(request)
    shop = here.sutdol.workshops.get(one.role, here.sutdol.guard)
    # Where nobody says who asks, all are one user.
    accept = partial(heard.accept, most_share=1.0) if here.is_open else heard.accept
    done = accept(shop, one.id, who.user, actor=who.actor, category=category)
    return _told(here, done)


@router.post("/api/v1/feedback/{id}/reject")
def reject_feedback(request: Request, id: Name) -> FeedbackTold:
    """Say that nothing is to be learned from it."""
    here, one = _reviewed(request, id)
    who = caller(request)
    return _told(here, heard.reject(here.sutdol.guard, one.id, who.user, actor=who.actor))


def _reviewed(request: Request, id_: str) -> tuple[Hall, Feedback]:
    """The feedback, if who asks may judge it."""
    here, who = hall(request), caller(request)
    with here.sutdol.db.read() as tx:
        one = feedback.get(tx, id_)
    if one.user == who.user and not who.at_least("admin"):
        raise Refused("This is your own feedback: another reviewer has to judge it.")
    return here, one


def _role(given: Given) -> str:
    """Whom it teaches."""
    if given.kind == "label" or given.subject.kind == "decision":
        return "guard"
    return "retriever" if given.kind == "click" else "generator"


def _subject(tx: Tx, here: Hall, who: Caller, given: Given) -> str:
    """The id of what is judged, which is the user's own unless he is an operator."""
    if given.kind == "label":
        told = digest(here.pepper, given.value.text)
        if isinstance(given.subject, TextSubject):
            return told
        _require_same(tx, given.subject.id, told, who)
        return given.subject.id
    _OWNED[given.subject.kind](tx, given.subject.id, who)
    return given.subject.id


def _require_same(tx: Tx, id_: str, told: str, who: Caller) -> None:
    """Refuse a label of a text that the decision was not about."""
    _own_decision(tx, id_, who)
    if not compare_digest(decisions.get(tx, id_).digest, told):
        raise BadInput("The decision was about another text: send the very text, or none of it.")


def _own_request(tx: Tx, id_: str, who: Caller) -> None:
    if requests.get(tx, id_).user != who.user and not who.at_least("operator"):
        raise UnknownName("request", id_, [])


def _own_message(tx: Tx, id_: str, who: Caller) -> None:
    conversations.message(tx, id_, None if who.at_least("operator") else who.user)


def _own_decision(tx: Tx, id_: str, who: Caller) -> None:
    found = decisions.get(tx, id_)
    if who.at_least("operator"):
        return
    try:
        _own_request(tx, found.request, who)
    except UnknownName:
        raise UnknownName("decision", id_, []) from None


_OWNED: Mapping[str, Callable[[Tx, str, Caller], None]] = {
    "request": _own_request,
    "message": _own_message,
    "decision": _own_decision,
}


def _told(here: Hall, one: Feedback) -> FeedbackTold:
    with here.sutdol.db.read() as tx:
        return said.alone(tx, one)
