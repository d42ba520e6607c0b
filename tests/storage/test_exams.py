"""Exams: drawn from the hold-out, charged by looks, given to training when they are over."""

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import Connection

from sutdol.core.errors import Refused, UnknownName, UsageError
from sutdol.core.types import Part
from sutdol.storage import examples, exams, looks, parts
from sutdol.storage.database import Database
from sutdol.storage.looks import Look, NewLook


def charge(tx: Connection, exam: str, key: str, now: datetime) -> Look:
    look = NewLook(key=key, champion=None, challenger="guard-v1", purpose="gate", exam=exam)
    return looks.charge(tx, "guard", look, alpha=lambda _: 0.01, now=now)


def test_an_exam_lives_until_it_is_retired(
    db: Database, keep: Callable[..., list[str]], now: datetime
) -> None:
    with db.write() as tx:
        ids = keep(tx, "a", "b", part="hold_out")
        assert exams.current(tx, "guard") is None
        exam = exams.open_exam(tx, "guard", ids, now)
        assert exams.current(tx, "guard") == exam
        assert (exam.id, exam.state, exam.looks) == ("guard-exam-1", "open", 0)
        assert [one.id for one in exams.cases(tx, exam.id)] == sorted(ids)
        with pytest.raises(Refused, match="retire it first"):
            exams.open_exam(tx, "guard", ids, now)
        exams.retire(tx, exam.id, why="20 looks", now=now)
        old = exams.get(tx, exam.id)
        assert (old.state, old.why, old.retired_at) == ("retired", "20 looks", now)
        assert exams.current(tx, "guard") is None
        with pytest.raises(Refused, match="is retired"):
            exams.retire(tx, exam.id, why="again", now=now)
        assert len(exams.cases(tx, exam.id)) == 2
        new = exams.open_exam(tx, "guard", keep(tx, "c", part="hold_out"), now)
        assert new.id == "guard-exam-2"


def test_a_look_is_charged_to_its_exam_once(
    db: Database, keep: Callable[..., list[str]], now: datetime
) -> None:
    with db.write() as tx:
        exam = exams.open_exam(tx, "guard", keep(tx, "a", part="hold_out"), now)
        first = charge(tx, exam.id, "k1", now)
        charge(tx, exam.id, "k1", now)
        charge(tx, exam.id, "k2", now)
        assert exams.get(tx, exam.id).looks == 2
        exams.retire(tx, exam.id, why="promotion", now=now)
        assert charge(tx, exam.id, "k1", now) == first
        with pytest.raises(Refused, match="draw a new exam"):
            charge(tx, exam.id, "k3", now)
        with pytest.raises(UnknownName, match="No exam"):
            charge(tx, "guard-exam-9", "k4", now)


def test_only_living_hold_out_texts_are_asked(
    db: Database, keep: Callable[..., list[str]], now: datetime
) -> None:
    with db.write() as tx:
        good, bad = keep(tx, "a", part="hold_out"), keep(tx, "b", part="train")
        with pytest.raises(UsageError, match="1 of the 2"):
            exams.open_exam(tx, "guard", [*good, *bad], now)
        with pytest.raises(UsageError):
            exams.open_exam(tx, "guard", [], now)
        with pytest.raises(UsageError):
            exams.open_exam(tx, "retriever", good, now)


def test_a_retired_exam_goes_to_training_by_whole_groups(
    db: Database, keep: Callable[..., list[str]], now: datetime
) -> None:
    def choose(group: str) -> Part:
        return "hold_out"

    with db.write() as tx:
        asked = keep(tx, "a", group="g", part="hold_out")
        keep(tx, "@", group="g", part="hold_out", kind="evasion")
        keep(tx, "b", group="h", part="hold_out")
        exam = exams.open_exam(tx, "guard", asked, now)
        exams.retire(tx, exam.id, why="promotion", now=now)
        assert [e.input for e in examples.find(tx, "guard", part="hold_out")] == ["b"]
        assert len(examples.find(tx, "guard", part="train")) == 2
        found = parts.assign(tx, "guard", ["g", "h"], choose)
        assert found == {"g": "train", "h": "hold_out"}


def test_a_forgotten_text_is_asked_no_more(
    db: Database, keep: Callable[..., list[str]], now: datetime
) -> None:
    with db.write() as tx:
        mine = keep(tx, "a", part="hold_out", source="feedback:me")
        exam = exams.open_exam(tx, "guard", mine + keep(tx, "b", part="hold_out"), now)
        examples.forget(tx, "guard", "feedback:me", now)
        assert [one.input for one in exams.cases(tx, exam.id)] == ["b"]
        assert exams.size(tx, exam.id) == 1
