"""Battles, their rounds, and the event log."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError, StatementError

from sutdol.core.errors import UnknownName
from sutdol.storage import audit, battles
from sutdol.storage.audit import Event
from sutdol.storage.battles import Round
from sutdol.storage.database import Database


def test_battles_are_numbered_and_the_last_is_found(db: Database, now: datetime) -> None:
    with db.write() as tx:
        assert battles.last(tx) is None
        for seed in range(11):
            battles.start(tx, "guard", seed=seed, settings={"texts": 3}, now=now)
        last = battles.last(tx)
        assert last == battles.get(tx, "11")
        assert (last.seed, last.settings, last.state) == (10, {"texts": 3}, "running")
        with pytest.raises(UnknownName, match="No battle"):
            battles.get(tx, "12")


def test_a_round_is_kept_once(db: Database, now: datetime) -> None:
    with db.write() as tx:
        id_ = battles.start(tx, "guard", seed=1, settings={}, now=now).id
        late = now + timedelta(seconds=9)
        second = Round(battle=id_, number=2, body={"a": 1}, timing={"s": 3.5}, created_at=late)
        first = Round(battle=id_, number=1, body={}, timing={}, created_at=now)
        assert battles.add_round(tx, second) == second
        assert battles.add_round(tx, first) == first
        again = Round(battle=id_, number=2, body={"a": 2}, timing={}, created_at=now)
        assert battles.add_round(tx, again) == second
        assert battles.rounds(tx, id_) == [first, second]
    lost = Round(battle="99", number=1, body={}, timing={}, created_at=now)
    with pytest.raises(IntegrityError), db.write() as tx:
        battles.add_round(tx, lost)


def test_a_battle_changes_its_state(db: Database, now: datetime) -> None:
    with db.write() as tx:
        id_ = battles.start(tx, "guard", seed=1, settings={}, now=now).id
        late = now + timedelta(seconds=9)
        battles.set_state(tx, id_, "interrupted", late)
        found = battles.get(tx, id_)
        assert (found.state, found.created_at, found.updated_at) == ("interrupted", now, late)
        with pytest.raises(UnknownName):
            battles.set_state(tx, "99", "done", late)


def test_numbers_that_are_not_json_are_refused(db: Database, now: datetime) -> None:
    with pytest.raises((StatementError, ValueError), match="JSON"), db.write() as tx:
        battles.start(tx, "guard", seed=1, settings={"p": float("nan")}, now=now)


def test_the_event_log_shows_the_newest_first(db: Database, now: datetime) -> None:
    events = [
        Event(actor="me", action="forget", subject=str(n), body={"n": n}, created_at=now)
        for n in range(3)
    ]
    with db.write() as tx:
        for event in events:
            audit.add(tx, event)
        assert audit.events(tx, limit=2) == [events[2], events[1]]
