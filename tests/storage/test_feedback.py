"""Feedback: kept within limits, reviewed once, and erased when its source asks."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection

from sutdol.core.errors import LimitReached, Refused, Settled, UnknownName
from sutdol.storage import feedback
from sutdol.storage.database import Database
from sutdol.storage.feedback import Feedback, NewFeedback

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
LABEL = NewFeedback(
    kind="label",
    role="guard",
    subject_kind="decision",
    subject="d1",
    value={"text": "한국어", "label": 1, "category": "spam"},
    user="kim",
    source=feedback.source_of("api", "kim"),
    key="k1",
)


def add(tx: Connection, now: datetime, *, daily: int = 100, **changed: object) -> Feedback:
    return feedback.add(tx, replace(LABEL, **changed), daily=daily, now=now)


def accept(tx: Connection, now: datetime, *, times: int, user: str, **changed: object) -> None:
    for number in range(times):
        one = add(tx, now, user=user, subject=f"{user}{number}", **changed)
        feedback.decide(tx, one.id, "accepted", reviewer="lee", now=now)


def test_feedback_waits_as_it_was_given(db: Database, now: datetime) -> None:
    with db.write() as tx:
        one = add(tx, now)
        assert feedback.get(tx, one.id) == one
        assert (one.state, one.created_at, one.value) == ("waiting", now, LABEL.value)
        assert one.source == "feedback:api:kim"
        odd = add(tx, now, value={"text": "a\x00\ud800"}, subject="s\x00")
        assert (odd.value, odd.subject) == ({"text": "a\ufffd\ufffd"}, "s\ufffd")
        with pytest.raises(UnknownName, match="No feedback"):
            feedback.get(tx, "none\x00")


def test_who_changes_his_mind_has_one_voice(db: Database, now: datetime) -> None:
    with db.write() as tx:
        add(tx, now)
        again = add(tx, now + 2 * DAY, value={"label": 0})
        assert feedback.find(tx) == [again]
        for changed in ({"subject": "d2"}, {"kind": "thumb"}, {"user": "lee"}, {"role": "tutor"}):
            add(tx, now, **changed)
        assert len(feedback.find(tx)) == 5


def test_what_was_reviewed_is_not_replaced(db: Database, now: datetime) -> None:
    with db.write() as tx:
        one = add(tx, now)
        feedback.decide(tx, one.id, "rejected", reviewer="lee", now=now)
        add(tx, now)
        assert feedback.counts(tx) == {"rejected": 1, "waiting": 1}


def test_a_user_has_so_many_a_day(db: Database, now: datetime) -> None:
    with db.write() as tx:
        for number in range(3):
            add(tx, now + number * SECOND, daily=3, subject=str(number))
        with pytest.raises(
            LimitReached, match=r"^You gave feedback 3 times in the last"
        ) as refused:
            add(tx, now + 3 * SECOND, daily=3, subject="more")
        assert refused.value.retry == (DAY - 3 * SECOND).total_seconds()
        add(tx, now + 3 * SECOND, daily=3, subject="1")  # to change one's mind is none more
        add(tx, now + 3 * SECOND, daily=3, user="lee")
        add(tx, now + DAY, daily=3, subject="more")
        with pytest.raises(LimitReached):
            add(tx, now + DAY, daily=3, subject="even more")


def test_a_decision_is_made_once(db: Database, now: datetime) -> None:
    with db.write() as tx:
        one = add(tx, now)
        done = feedback.decide(tx, one.id, "accepted", reviewer="lee", now=now, example="e1")
        assert (done.state, done.example, done.reviewer) == ("accepted", "e1", "lee")
        assert done.reviewed_at == now
        with pytest.raises(Settled, match="is accepted and waits for no review"):
            feedback.decide(tx, one.id, "rejected", reviewer="lee", now=now)
        assert feedback.get(tx, one.id) == done


def test_the_queue_is_read_by_state_role_and_user(db: Database, now: datetime) -> None:
    with db.write() as tx:
        made = [add(tx, now + n // 2 * SECOND, subject=str(n)) for n in range(5)]
        other = add(tx, now, role="tutor", user="lee")
        feedback.decide(tx, made[0].id, "rejected", reviewer="lee", now=now)
        assert feedback.find(tx, role="tutor") == feedback.find(tx, user="lee") == [other]
        found: list[Feedback] = []
        before = None
        while page := feedback.find(tx, state="waiting", user="kim", limit=2, before=before):
            found += page
            before = page[-1].cursor
        newest = sorted(made[1:], key=lambda one: (one.created_at, one.id), reverse=True)
        assert found == newest


def test_what_teaches_a_role_is_counted_by_user(db: Database, now: datetime) -> None:
    with db.write() as tx:
        accept(tx, now - DAY, times=5, user="kim")
        accept(tx, now, times=1, user="kim")
        accept(tx, now, times=3, user="lee")
        accept(tx, now, times=2, user="lee", kind="score")
        accept(tx, now, times=4, user="lee", kind="thumb")
        accept(tx, now, times=6, user="kim", role="tutor")
        add(tx, now, user="kim", subject="waits")
        assert feedback.accepted(tx, now, role="guard") == {"kim": 1, "lee": 5}
        assert feedback.accepted(tx, now - DAY, role="guard") == {"kim": 6, "lee": 5}
        assert feedback.accepted(tx, now + DAY, role="guard") == {}


def test_a_source_is_erased_with_all_it_said(db: Database, now: datetime) -> None:
    with db.write() as tx:
        waits = add(tx, now, subject="digest", subject_kind="text")
        done = add(tx, now, role="tutor")
        feedback.decide(tx, done.id, "accepted", reviewer="lee", now=now, example="e1")
        other = add(tx, now, source=feedback.source_of("perspective", "lee"), user="lee")
        assert feedback.forget(tx, LABEL.source) == 2
        assert feedback.forget(tx, LABEL.source) == 0
        for id_ in (waits.id, done.id):
            gone = feedback.get(tx, id_)
            assert (gone.value, gone.state) == ({}, "forgotten")
        assert feedback.get(tx, waits.id).subject is None
        assert feedback.get(tx, done.id).subject == "d1"
        assert feedback.get(tx, other.id) == other
        assert feedback.counts(tx) == {"forgotten": 2, "waiting": 1}
        assert feedback.has(tx, LABEL.source)
        assert not feedback.has(tx, "feedback:api:nobody")
        with pytest.raises(Refused, match="is forgotten"):
            feedback.decide(tx, waits.id, "accepted", reviewer="lee", now=now)
