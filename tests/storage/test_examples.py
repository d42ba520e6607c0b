"""Examples: kept once, split by group for ever, forgotten for good."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text as sql
from sqlalchemy.exc import StatementError
from tests.databases import on_sqlite

from sutdol.core.types import Example, Part
from sutdol.storage import examples, parts, suite
from sutdol.storage.database import Database
from sutdol.storage.suite import SuiteItem


def test_the_same_example_is_kept_once(
    db: Database, text: Callable[..., Example], now: datetime
) -> None:
    one, two = text("안녕"), text("b")
    with db.write() as tx:
        assert examples.add(tx, "guard", [one, two, one], kind="data", reviewed=False, now=now) == 2
        assert examples.add(tx, "guard", [two], kind="data", reviewed=True, now=now) == 0
        assert examples.add(tx, "guard", [two], kind="twin", reviewed=True, now=now) == 1
        assert examples.add(tx, "rag", [two], kind="data", reviewed=True, now=now) == 1
        other = replace(two, source="feedback:web")
        assert examples.add(tx, "guard", [other], kind="feedback", reviewed=True, now=now) == 1
        assert examples.count(tx, "guard") == 4


def test_a_label_becomes_reviewed_when_somebody_vouches_for_it_and_stays_so(
    db: Database, text: Callable[..., Example], now: datetime
) -> None:
    one, two = text("one"), text("two")
    with db.write() as tx:
        examples.add(tx, "guard", [one, two], kind="feedback", reviewed=False, now=now)
        assert examples.add(tx, "guard", [two], kind="feedback", reviewed=True, now=now) == 0
        examples.add(tx, "guard", [two], kind="feedback", reviewed=False, now=now)
        assert [each.input for each in examples.find(tx, "guard", reviewed=True)] == ["two"]


def test_what_goes_in_comes_out(db: Database, text: Callable[..., Example], now: datetime) -> None:
    one = replace(text("욕\u200d설 😀", target="hate", part="dev"), meta={"attack": "zero_width"})
    with db.write() as tx:
        examples.add(tx, "guard", [one], kind="evasion", reviewed=False, now=now)
        (found,) = examples.find(tx, "guard")
    assert found.id == examples.identity("guard", "evasion", one)
    assert (found.kind, found.reviewed) == ("evasion", False)
    for name in ("input", "target", "lang", "source", "group", "part", "meta"):
        assert getattr(found, name) == getattr(one, name)


def test_thousands_go_in_and_out_in_the_order_of_their_hashes(
    db: Database, text: Callable[..., Example], now: datetime
) -> None:
    many = (text(str(number)) for number in range(2500))
    with db.write() as tx:
        assert examples.add(tx, "guard", many, kind="data", reviewed=True, now=now) == 2500
        ids = [one.id for one in examples.find(tx, "guard")]
    assert len(ids) == 2500
    assert ids == sorted(ids)


def test_examples_are_found_by_what_they_are(
    db: Database, text: Callable[..., Example], now: datetime
) -> None:
    with db.write() as tx:
        for message, kind, reviewed, part, source in [
            ("a", "data", True, "train", "import:x"),
            ("b", "evasion", False, "train", "battle:1/1"),
            ("c", "twin", False, "hold_out", "battle:1/1"),
        ]:
            one = text(message, part=part, source=source)
            examples.add(tx, "guard", [one], kind=kind, reviewed=reviewed, now=now)  # type: ignore[arg-type]  # a literal in a tuple

        def found(**how: object) -> str:
            return "".join(sorted(e.input for e in examples.find(tx, "guard", **how)))  # type: ignore[arg-type]  # any filter

        assert found() == "abc"
        assert found(part="train") == "ab"
        assert found(kinds=["evasion", "twin"]) == "bc"
        assert found(reviewed=True) == "a"
        assert found(sources=["battle:1/1"], part="train") == "b"
        assert found(sources=[]) == ""
        assert examples.find(tx, "rag") == []


def test_a_later_example_of_a_group_follows_the_first(
    db: Database, text: Callable[..., Example], now: datetime
) -> None:
    with db.write() as tx:
        first, later = text("a", group="g", part="hold_out"), text("b", group="g", part="train")
        for one in (first, later):
            examples.add(tx, "guard", [one], kind="data", reviewed=True, now=now)
        assert {one.part for one in examples.find(tx, "guard")} == {"hold_out"}


def test_groups_in_one_call_follow_the_first_too(
    db: Database, text: Callable[..., Example], now: datetime
) -> None:
    pair = text("a", group="g", part="dev"), text("b", group="g", part="train")
    with db.write() as tx:
        examples.add(tx, "guard", pair, kind="data", reviewed=True, now=now)
        assert {one.part for one in examples.find(tx, "guard")} == {"dev"}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(calls=st.lists(st.lists(st.tuples(st.text(max_size=3), st.sampled_from(["train", "dev"])))))
def test_a_part_once_assigned_never_changes(
    db: Database, calls: list[list[tuple[str, Part]]]
) -> None:
    first: dict[str, Part] = {}
    with db.write() as tx:
        tx.execute(sql("DELETE FROM group_part"))
        for call in calls:
            choice = dict(reversed(call))
            got = parts.assign(tx, "guard", [group for group, _ in call], choice.__getitem__)
            first = choice | first
            assert got == {group: first[group] for group, _ in call}


def test_the_choice_is_asked_for_new_groups_only(db: Database) -> None:
    asked: list[str] = []

    def choose(group: str) -> Part:
        asked.append(group)
        return "dev"

    with db.write() as tx:
        parts.assign(tx, "guard", ["a", "b"], choose)
        parts.assign(tx, "guard", ["b", "c", "c"], choose)
        parts.assign(tx, "rag", ["a"], choose)
    assert asked == ["a", "b", "c", "a"]


def test_forgetting_erases_text_and_keeps_the_hash(
    db: Database, text: Callable[..., Example], now: datetime
) -> None:
    mine = replace(text("my secret words", source="feedback:me"), meta={"note": "secret too"})
    yours = text("your words", source="feedback:you")
    with db.write() as tx:
        examples.add(tx, "guard", [mine, yours], kind="feedback", reviewed=True, now=now)
        forgotten = examples.forget(tx, "guard", "feedback:me", now)
        assert forgotten == [examples.identity("guard", "feedback", mine)]
        assert [one.input for one in examples.find(tx, "guard")] == ["your words"]
        assert examples.count(tx, "guard") == 1
        assert tx.scalar(sql("SELECT count(*) FROM example")) == 2
        assert examples.forget(tx, "guard", "feedback:me", now) == []


@on_sqlite
def test_nothing_forgotten_is_left_in_the_file(
    db: Database, text: Callable[..., Example], now: datetime
) -> None:
    """Not in free pages either, nor in the key of the group."""
    secret = [text(f"whispered {number} " * 40, source="feedback:me") for number in range(50)]
    with db.write() as tx:
        examples.add(tx, "guard", secret, kind="feedback", reviewed=True, now=now)
    path = Path(db.where)
    with db.write() as tx:
        examples.forget(tx, "guard", "feedback:me", now)
    db.close()
    assert b"whispered" not in path.read_bytes()


def test_the_forgotten_do_not_come_back(
    db: Database, text: Callable[..., Example], now: datetime
) -> None:
    one = text("a", source="feedback:me", part="hold_out")
    with db.write() as tx:
        examples.add(tx, "guard", [one], kind="feedback", reviewed=True, now=now)
        examples.forget(tx, "guard", "feedback:me", now)
        assert examples.add(tx, "guard", [one], kind="feedback", reviewed=True, now=now) == 0
        assert examples.find(tx, "guard") == []
        # Its group keeps its part, so that a text once in the exam is not trained on later.
        again = replace(one, source="feedback:you", part="train")
        examples.add(tx, "guard", [again], kind="feedback", reviewed=True, now=now)
        assert [one.part for one in examples.find(tx, "guard")] == ["hold_out"]


def test_disguises_are_forgotten_with_the_last_who_said_it(
    db: Database, keep: Callable[..., list[str]], now: datetime
) -> None:
    with db.write() as tx:
        (mine,) = keep(tx, "a", group="g", source="feedback:me", kind="feedback")
        (yours,) = keep(tx, "a", group="g", source="feedback:you", kind="feedback")
        (evasion,) = keep(tx, "@", group="g", source="battle:1/1", kind="evasion")
        keep(tx, "!", group="h", source="battle:1/1", kind="evasion")
        assert examples.forget(tx, "guard", "feedback:me", now) == [mine]
        assert examples.forget(tx, "guard", "feedback:you", now) == sorted([yours, evasion])
        assert [one.input for one in examples.find(tx, "guard")] == ["!"]


def test_forgetting_takes_items_out_of_the_suite(
    db: Database,
    keep: Callable[..., list[str]],
    train: Callable[..., str],
    now: datetime,
) -> None:
    with db.write() as tx:
        (id_,) = keep(tx, "a", source="battle:1/1", kind="evasion")
        key = suite.key("guard", "a", "leet", 1)
        item = SuiteItem(
            key=key, role="guard", example=id_, attack="leet", seed=1, fixed_by=train(tx)
        )
        suite.add(tx, item)
        examples.forget(tx, "guard", "battle:1/1", now)
        assert suite.items(tx, "guard") == []
        (tombstone,) = suite.items(tx, "guard", removed=True)
    assert (tombstone.removed_why, tombstone.removed_at) == ("forgotten", now)


def test_times_are_kept_in_utc_and_need_a_zone(
    db: Database, text: Callable[..., Example], now: datetime
) -> None:
    seoul = now.astimezone(timezone(timedelta(hours=9)))
    with db.write() as tx:
        examples.add(tx, "guard", [text("a")], kind="data", reviewed=True, now=seoul)
        assert tx.scalar(sql("SELECT created_at FROM example")) == (
            "2026-01-02T03:04:05.000000+00:00"
        )
    bare = now.replace(tzinfo=None)
    with pytest.raises(StatementError, match="time zone"), db.write() as tx:
        examples.add(tx, "guard", [text("b")], kind="data", reviewed=True, now=bare)
