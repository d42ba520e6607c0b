"""The writer: nobody waits, nothing is lost or doubled, and one bad row stops no other."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import delete, func, insert, select, update
from tests.redis_server import until
from tests.storage.processes import finish, heard, start
from tests.storage.writing import PROGRAM, Moody, row, steps

from sutdol.core.errors import BadInput, Busy, Unavailable
from sutdol.storage.database import Database
from sutdol.storage.tables import battle, effect, snapshot_row
from sutdol.storage.writer import Change, Row, Writer

LATER = 60.0  # no batch of a test is due by time before this

Open = Callable[..., Writer]


@pytest.fixture
def told() -> list[str]:
    """What was said to whoever runs the server."""
    return []


@pytest.fixture
def open_(told: list[str]) -> Iterator[Open]:
    """`open_(db, wait=..)` is a writer that is closed at the end."""
    made: list[Writer] = []

    def make(db: Database, **options: float) -> Writer:
        made.append(Writer(db, warn=told.append, **options))  # type: ignore[arg-type]  # numbers
        return made[-1]

    yield make
    for one in made:
        one.close(patience=0.5)


@pytest.fixture
def moody(database_url: str) -> Iterator[Moody]:
    with closing(Moody.at(database_url)) as one:
        yield one


def as_text(numbers: range) -> list[str]:
    return [str(number) for number in numbers]


def change(step: object, body: object) -> Change:
    return Change(statement=update(effect).where(effect.c.step == str(step)).values(body=body))


def test_what_was_put_is_written_soon_and_nobody_waited(db: Database, open_: Open) -> None:
    writer = open_(db)
    assert writer.put([row(1), row(2)])
    assert writer.put([])
    until(lambda: writer.waiting == 0)
    assert steps(db) == ["1", "2"]
    assert (writer.written, writer.batches, writer.failures, writer.dropped) == (2, 1, 0, 0)


def test_everything_happens_in_the_order_in_which_it_was_put(db: Database, open_: Open) -> None:
    writer = open_(db, wait=LATER)
    writer.put([row("a", body={"n": 1}), row("b")])
    writer.put(
        [change("a", {"n": 2}), Change(statement=delete(effect).where(effect.c.step == "b"))]
    )
    writer.put([change("c", {"n": 9}), row("c", body={"n": 3}), change("a", {"n": 4})])
    writer.put([row("b", body={"n": 5})])
    writer.flush()
    assert writer.batches == 1
    with db.read() as tx:
        found = tx.execute(select(effect.c.step, effect.c.body).order_by(effect.c.step)).all()
    assert [tuple(one) for one in found] == [("a", {"n": 4}), ("b", {"n": 5}), ("c", {"n": 3})]


def test_neighbours_whose_columns_differ_do_not_lend_each_other_theirs(
    db: Database, open_: Open
) -> None:
    writer = open_(db, wait=LATER)
    turned = dict(sorted(row(2).values.items(), reverse=True))
    bare = {name: value for name, value in row(3).values.items() if name != "created_at"}
    writer.put([row(1), Row(table=effect, values=turned)])
    writer.put([Row(table=effect, values=bare)])
    writer.flush()
    assert steps(db) == ["1", "2"]
    assert (writer.written, writer.dropped) == (2, 1)


def test_what_was_put_together_is_committed_together(db: Database, open_: Open) -> None:
    writer = open_(db, batch=3, wait=0)
    seen: set[int] = set()

    def look() -> None:
        while writer.written < 200:
            seen.add(len(steps(db)))

    looking = Thread(target=look)
    looking.start()
    for group in range(20):
        writer.put([row(10 * group + number) for number in range(10)])
        time.sleep(0.002)
    looking.join()
    assert {number % 10 for number in seen} == {0}


def test_a_batch_is_written_when_its_time_has_come(db: Database, open_: Open) -> None:
    writer = open_(db, wait=0.2)
    start_ = time.monotonic()
    for number in range(5):
        writer.put([row(number)])
    time.sleep(0.05)
    assert writer.written == 0 or time.monotonic() - start_ >= 0.2
    until(lambda: writer.written == 5)
    assert time.monotonic() - start_ >= 0.2
    assert writer.batches == 1


def test_a_batch_is_written_when_it_is_large_enough(db: Database, open_: Open) -> None:
    writer = open_(db, wait=LATER, batch=6)
    for number in range(5):
        writer.put([row(number)])
    time.sleep(0.1)
    assert (writer.written, writer.waiting) == (0, 5)
    writer.put([row(5), row(6)])
    until(lambda: writer.written == 7)
    assert writer.batches == 1


def test_one_that_is_behind_says_so_and_catches_up_in_larger_batches(
    db: Database, open_: Open
) -> None:
    writer = open_(db, wait=0, batch=10, most=200)
    with db.write():
        writer.put([row("first")])
        time.sleep(0.1)  # it waits with this one
        for number in range(99):
            writer.put([row(number)])
        assert not writer.behind
        writer.put([row(99)])
        assert writer.behind
    until(lambda: writer.waiting == 0)
    assert not writer.behind
    assert (writer.written, writer.batches) == (101, 2)


def test_one_whose_database_is_away_is_not_waited_for(moody: Moody, open_: Open) -> None:
    writer = open_(moody, wait=0, most=2)
    moody.before = 1_000
    writer.put([row(1), row(2)])
    until(lambda: writer.failures > 0)
    until(lambda: not writer.behind)
    moody.before = 0


def test_a_full_queue_keeps_nothing_and_the_caller_writes_inline(db: Database, open_: Open) -> None:
    writer = open_(db, most=10)
    with db.write():
        assert all(writer.put([row(2 * number), row(2 * number + 1)]) for number in range(5))
        until(lambda: not writer.put([row(100)]))
        assert not writer.put([row(101)])
        assert writer.waiting == 10
    writer.write_through([row(200), change(9, {"n": 1})])
    assert steps(db) == [*as_text(range(10)), "200"]
    with db.read() as tx:
        assert tx.scalar(select(effect.c.body).where(effect.c.step == "9")) == {"n": 1}
    assert writer.written == 12
    assert writer.put([row(300)])


def test_a_group_larger_than_the_queue_is_for_the_caller(db: Database, open_: Open) -> None:
    writer = open_(db, most=10)
    assert not writer.put([row(number) for number in range(11)])
    writer.write_through([row(number) for number in range(11)])
    assert len(steps(db)) == 11


def test_a_queue_that_holds_too_much_text_keeps_nothing_more(db: Database, open_: Open) -> None:
    writer = open_(db, wait=LATER, heaviest=1_000)
    picture = {"content": [{"image_url": {"url": "x" * 300}}, {"text": "y" * 200}]}
    with db.write():
        assert writer.put([row(1, body=picture)])
        assert writer.put([row(2, body={"text": "z" * 400})])
        assert not writer.put([row(3, body={"text": "z" * 200})])
        assert writer.put([row(4)])
    writer.flush()
    assert steps(db) == ["1", "2", "4"]
    assert writer.put([row(3, body={"text": "z" * 900})])


def test_whoever_writes_inline_hears_what_is_wrong(db: Database, open_: Open) -> None:
    writer = open_(db)
    with pytest.raises(BadInput, match="NUL"):
        writer.write_through([row(1), row("a\x00")])
    assert steps(db) == []
    assert (writer.written, writer.dropped) == (0, 2)


def test_while_the_database_is_away_nobody_waits_to_write_inline(moody: Moody, open_: Open) -> None:
    writer = open_(moody, wait=0)
    moody.before = 1_000
    writer.put([row(1)])
    until(lambda: writer.failures > 0)
    start_ = time.monotonic()
    for _ in range(20):
        with pytest.raises(Busy, match="cannot be written to just now: try again"):
            writer.write_through([row(2), row(3)])
    assert time.monotonic() - start_ < 1
    assert (writer.waiting, writer.dropped) == (1, 40)
    moody.before = 0
    writer.flush()
    writer.write_through([row(4)])
    assert steps(moody) == ["1", "4"]


def test_a_database_that_only_refuses_a_row_is_not_away(
    moody: Moody, open_: Open, now: datetime
) -> None:
    writer = open_(moody, wait=0)
    moody.before = 1
    writer.put([bad("nul", now)])
    writer.flush()
    writer.write_through([row(1)])
    assert steps(moody) == ["1"]


def test_rows_that_could_not_be_written_inline_are_counted(moody: Moody, open_: Open) -> None:
    writer = open_(moody)
    moody.after = 1
    with pytest.raises(Unavailable):
        writer.write_through([row(1)])
    assert writer.dropped == 1


def test_a_lock_held_by_another_process_loses_nothing(
    database_url: str, tmp_path: Path, open_: Open, told: list[str]
) -> None:
    script = """
