"""What reviewers are told of feedback: who said it, and what it is about."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from sutdol.api.fields import Told
from sutdol.core.errors import UnknownName
from sutdol.storage import answers, decisions, users
from sutdol.storage.decisions import Side
from sutdol.storage.effects import Tx
from sutdol.storage.feedback import Feedback, Kind, State, SubjectKind

OURS = ("subject", "user_name", "reviewer_name")
"""What is no column of feedback."""


class SubjectTold(Told):
    kind: SubjectKind
    id: str | None


class FeedbackTold(Told):
    """`role` may learn from it once it is accepted; `example` is what it became.

    The names are null where no key is asked for, and for users that are not known any more.
    """

    id: str
    kind: Kind
    role: str
    subject: SubjectTold
    value: dict[str, object]
    user: str
    user_name: str | None
    state: State
    example: str | None
    reviewer: str | None
    reviewer_name: str | None
    reviewed_at: datetime | None
    created_at: datetime


class ExchangeTold(Told):
    """The answer that was judged and the question before it."""

    question: str | None
    answer: str
    model: str | None


class RulingTold(Told):
    """What the guard had said; the text is not kept."""

    version: str
    side: Side
    flagged: bool
    score: float
    categories: dict[str, float]


class FeedbackShown(FeedbackTold):
    """With what it is about, where that is kept: of a conversation this exchange alone, and only
    where its own user sent it in.
    """

    context: ExchangeTold | RulingTold | None


def names(tx: Tx, found: Iterable[Feedback]) -> dict[str, str]:
    """What the people are called who gave and judged it."""
    people = {one for each in found for one in (each.user, each.reviewer) if one is not None}
    return users.names(tx, people)


def told(one: Feedback, names: Mapping[str, str]) -> FeedbackTold:
    values = {name: getattr(one, name) for name in FeedbackTold.model_fields if name not in OURS}
    return FeedbackTold(
        **values,
        subject=SubjectTold(kind=one.subject_kind, id=one.subject),
        user_name=names.get(one.user),
        reviewer_name=names.get(one.reviewer or ""),
    )


def alone(tx: Tx, one: Feedback) -> FeedbackTold:
    """One piece with the names of its people."""
    return told(one, names(tx, [one]))


def shown(tx: Tx, one: Feedback) -> FeedbackShown:
    """One piece with what it is about."""
    return FeedbackShown(**dict(alone(tx, one)), context=_context(tx, one))


def _context(tx: Tx, one: Feedback) -> ExchangeTold | RulingTold | None:
    look = _KEPT.get(one.subject_kind)
    if look is None or one.subject is None or one.state == "forgotten":
        return None
    try:
        return look(tx, one.subject, one.user)
    except UnknownName:  # erased since, or not the user's own
        return None


def _answer(tx: Tx, message: str, user: str) -> ExchangeTold:
    return ExchangeTold.model_validate(answers.exchange(tx, message, user))


def _answer_to(tx: Tx, request: str, user: str) -> ExchangeTold:
    return _answer(tx, answers.id_of(request), user)


def _ruling(tx: Tx, decision: str, user: str) -> RulingTold:
    return RulingTold.model_validate(decisions.get(tx, decision))


_KEPT: Mapping[SubjectKind, Callable[[Tx, str, str], ExchangeTold | RulingTold]] = {
    "message": _answer,
    "request": _answer_to,
    "decision": _ruling,
}
