"""Heard: feedback becomes examples after review, of many voices, and goes with its source."""

from datetime import timedelta
from hashlib import sha256
from types import ModuleType
from typing import Any

import pytest

from sutdol.core.errors import BadInput, Refused, UnknownName
from sutdol.loop import heard, overview
from sutdol.loop.workshop import Workshop
from sutdol.storage import audit, examples, feedback
from sutdol.storage.feedback import Feedback, NewFeedback


def say(shop: Workshop[Any], text: str = "venom01 돈", **changed: Any) -> Feedback:
    user = changed.get("user", "kim")
    given: dict[str, Any] = {
        "kind": "label",
        "role": "guard",
        "subject_kind": "text",
        "subject": sha256(text.encode()).hexdigest(),
        "value": {"text": text, "label": 1, "category": "spam"},
        "user": user,
        "source": feedback.source_of("api", user),
    }
    with shop.db.write() as tx:
        return feedback.add(tx, NewFeedback(**given | changed), daily=1000, now=shop.now())


def kept(shop: Workshop[Any]) -> list[examples.StoredExample]:
    with shop.db.read() as tx:
        return examples.find(tx, "guard")


def crowd(shop: Workshop[Any], times: int, user: str) -> None:
    """So much feedback of a user was accepted."""
    for number in range(times):
        one = say(shop, f"{user} {number}", user=user)
        with shop.db.write() as tx:
            feedback.decide(tx, one.id, "accepted", reviewer="lee", now=shop.now())


def test_a_label_becomes_a_reviewed_example(shop: Workshop[Any]) -> None:
    one = say(shop)
    done = heard.accept(shop, one.id, "lee")
    (example,) = kept(shop)
    assert (done.state, done.reviewer, done.example) == ("accepted", "lee", example.id)
    assert (example.input, example.target, example.lang) == ("venom01 돈", "spam", "ko")
    assert (example.kind, example.reviewed) == ("feedback", True)
    assert (example.source, example.meta) == ("feedback:api:kim", {"feedback": one.id})
    assert example.group == shop.role.key("venom01 돈")
    with shop.db.read() as tx:
        (event,) = audit.events(tx, limit=9)
    assert (event.actor, event.action, event.subject) == ("lee", "review", one.id)


@pytest.mark.parametrize(
    ("label", "named", "target"),
    [(0, "spam", ""), (1, None, "unspecified"), (1, "", "unspecified"), (1, "Scam", "scam")],
)
def test_the_target_is_the_category_of_a_violation(
    shop: Workshop[Any], label: int, named: str | None, target: str
) -> None:
    one = say(shop, value={"text": "x", "label": label, "category": named}, kind="score")
    heard.accept(shop, one.id, "lee", category=str.lower)
    assert [example.target for example in kept(shop)] == [target]


def test_feedback_that_is_no_label_for_this_role_is_only_accepted(shop: Workshop[Any]) -> None:
    for one in (say(shop, role="retriever"), say(shop, kind="thumb", value={"up": True})):
        done = heard.accept(shop, one.id, "lee")
        assert (done.state, done.example) == ("accepted", None)
    assert kept(shop) == []


@pytest.mark.parametrize(
    "value", [{}, {"text": " ", "label": 1}, {"text": "x"}, {"text": "x", "label": 2}]
)
def test_a_label_without_text_or_label_goes_on_waiting(
    shop: Workshop[Any], value: dict[str, object]
) -> None:
    one = say(shop, value=value)
    with pytest.raises(BadInput, match="reject it"):
        heard.accept(shop, one.id, "lee")
    assert heard.reject(shop, one.id, "lee").state == "rejected"
    assert kept(shop) == []


def test_what_is_decided_is_not_decided_again(shop: Workshop[Any]) -> None:
    one = say(shop)
    heard.reject(shop, one.id, "lee")
    with pytest.raises(Refused, match="is rejected and waits for no review"):
        heard.accept(shop, one.id, "lee")
    assert kept(shop) == []
    with pytest.raises(UnknownName):
        heard.accept(shop, "none", "lee")