from sutdol.storage.tables import effect
with Database.found(url) as db, db.write() as tx:
    tx.execute(effect.delete())
    print("held", flush=True)
    time.sleep(1)
"""
    with Database.open(database_url, tmp_path, wait=0.2) as db:
        writer = open_(db)
        rival = start(script, database_url, tmp_path)
        assert heard(rival) == "held\n"
        for number in range(50):
            assert writer.put([row(number)])
            time.sleep(0.01)
        with pytest.raises(Busy, match="50 rows still wait to be written to"):
            writer.flush(timeout=0.01)
        finish(rival)
        writer.flush()
        assert steps(db) == as_text(range(50))
    assert writer.failures > 0
    assert len(told) == 1
    assert "rows wait to be written. Another process is writing to" in told[0]


def test_a_database_that_goes_away_is_said_once_each_time(
    moody: Moody, open_: Open, told: list[str]
) -> None:
    writer = open_(moody, wait=0)
    for outage in range(2):
        moody.before = 2
        writer.put([row(outage)])
        writer.flush()
    assert steps(moody) == ["0", "1"]
    assert told == ["1 rows wait to be written. The server is gone: start it."] * 2
    assert (writer.failures, writer.dropped) == (4, 0)


def test_tries_come_at_growing_distances(moody: Moody, open_: Open) -> None:
    moody.before = 3
    writer = open_(moody, wait=0)
    start_ = time.monotonic()
    writer.put([row(1)])
    writer.flush()
    assert 0.7 <= time.monotonic() - start_ < 5  # 0.1, 0.2 and 0.4 seconds


def test_a_commit_that_nobody_heard_of_is_not_doubled(moody: Moody, open_: Open) -> None:
    writer = open_(moody, wait=LATER)
    moody.after = 1
    writer.put([row(1), row(2)])
    writer.put([change(1, {"n": 1}), row(3)])
    writer.flush()
    assert steps(moody) == ["1", "2", "3"]
    assert (writer.written, writer.failures, writer.dropped) == (4, 1, 0)


def bad(step: str, now: datetime) -> Row:
    """A row that both databases or our types refuse."""
    return {
        "nul": row("x\x00x"),
        "long": row("x" * 65),
        "empty": row("x", created_at=None),
        "zone": row("x", created_at=now.replace(tzinfo=None)),
        "orphan": Row(table=snapshot_row, values={"snapshot": "secret", "example": "secret"}),
        "column": row("x", colour="secret"),
        "key": Row(table=effect, values={"flow": "x", "body": {}, "created_at": now}),
        "type": row("x", body={"secret": object()}),
    }[step]


@pytest.mark.parametrize(
    "kind", ["nul", "long", "empty", "zone", "orphan", "column", "key", "type"]
)
def test_a_bad_row_goes_alone_with_what_was_put_with_it(
    db: Database, open_: Open, told: list[str], kind: str, now: datetime
) -> None:
    writer = open_(db, wait=LATER)
    for number in range(7):
        writer.put([row(number), row(f"{number}b", flow="g")])
        if number == 3:
            writer.put([row("secret"), bad(kind, now)])
    writer.flush()
    assert steps(db) == as_text(range(7))
    assert len(steps(db, "g")) == 7
    assert (writer.written, writer.dropped, writer.waiting) == (14, 2, 0)
    assert len(told) == 1
    assert told[0].startswith("2 rows of effect")
    assert "secret" not in told[0]
    assert "x" not in told[0].replace("example", "")


def test_a_change_that_is_refused_names_its_table(
    db: Database, open_: Open, told: list[str]
) -> None:
    writer = open_(db, wait=LATER)
    writer.put([row(1)])
    writer.put([Change(statement=update(effect).values(created_at=None))])
    writer.put([row(2)])
    writer.flush()
    assert steps(db) == ["1", "2"]
    assert told == ["1 rows of effect were refused and dropped (IntegrityError)."]


def test_two_that_clash_elsewhere_than_in_their_key_are_told(
    db: Database, open_: Open, told: list[str], now: datetime
) -> None:
    values = {"role": "guard", "seed": 1, "settings": {}, "state": "running", "data": {}}
    values |= {"flow": "the same", "created_at": now, "updated_at": now}
    writer = open_(db, wait=LATER)
    for id_ in ("1", "2", "1"):
        writer.put([Row(table=battle, values=values | {"id": id_})])
    writer.flush()
    with db.read() as tx:
        assert tx.scalar(select(func.count()).select_from(battle)) == 1
    assert told == ["1 rows of battle were refused and dropped (IntegrityError)."]


def test_a_database_that_goes_away_while_a_bad_row_is_sought_loses_no_other(
    moody: Moody, open_: Open, now: datetime
) -> None:
    writer = open_(moody, wait=LATER)
    for number in range(8):
        writer.put([row(number)] if number != 5 else [bad("nul", now)])
    moody.after = 3
    writer.flush()
    assert steps(moody) == ["0", "1", "2", "3", "4", "6", "7"]
    assert (writer.written, writer.dropped) == (7, 1)


def test_a_log_that_fails_does_not_end_the_thread(db: Database, now: datetime) -> None:
    def fails(sentence: str) -> None:
        raise RuntimeError(sentence)

    writer = Writer(db, warn=fails)
    writer.put([bad("nul", now)])
    writer.flush()
    writer.put([row(1)])
    writer.close()
    assert steps(db) == ["1"]


def test_closing_writes_what_waits(db: Database, open_: Open, told: list[str]) -> None:
    writer = open_(db, wait=LATER)
    for number in range(500):
        writer.put([row(number)])
    writer.close()
    writer.close()
    assert len(steps(db)) == 500
    assert told == []
    assert not writer.put([row(1_000)])
    writer.write_through([row(1_000)])
    assert len(steps(db)) == 501


def test_closing_without_a_database_says_how_many_rows_are_lost(
    moody: Moody, open_: Open, told: list[str]
) -> None:
    writer = open_(moody, wait=0)
    moody.before = 1_000
    for number in range(250):
        writer.put([row(number)])
    until(lambda: writer.failures > 2)
    start_ = time.monotonic()
    writer.close(patience=0.3)
    writer.close(patience=0.3)
    assert time.monotonic() - start_ < 3
    assert len(told) == 2
    assert told[1].startswith("250 rows were lost: ")
    assert told[1].endswith(
        "could not be written to in the last 0.3 s. Start that database, or make room for it."
    )
    assert (writer.waiting, writer.dropped) == (0, 250)
    for ask in (writer.flush, lambda: writer.write_through([row(300)])):
        with pytest.raises(Busy, match="cannot be written to just now"):
            ask()
    assert writer.dropped == 251
    assert time.monotonic() - start_ < 3  # nobody waits for what will never be


def test_whoever_waits_is_told_when_the_writer_gives_up(moody: Moody, open_: Open) -> None:
    writer = open_(moody, wait=0)
    moody.before = 1_000
    writer.put([row(1)])
    until(lambda: writer.failures > 0)
    told: list[float] = []

    def wait() -> None:
        start_ = time.monotonic()
        with pytest.raises(Busy):
            writer.flush(timeout=60)
        told.append(time.monotonic() - start_)

    waiting = Thread(target=wait)
    waiting.start()
    writer.close(patience=0.1)
    waiting.join()
    assert told[0] < 5


def test_a_database_that_is_back_while_the_writer_closes_is_found_soon(
    moody: Moody, open_: Open, told: list[str]
) -> None:
    writer = open_(moody, wait=0)
    moody.before = 5
    writer.put([row(1)])
    until(lambda: moody.before == 1)  # the next two tries would come in 0.8 and 1.6 seconds
    writer.close(patience=1)
    assert steps(moody) == ["1"]
    assert len(told) == 1


def test_any_thread_may_put(db: Database, open_: Open) -> None:
    writer = open_(db)

    def work(name: int) -> None:
        for number in range(300):
            assert writer.put([row(number, flow=str(name)), row(f"b{number}", flow=str(name))])

    workers = [Thread(target=work, args=(name,)) for name in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    writer.flush()
    assert [len(steps(db, str(name))) for name in range(4)] == [600] * 4
    assert writer.written == 2_400


def test_four_processes_write_at_once_and_none_is_told_of_a_lock(
    db: Database, database_url: str, tmp_path: Path
) -> None:
    script = """
