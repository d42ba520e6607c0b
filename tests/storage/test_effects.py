"""Effects: what a step did is kept with the deed, or neither is."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import StatementError
from tests.storage.processes import finish, start

from sutdol.core.errors import BadInput
from sutdol.storage import audit, effects
from sutdol.storage.audit import Event
from sutdol.storage.database import Database
from sutdol.storage.effects import Body


@pytest.fixture
def deed(now: datetime) -> Callable[[Connection], Body]:
    """Leaves a row in the log each time it is done, and tells how many there are."""

    def done(tx: Connection) -> Body:
        audit.add(tx, Event(actor="me", action="deed", subject="x", body={}, created_at=now))
        return {"times": len(audit.events(tx, limit=9)), "한국어": None}

    return done


def done_times(db: Database) -> int:
    with db.read() as tx:
        return len(audit.events(tx, limit=9))


def test_a_step_is_done_once_and_answers_alike(
    db: Database, now: datetime, deed: Callable[[Connection], Body]
) -> None:
    late = now + timedelta(seconds=9)
    first, again = (effects.once(db, "flow", "step", at, deed) for at in (now, late))
    assert again == first == {"times": 1, "한국어": None}
    assert done_times(db) == 1
    with db.read() as tx:
        assert effects.find(tx, "flow", "step") == first
        assert effects.done_at(tx, "flow", "step") == now


def test_each_step_of_each_flow_is_one_of_its_own(
    db: Database, now: datetime, deed: Callable[[Connection], Body]
) -> None:
    keys = [("flow", "1"), ("flow", "2"), ("flow.1", "1"), ("flow.1", "2")]
    assert [effects.once(db, *key, now, deed)["times"] for key in keys] == [1, 2, 3, 4]


def test_what_was_never_done_is_not_found(db: Database) -> None:
    with db.read() as tx:
        assert effects.find(tx, "flow", "step") is None
        assert effects.done_at(tx, "flow", "step") is None


def test_a_deed_that_fails_leaves_nothing_and_may_be_tried_again(
    db: Database, now: datetime, deed: Callable[[Connection], Body]
) -> None:
    def broken(tx: Connection) -> Body:
        deed(tx)
        raise BadInput("half way")

    with pytest.raises(BadInput, match="half way"):
        effects.once(db, "flow", "step", now, broken)
    assert done_times(db) == 0
    assert effects.once(db, "flow", "step", now, deed)["times"] == 1


def test_an_answer_that_is_no_json_takes_the_deed_with_it(
    db: Database, now: datetime, deed: Callable[[Connection], Body]
) -> None:
    def odd(tx: Connection) -> Body:
        return {**deed(tx), "value": float("nan")}

    with pytest.raises((StatementError, ValueError), match="JSON"):
        effects.once(db, "flow", "step", now, odd)
    assert done_times(db) == 0


def test_two_who_do_it_at_once_do_it_once(
    db: Database, database_url: str, tmp_path: Path, now: datetime,
    deed: Callable[[Connection], Body],
) -> None:  # fmt: skip
    ready = Barrier(4)

    def does(_: int) -> Body:
        with Database.open(database_url, tmp_path, wait=20) as mine:
            ready.wait()
            return effects.once(mine, "flow", "step", now, deed)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(does, range(4)))
    assert answers == [{"times": 1, "한국어": None}] * 4
    assert done_times(db) == 1


KILLED = """
import signal
from sutdol.storage import audit, effects
from sutdol.storage.audit import Event
def deed(tx):
    audit.add(tx, Event(actor="me", action="deed", subject="x", body={}, created_at=now))
    if sys.argv[3] == "during":
        os.kill(os.getpid(), signal.SIGKILL)
    return {"times": 1}
with Database.open(url, home) as db:
    print(effects.once(db, "flow", "step", now, deed)["times"], flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("when", "before"), [("during", 0), ("after", 1)])
def test_a_kill_leaves_deed_and_effect_or_neither(
    db: Database, database_url: str, tmp_path: Path, now: datetime,
    deed: Callable[[Connection], Body], when: str, before: int,
) -> None:  # fmt: skip
    killed = start(KILLED, database_url, tmp_path, when)
    killed.communicate(timeout=60)
    assert killed.returncode < 0
    assert done_times(db) == before
    assert effects.once(db, "flow", "step", now, deed)["times"] == 1
    assert done_times(db) == 1


def test_another_process_finds_it_done(
    db: Database, database_url: str, tmp_path: Path, now: datetime,
    deed: Callable[[Connection], Body],
) -> None:  # fmt: skip
    effects.once(db, "flow", "step", now, deed)
    script = """
from sutdol.storage import effects
with Database.open(url, home) as db:
    print(effects.once(db, "flow", "step", now, None))
"""
    assert finish(start(script, database_url, tmp_path)) == "{'times': 1, '한국어': None}\n"