def test_one_loud_user_cannot_teach_a_role_alone(shop: Workshop[Any]) -> None:
    for user in "abcde":
        crowd(shop, 1, user)
    crowd(shop, heard.FREE, "kim")
    one = say(shop)
    with pytest.raises(Refused, match=r"^With this, 51 of 56 labels accepted in 30 days .* 20%"):
        heard.accept(shop, one.id, "lee")
    assert kept(shop) == []
    crowd(shop, 198, "others")
    with pytest.raises(Refused, match="51 of 254"):
        heard.accept(shop, one.id, "lee")
    crowd(shop, 1, "others")
    assert heard.accept(shop, one.id, "lee").state == "accepted"  # 51 of 255 are a fifth


def test_few_users_may_teach_as_much_as_they_like(shop: Workshop[Any]) -> None:
    for user in "abcd":
        crowd(shop, heard.FREE, user)
    crowd(shop, heard.FREE, "kim")
    assert heard.accept(shop, say(shop).id, "lee").state == "accepted"
    one = say(shop, "another", user="f")
    assert heard.accept(shop, one.id, "lee").state == "accepted"  # the sixth is not loud
    with pytest.raises(Refused, match="52 of 253"):
        heard.accept(shop, say(shop, "a third").id, "lee")


def test_what_teaches_nothing_makes_nobody_loud(shop: Workshop[Any]) -> None:
    for user in "abcdef":
        crowd(shop, 1, user)
    for number in range(heard.FREE + 1):
        thumb = say(shop, f"{number}", kind="thumb", value={"up": True})
        assert heard.accept(shop, thumb.id, "lee").state == "accepted"
    assert heard.accept(shop, say(shop).id, "lee").state == "accepted"
    crowd(shop, heard.FREE, "kim")
    thumb = say(shop, "one more", kind="thumb", value={"up": True})
    assert heard.accept(shop, thumb.id, "lee").state == "accepted"


def test_below_the_free_number_anyone_may_teach(shop: Workshop[Any]) -> None:
    crowd(shop, heard.FREE - 1, "kim")
    assert heard.accept(shop, say(shop).id, "lee").state == "accepted"


def test_the_share_looks_back_thirty_days(toy: ModuleType, shop: Workshop[Any]) -> None:
    for user in "abcde":
        crowd(shop, 1, user)
    crowd(shop, heard.FREE, "kim")
    later = toy.Clock(days=31)
    shop = Workshop(db=shop.db, home=shop.home, role=shop.role, now=later)
    assert later() - timedelta(days=30) > toy.Clock()()
    for user in "abcde":
        crowd(shop, 1, user)
    assert heard.accept(shop, say(shop).id, "lee").state == "accepted"


def test_a_source_that_only_said_something_can_be_forgotten(shop: Workshop[Any]) -> None:
    one = say(shop)
    gone = overview.forget(shop, "feedback:api:kim")
    assert gone == {"source": "feedback:api:kim", "forgotten": 0, "feedback": 1, "retrain": []}
    with shop.db.read() as tx:
        assert (feedback.get(tx, one.id).value, feedback.get(tx, one.id).state) == ({}, "forgotten")
        assert audit.events(tx, limit=1)[0].body == {"examples": 0, "feedback": 1, "retrain": []}
    with pytest.raises(Refused, match="is forgotten"):
        heard.accept(shop, one.id, "lee")
    assert overview.forget(shop, "feedback:api:kim")["feedback"] == 0  # known, though empty


def test_an_accepted_text_is_forgotten_in_both_places(shop: Workshop[Any]) -> None:
    done = heard.accept(shop, say(shop).id, "lee")
    gone = overview.forget(shop, "feedback:api:kim")
    assert (gone["forgotten"], gone["feedback"]) == (1, 1)
    assert kept(shop) == []
    with shop.db.read() as tx:
        assert feedback.get(tx, done.id).value == {}


def test_a_source_that_nobody_knows_is_still_refused(shop: Workshop[Any]) -> None:
    one = say(shop)
    with pytest.raises(UnknownName, match="No source"):
        overview.forget(shop, "feedback:api:kin")
    with shop.db.read() as tx:
        assert feedback.get(tx, one.id) == one