told = []
with Database.found(url) as db:
    writer = Writer(db, warn=told.append)
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(250):
        assert writer.put([row(number, sys.argv[3]), row(f"b{number}", sys.argv[3])])
        time.sleep(0.001)
    writer.close()
    print(writer.written, writer.failures, told)
"""
    four = [start(PROGRAM + script, database_url, tmp_path, str(name)) for name in range(4)]
    for one in four:
        assert heard(one) == "ready\n"
    for one in four:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()
    assert [finish(one) for one in four] == ["500 0 []\n"] * 4
    assert [len(steps(db, str(name))) for name in range(4)] == [500] * 4


def test_a_killed_process_loses_only_what_it_put_last(
    db: Database, database_url: str, tmp_path: Path
) -> None:
    """50 ms on a machine that has time for it; here it may have none for a while."""
    script = """
writer = Writer(Database.found(url))
for number in range(100_000):
    assert writer.put([row(number, "f")])
    print(number, time.monotonic(), flush=True)
    time.sleep(0.001)
"""
    victim = start(PROGRAM + script, database_url, tmp_path)
    reported = [heard(victim) for _ in range(400)]
    victim.kill()
    reported += victim.communicate()[0].splitlines()
    put = [float(line.split()[1]) for line in reported if len(line.split()) == 2]
    kept = steps(db)
    assert kept == as_text(range(len(kept)))  # nothing is missing between
    assert len(kept) > 100
    assert put[-1] - put[min(len(kept), len(put) - 1)] < 0.5


def test_a_row_that_is_there_already_stays_as_it_is(db: Database, open_: Open) -> None:
    with db.write() as tx:
        tx.execute(insert(effect).values(row(1, body={"n": 1}).values))
    writer = open_(db)
    writer.put([row(1, body={"n": 2}), row(2)])
    writer.flush()
    with db.read() as tx:
        assert tx.scalar(select(effect.c.body).where(effect.c.step == "1")) == {"n": 1}
    assert steps(db) == ["1", "2"]
