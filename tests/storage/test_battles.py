"""Battles, their rounds, and the event log."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError, StatementError

from sutdol.core.errors import UnknownName
from sutdol.storage import audit, battles, pages, snapshots
from sutdol.storage.audit import Event
from sutdol.storage.battles import NewBattle, Round
from sutdol.storage.database import Database


def test_battles_are_numbered_and_the_last_is_found(db: Database, now: datetime) -> None:
    with db.write() as tx:
        assert battles.last(tx) is None
        for seed in range(11):
            battles.start(tx, NewBattle(role="guard", seed=seed, settings={"texts": 3}), now)
        last = battles.last(tx)
        assert last == battles.get(tx, "11")
        assert (last.seed, last.settings, last.state) == (10, {"texts": 3}, "running")
        with pytest.raises(UnknownName, match="No battle"):
            battles.get(tx, "12")


def test_a_round_is_kept_once(db: Database, now: datetime) -> None:
    with db.write() as tx:
        id_ = battles.start(tx, NewBattle(role="guard", seed=1, settings={}), now).id
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


def test_how_battles_stand_is_told_without_their_rounds(db: Database, now: datetime) -> None:
    figure = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 80}
    with db.write() as tx:
        one, other, third = (
            battles.start(tx, NewBattle(role="guard", seed=1, settings={}), now).id
            for _ in range(3)
        )
        for battle, number, decision in (
            (one, 1, "promote"),
            (one, 2, None),
            (one, 10, "promote"),
            (other, 1, "reject"),
        ):
            body = {
                "seen": figure | {"n": number} if battle == one else None,
                "verdict": decision and {"decision": decision, "scores": "x" * 5000},
            }
            battles.add_round(
                tx, Round(battle=battle, number=number, body=body, timing={}, created_at=now)
            )
        found = battles.standings(tx, [one, other, third])
        assert battles.standings(tx, []) == {}

    assert set(found) == {one, other}
    assert (found[one].rounds, found[one].promotions) == (3, 2)
    assert (found[other].rounds, found[other].promotions) == (1, 0)
    assert found[one].figures["seen"] == figure | {"n": 10}
    assert found[one].figures["held_out"] is None
    assert found[other].figures["seen"] is None


def test_a_battle_changes_its_state(db: Database, now: datetime) -> None:
    with db.write() as tx:
        id_ = battles.start(tx, NewBattle(role="guard", seed=1, settings={}), now).id
        late = now + timedelta(seconds=9)
        battles.set_state(tx, id_, "interrupted", late)
        found = battles.get(tx, id_)
        assert (found.state, found.created_at, found.updated_at) == ("interrupted", now, late)
        with pytest.raises(UnknownName):
            battles.set_state(tx, "99", "done", late)


def test_what_becomes_of_a_flow_is_noted_with_its_battle_unless_that_is_done(
    db: Database, now: datetime
) -> None:
    late = now + timedelta(seconds=9)
    with db.write() as tx:
        id_ = battles.start(tx, NewBattle(role="guard", seed=1, settings={}, flow="one"), now).id
        battles.note(tx, "one", "cancelled", late)
        battles.note(tx, "other", "running", late)
        found = battles.get(tx, id_)
        assert (found.state, found.updated_at) == ("cancelled", late)
        battles.set_state(tx, id_, "done", late)
        battles.note(tx, "one", "running", late)
        assert battles.get(tx, id_).state == "done"


def test_battles_come_page_by_page_by_their_time(db: Database, now: datetime) -> None:
    new = NewBattle(role="guard", seed=1, settings={})
    with db.write() as tx:
        for second in (3, 1, 1, 2):  # as by a clock that was set back
            battles.start(tx, new, now + timedelta(seconds=second))
        first = battles.page(tx, limit=2)
        before = pages.cursor(first[1].created_at, first[1].id)
        rest = battles.page(tx, limit=9, before=before)
        assert [one.id for one in first + rest] == ["1", "4", "3", "2"]


def test_a_battle_is_found_by_the_flow_that_fights_it(
    db: Database, now: datetime, keep: Callable[..., list[str]]
) -> None:
    late = now + timedelta(seconds=9)
    with db.write() as tx:
        texts = snapshots.put(tx, "guard", keep(tx, "a", "b"), {}, now)
        new = NewBattle(
            role="guard", seed=1, settings={"texts": 3}, flow="one", texts=texts, data={"한": 2}
        )
        begun = battles.start(tx, new, now)
        battles.start(tx, NewBattle(role="guard", seed=2, settings={}, flow="other"), now)
        assert battles.of_flow(tx, "one") == begun
        assert (begun.texts, begun.data) == (texts, {"한": 2})
        battles.set_state(tx, begun.id, "interrupted", now)
        battles.go_on(tx, begun.id, "two", late)
        gone_on = battles.get(tx, begun.id)
        assert battles.of_flow(tx, "one") is None
        assert battles.of_flow(tx, "two") == gone_on
        assert (gone_on.state, gone_on.updated_at) == ("running", late)
        with pytest.raises(UnknownName):
            battles.go_on(tx, "99", "three", late)
    with pytest.raises(IntegrityError), db.write() as tx:  # a flow fights one battle
        battles.go_on(tx, "1", "other", late)


def test_numbers_that_are_not_json_are_refused(db: Database, now: datetime) -> None:
    with pytest.raises((StatementError, ValueError), match="JSON"), db.write() as tx:
        battles.start(tx, NewBattle(role="guard", seed=1, settings={"p": float("nan")}), now)


def test_the_event_log_shows_the_newest_first(db: Database, now: datetime) -> None:
    events = [
        Event(actor="me", action="forget", subject=str(n), body={"n": n}, created_at=now)
        for n in range(3)
    ]
    with db.write() as tx:
        for event in events:
            audit.add(tx, event)
        assert audit.events(tx, limit=2) == [events[2], events[1]]
