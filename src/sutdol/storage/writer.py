"""The writer of a server: rows are handed over at once and committed in batches by one thread.

A request never waits for a commit. What was handed over is lost only with the process: a kill takes
what was put in about the last `wait` seconds, or all that waits if the database is away just then.
"""

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from threading import Condition, Lock, Thread
from time import monotonic

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import UpdateBase

from sutdol.core.errors import BadInput, Busy, SutdolError
from sutdol.storage.database import Database

HEAVIEST = 64_000_000  # characters that wait: what rows hold counts more than how many they are
SHORTEST, LONGEST = 0.1, 2.0
"""Seconds between two tries to write while the database is away, at first and in the end."""

log = logging.getLogger("sutdol.writer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row to insert; its primary key is in `values`, and known there already it changes nothing.

    So a batch can be written again when nobody knows whether its commit came through. The values
    belong to the writer from now on: change nothing in them.
    """

    table: Table
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An update or delete to be made in its turn; made twice, it changes nothing the second time.

    An insert of another kind, such as one that changes a row that is there, is a change too.
    """

    statement: UpdateBase


Kind = tuple[Table, tuple[str, ...]]
Group = tuple[Row | Change, ...]
"""What was put together and is committed together."""


class Writer:
    """`put` hands rows over, and a thread commits them in the order in which they were put.

    It does so `wait` seconds after the first or as soon as `batch` rows wait, up to ten times as
    many at once where it is behind, and goes on trying while the database is away. At most `most`
    rows wait, and `heaviest` characters in them. `warn` gets a sentence without any value of a row:
    once when the database goes away, and for each group that it refuses. `dropped` counts the rows
    that were handed over and are lost.
    """

    def __init__(
        self,
        db: Database,
        *,
        wait: float = 0.02,
        batch: int = 200,
        most: int = 10_000,
        heaviest: int = HEAVIEST,
        warn: Callable[[str], None] = log.warning,
    ) -> None:
        self.written = self.batches = self.failures = self.dropped = 0
        self._db, self._wait, self._batch, self._warn = db, wait, batch, warn
        self._most, self._heaviest, self._weight = most, heaviest, 0
        self._groups: deque[Group] = deque()
        self._put = self._queued = self._settled = 0  # rows: ever put, not taken yet, dealt with
        self._first = 0.0  # when the first of those that wait was put, or earlier
        self._hurry = 0  # so many rows are to be settled at once
        self._pause = 0.0  # since the database went away
        self._closed = self._gave_up = False
        lock = Lock()
        self._came, self._done = Condition(lock), Condition(lock)
        self._thread = Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Rows that were put and are neither written nor dropped."""
        return self._put - self._settled

    @property
    def behind(self) -> bool:
        """Whether half the queue is full, and getting emptier: who makes rows had better wait."""
        return self.waiting > self._most // 2 and not self._pause and not self._gave_up

    def put(self, rows: Sequence[Row | Change]) -> bool:
        """Hand over rows that belong together, without waiting; False and nothing kept when full.

        Then, and when the writer is closed, write them with `write_through` in a thread.
        """
        group, count, weight = tuple(rows), len(rows), _weight(rows)
        if not count:
            return True
        with self._came:
            if self._closed or self._is_full(count, weight):
                return False
            before = self._queued
            self._groups.append(group)
            self._put += count
            self._weight += weight
            self._queued = before + count
            if not before:
                self._first = monotonic()
            # The thread sleeps until there is something, and then until there is enough.
            if not before or before < self._batch <= self._queued:
                self._came.notify()
        return True

    def write_through(self, rows: Sequence[Row | Change]) -> None:
        """Commit these rows here and now, after all that was put before, or drop them.

        While the database is away that is at once: whoever waited would hold up others, in vain.
        """
        try:
            self._require_there()
            self.flush()
            with self._db.write() as tx:
                _write(tx, rows)
        except BaseException:
            self.drop(len(rows))
            raise
        with self._done:
            self.written += len(rows)

    def flush(self, timeout: float = 10.0) -> None:
        """Wait until all that was put before is committed.

        `Busy` when that takes too long, or when the writer was closed and it never will be.
        """
        with self._done:
            goal = self._hurry = self._put
            self._came.notify()
            if not self._done.wait_for(lambda: self._gave_up or self._settled >= goal, timeout):
                raise Busy(
                    f"{goal - self._settled} rows still wait to be written to {self._db.where}: "
                    "try again."
                )
        if self._gave_up:
            raise self._away()

    def drop(self, count: int) -> None:
        """Count rows that are lost and were never put."""
        with self._done:
            self.dropped += count

    def close(self, patience: float = 10.0) -> None:
        """Write what waits and end the thread, or say how many rows are lost after `patience`."""
        with self._came:
            self._closed = True
            self._came.notify()
        self._thread.join(patience)
        with self._came:
            lost = 0 if self._gave_up else self.waiting
            if lost:
                self._gave_up = True
                self.dropped += lost
                self._settled += lost
                self._came.notify()
                self._done.notify_all()
        if lost:
            self._tell(
                f"{lost} rows were lost: {self._db.where} could not be written to in the last "
                f"{patience:g} s. Start that database, or make room for it."
            )

    def _is_full(self, count: int, weight: int) -> bool:
        """Whether there is no room for so many rows more, of this weight together."""
        return self.waiting + count > self._most or self._weight + weight > self._heaviest

    def _require_there(self) -> None:
        if self._pause or self._gave_up:
            raise self._away()

    def _away(self) -> Busy:
        return Busy(f"{self._db.where} cannot be written to just now: try again.")

    def _run(self) -> None:
        while batch := self._take():
            self._write(batch)

    def _take(self) -> list[Group]:
        """The next batch, once it is due; none when the writer is closed and nothing waits."""
        with self._came:
            self._came.wait_for(lambda: self._groups or self._closed)
            while (left := self._first + self._wait - monotonic()) > 0 and not self._urgent():
                self._came.wait(left)
            taken: list[Group] = []
            before = self._queued
            while self._groups and before - self._queued < 10 * self._batch:
                taken.append(self._groups.popleft())
                self._queued -= len(taken[-1])
            return taken

    def _urgent(self) -> bool:
        return self._closed or self._queued >= self._batch or self._hurry > self._settled

    def _write(self, batch: list[Group]) -> None:
        """Write it as a whole, or in halves where something in it is refused, in its order."""
        parts = deque([batch])
        while parts and not self._gave_up:
            fault = self._try(parts[0])
            if fault is None:
                self._settle(parts.popleft(), written=True)
            elif _is_outage(fault):
                self._wait_out(fault)
            elif len(parts[0]) == 1:
                refused = parts.popleft()
                self._settle(refused, written=False)
                self._tell(_refusal(refused[0], fault))
            else:
                part = parts.popleft()
                half = len(part) // 2
                parts.extendleft([part[half:], part[:half]])

    def _try(self, batch: Sequence[Group]) -> Exception | None:
        """Commit it; what came in the way."""
        try:
            with self._db.write() as tx:
                _write(tx, [one for group in batch for one in group])
        except Exception as error:  # noqa: BLE001  whatever it is, the rest is to be written
            self.failures += 1
            if not _is_outage(error):
                self._pause = 0.0
            return error
        self._pause = 0.0
        return None

    def _settle(self, batch: Sequence[Group], *, written: bool) -> None:
        count, weight = sum(map(len, batch)), sum(map(_weight, batch))
        with self._done:
            if self._gave_up:  # `close` has told of them
                return
            if written:
                self.written += count
                self.batches += 1
            else:
                self.dropped += count
            self._settled += count
            self._weight -= weight
            self._done.notify_all()

    def _wait_out(self, fault: Exception) -> None:
        """Say that the database is away, when it is new, and pause; the last tries come sooner."""
        if not self._pause:
            why = str(fault) if isinstance(fault, SutdolError) else f"{type(fault).__name__}."
            self._tell(f"{self.waiting} rows wait to be written. {why}")
        self._pause = min(LONGEST, 2 * self._pause or SHORTEST)
        with self._came:
            closing = self._closed
            self._came.wait_for(
                lambda: self._gave_up or self._closed is not closing,
                SHORTEST if closing else self._pause,
            )

    def _tell(self, sentence: str) -> None:
        with suppress(Exception):  # nor may a log that fails end the thread
            self._warn(sentence)


def _weight(rows: Sequence[Row | Change]) -> int:
    """Characters in the values of rows, however deep: what takes room while they wait."""
    weight = 0
    left: list[Mapping[str, object] | list[object]]
    left = [one.values for one in rows if isinstance(one, Row)]
    for one in left:
        for value in one if isinstance(one, list) else one.values():
            if isinstance(value, str):
                weight += len(value)
            elif isinstance(value, dict | list):
                left.append(value)
    return weight


def _write(tx: Connection, rows: Sequence[Row | Change]) -> None:
    """Write them in order; between two changes the rows of a table go together, parents first."""
    for changes, some in groupby(rows, lambda one: isinstance(one, Change)):
        if changes:
            for one in some:
                if isinstance(one, Change):
                    tx.execute(one.statement)
        else:
            _insert_all(tx, [one for one in some if isinstance(one, Row)])


def _insert_all(tx: Connection, rows: Sequence[Row]) -> None:
    kinds: dict[Kind, list[Mapping[str, object]]] = {}
    for one in rows:
        kinds.setdefault((one.table, tuple(one.values)), []).append(one.values)
    for (table, columns), values in sorted(kinds.items(), key=lambda kind: _place(kind[0][0])):
        tx.execute(_insert(table, columns, tx.dialect.name), values)


@cache
def _place(table: Table) -> int:
    return table.metadata.sorted_tables.index(table)


@cache
def _insert(table: Table, columns: tuple[str, ...], dialect: str) -> UpdateBase:
    # Only the key that the caller made may be known already; another clash is a mistake to be told.
    key = [column.name for column in table.primary_key]
    if not set(key) <= set(columns) <= set(table.c.keys()):
        # SQLAlchemy would leave a column that it does not know out of a batch, and say nothing.
        raise ValueError(f"A row of {table.name} lacks a key or has a column too many: {columns}.")
    if dialect == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing(index_elements=key)
    return postgresql.insert(table).on_conflict_do_nothing(index_elements=key)


def _is_outage(fault: Exception) -> bool:
    """Whether the same rows may be written later; otherwise the rows themselves are refused."""
    if isinstance(fault, DBAPIError):
        return fault.connection_invalidated
    return isinstance(fault, SutdolError) and not isinstance(fault, BadInput)


def _refusal(group: Group, fault: Exception) -> str:
    """What is said of rows that are dropped: no value of theirs, as these may be private."""
    tables = {str(one.table if isinstance(one, Row) else one.statement.table) for one in group}
    return (
        f"{len(group)} rows of {', '.join(sorted(tables))} were refused and dropped "
        f"({type(fault).__name__})."
    )
