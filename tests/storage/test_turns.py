"""Whose turn it is, as a row; and how a holder tells that it is gone."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest

from sutdol.storage import turns
from sutdol.storage.database import Database


def nobody(holder: str) -> bool:
    return False


def take(db: Database, name: str, flow: str, now: datetime, *gone: str) -> str:
    with db.write() as tx:
        return turns.take(tx, name, flow, now, over=lambda holder: holder in gone)


def test_a_turn_is_free_until_it_is_taken(db: Database, now: datetime) -> None:
    with db.write() as tx:
        assert turns.holder(tx, "improve-guard") is None
        assert turns.take(tx, "improve-guard", "one", now, over=nobody) == "one"
        assert turns.holder(tx, "improve-guard") == "one"
        assert turns.holder(tx, "improve-tutor") is None


def test_only_who_is_over_can_be_followed(db: Database, now: datetime) -> None:
    assert take(db, "t", "one", now) == "one"
    assert take(db, "t", "two", now) == "one"
    assert take(db, "t", "two", now, "three") == "one"
    assert take(db, "t", "two", now, "one") == "two"
    assert take(db, "t", "one", now) == "two"


def test_whether_the_holder_is_over_is_asked_only_of_another(db: Database, now: datetime) -> None:
    asked: list[str] = []

    def over(holder: str) -> bool:
        asked.append(holder)
        return False

    with db.write() as tx:
        for flow in ("one", "one", "two"):
            turns.take(tx, "t", flow, now, over=over)
    assert asked == ["one"]


def test_a_turn_is_given_back_by_its_holder_alone(db: Database, now: datetime) -> None:
    take(db, "t", "one", now)
    for flow, left in (("two", "one"), ("one", None), ("one", None)):
        with db.write() as tx:
            turns.give_back(tx, "t", flow)
            assert turns.holder(tx, "t") == left


def test_one_of_many_who_ask_at_once_has_it(
    db: Database, database_url: str, tmp_path: Path, now: datetime
) -> None:
    ready = Barrier(4)

    def ask(number: int) -> str:
        with Database.open(database_url, tmp_path, wait=20) as mine:
            ready.wait()
            return take(mine, "t", f"flow-{number}", now)

    with ThreadPoolExecutor(4) as pool:
        held = set(pool.map(ask, range(4)))
    with db.read() as tx:
        assert held == {turns.holder(tx, "t")}


def test_a_flow_is_no_process() -> None:
    assert turns.is_process(turns.this_process())
    assert not turns.is_process("cycle-1a2b3c")
    assert not turns.is_dead_process("cycle-1a2b3c")


@pytest.mark.parametrize("thread", ["", "#3fa2b1"])
def test_a_process_of_this_machine_that_is_no_more_is_dead(thread: str) -> None:
    program = "from sutdol.storage import turns; print(turns.this_process())"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert turns.is_dead_process(ended.stdout.strip() + thread)
    assert not turns.is_dead_process(turns.this_process() + thread)


def test_a_living_process_of_another_user_is_not_dead() -> None:
    host = turns.this_process().split(":")[1]
    assert not turns.is_dead_process(f"process:{host}:1")


def test_of_a_process_on_another_machine_nobody_here_can_tell() -> None:
    assert not turns.is_dead_process("process:elsewhere:4194305#3f")


def test_a_process_of_another_machine_keeps_its_turn_for_an_hour(
    db: Database, now: datetime
) -> None:
    elsewhere = "process:another-machine:7#a1b2c3"
    assert take(db, "improve-guard", elsewhere, now) == elsewhere
    assert take(db, "improve-guard", "one", now + timedelta(minutes=59)) == elsewhere
    assert take(db, "improve-guard", "one", now + timedelta(minutes=61)) == "one"
