"""Let people's feedback become examples, after review."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from sutdol.core.errors import BadInput, Refused
from sutdol.core.text.reading import language, read
from sutdol.core.types import Example
from sutdol.loop.collect import take_in
from sutdol.loop.workshop import Workshop
from sutdol.storage import audit, examples, feedback
from sutdol.storage.audit import Event
from sutdol.storage.effects import Tx
from sutdol.storage.feedback import Feedback

M = TypeVar("M")

WINDOW = timedelta(days=30)
FREE = 50
"""So much of one user's feedback is accepted in a window whatever share of it is his."""
UNSPECIFIED = "unspecified"


def accept(
    shop: Workshop[M],
    id_: str,
    reviewer: str,
    *,
    actor: str = "",
    most_share: float = 0.2,
    category: Callable[[str], str] = str,
) -> Feedback:
    """Accept waiting feedback; a label for the role of this workshop becomes a reviewed example.

    Where many teach a role, nobody does so alone: beyond `FREE` in 30 days, one user's labels are
    at most `most_share` of all that are accepted. So few that one of them always has more than
    that are not kept to it. `category` gives the role's own name for a category;
    `actor` is what the event log calls the reviewer, whose id it is unless given.
    """
    with shop.db.write() as tx:
        one = feedback.get(tx, id_)
        example = None
        if one.state == "waiting":
            example = _learnt(tx, shop, one, most_share, category)
        now = shop.now()
        done = feedback.decide(tx, id_, "accepted", reviewer=reviewer, now=now, example=example)
        _put_on_record(tx, done, actor or reviewer)
        return done


def reject(shop: Workshop[M], id_: str, reviewer: str, *, actor: str = "") -> Feedback:
    """Say that nothing is to be learned from waiting feedback."""
    with shop.db.write() as tx:
        done = feedback.decide(tx, id_, "rejected", reviewer=reviewer, now=shop.now())
        _put_on_record(tx, done, actor or reviewer)
        return done


def _require_many_voices(tx: Tx, shop: Workshop[M], one: Feedback, most_share: float) -> None:
    known = feedback.accepted(tx, shop.now() - WINDOW, role=one.role)
    his = known.get(one.user, 0) + 1
    all_, voices = sum(known.values()) + 1, len(known.keys() | {one.user})
    if his > FREE and his > most_share * all_ and voices * most_share > 1:
        raise Refused(
            f"With this, {his} of {all_} labels accepted in 30 days would be one user's, more than "
            f"{most_share:.0%}: review what others say first."
        )


def _learnt(
    tx: Tx, shop: Workshop[M], one: Feedback, most_share: float, category: Callable[[str], str]
) -> str | None:
    """The id of the example that it becomes; none where it is no label for this role."""
    if one.role != shop.role.name or one.kind not in feedback.TEACHES:
        return None
    _require_many_voices(tx, shop, one, most_share)
    example = _example(shop, one, category)
    take_in(tx, shop, [example], kind="feedback", reviewed=True)
    return examples.identity(shop.role.name, "feedback", example)


def _example(shop: Workshop[M], one: Feedback, category: Callable[[str], str]) -> Example:
    text, label, named = (one.value.get(name) for name in ("text", "label", "category"))
    if not isinstance(text, str) or not text.strip() or label not in (0, 1):
        raise BadInput(f"Feedback {one.id} has no text with the label 0 or 1: reject it.")
    violation = category(named) if isinstance(named, str) and named else UNSPECIFIED
    return Example(
        input=text,
        target=violation if label else "",
        lang=language(read(text).normalised),
        source=one.source,
        group=shop.role.key(text),
        part="train",  # where it really goes is decided when it is taken in
        meta={"feedback": one.id},
    )


def _put_on_record(tx: Tx, done: Feedback, actor: str) -> None:
    assert done.reviewed_at is not None
    event = Event(
        actor=actor,
        action="review",
        subject=done.id,
        body={"state": done.state, "example": done.example},
        created_at=done.reviewed_at,
    )
    audit.add(tx, event)
