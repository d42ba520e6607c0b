"""The mirror: it follows the database and tells an outside registry what happened here.

The database never waits for it. A registry that is away leaves a gap, which the next pass closes;
a crash between telling and recording is mended by telling again, which changes nothing.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event

from sutdol.core.errors import Busy, Refused, SutdolError
from sutdol.storage import mirror, mirrored, telling
from sutdol.storage.database import Database
from sutdol.storage.mirror import Telling
from sutdol.storage.mirrored import Mirrored, Turn
from sutdol.storage.outside import Registry
from sutdol.storage.telling import Draw

LONGEST = 60.0
"""Seconds between two tries at a registry that stays away."""

log = logging.getLogger("sutdol.mirror")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a pass came to: how many of each kind were told, what is left, what was refused."""

    told: Mapping[str, int]
    left: int
    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How a mirror stands; `trouble` says why the registry cannot be told, None if it can."""

    where: str
    trouble: str | None
    told: Mapping[str, int]
    left: int
    last: datetime | None


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """Tells `registry` at `where`, known as `target` in the table of what was told."""

    db: Database
    home: Path
    target: str
    where: str
    registry: Callable[[], Registry]
    now: Callable[[], datetime]
    draw: Draw

    def pending(self) -> list[Telling]:
        with self.db.read() as tx:
            return mirror.pending(tx, self.target)

    def state(self) -> State:
        """Ask whether the registry answers, and count what it was told."""
        try:
            self.registry().answers()
            trouble = None
        except SutdolError as error:
            trouble = str(error)
        with self.db.read() as tx:
            return State(
                where=self.where,
                trouble=trouble,
                told=Counter(kind for kind, _ in mirrored.told(tx, self.target)),
                left=len(mirror.pending(tx, self.target)),
                last=mirrored.last(tx, self.target),
            )

    def sync(self, *, again: bool = False, stop: Callable[[], bool] = lambda: False) -> Told:
        """Tell what was not told yet, or `again` everything.

        What the registry refuses is passed over; a registry that is away ends the pass with an
        error, and what was told until then stays told.
        """
        counted: Counter[str] = Counter()
        refused: list[str] = []
        with self._turn() as turn:
            registry = self.registry()
            registry.answers()
            at = self._begin(turn, registry, again)
            for one in self.pending():
                if stop():
                    break
                try:
                    self._tell(turn, at, one)
                except Refused as error:
                    refused.append(str(error))
                else:
                    counted[one.kind] += 1
        return Told(told=dict(counted), left=len(self.pending()), refused=tuple(refused))

    def follow(self, stop: Event, interval: float = 5.0) -> None:
        """Tell what is new until `stop` is set. Never raises; tries more rarely while it fails."""
        failures = 0
        while not stop.is_set():
            failures = self._try(failures, stop)
            stop.wait(min(LONGEST, 2.0 ** (failures - 1)) if failures else interval)

    def _try(self, failures: int, stop: Event) -> int:
        """One pass; how many in a row have failed now."""
        try:
            done = self.sync(stop=stop.is_set) if self.pending() else None
            trouble = done.refused[0] if done and done.refused else ""
        except Busy:
            return failures  # another process is telling it all
        except SutdolError as error:
            trouble = str(error)
        except Exception:  # whatever happens to the mirror, the work goes on
            log.exception("The mirror failed")
            return failures + 1
        if trouble:
            log.log(logging.DEBUG if failures else logging.WARNING, "%s", trouble)
            return failures + 1
        if failures:
            log.info("The mirror works again")
        return 0

    @contextmanager
    def _turn(self) -> Iterator[Turn]:
        turn = Turn.of_this_process(self.target)
        with self.db.write() as tx:
            turn.take(tx, self.now())
        try:
            yield turn
        finally:
            with self.db.write() as tx:
                turn.give_back(tx)

    def _begin(self, turn: Turn, registry: Registry, again: bool) -> "_At":
        """Find the place of each role; one that is not where it was means that all was lost."""
        with self.db.read() as tx:
            known, roles = mirrored.told(tx, self.target), mirror.roles(tx)
        places = {role: registry.place(role) for role in roles}
        before = {role: known[("role", role)].remote for role in roles if ("role", role) in known}
        if again or any(places[role] != place for role, place in before.items()):
            known = {}
            with self.db.write() as tx:
                turn.forget(tx)
        return _At(registry=registry, places=places, known=known)

    def _tell(self, turn: Turn, at: "_At", one: Telling) -> None:
        tell = {
            "role": _role,
            "run": self._run,
            "version": self._version,
            "alias": _alias,
            "battle": self._battle,
        }[one.kind]
        what = Mirrored(state=one.state, remote=tell(at, one))
        with self.db.write() as tx:
            turn.record(tx, one.kind, one.subject, what, self.now())
        at.known[(one.kind, one.subject)] = what

    def _run(self, at: "_At", one: Telling) -> str:
        with self.db.read() as tx:
            run = telling.run_of(tx, one.subject, self.home)
        return at.registry.run(at.places[one.role], run)

    def _version(self, at: "_At", one: Telling) -> str:
        run = at.remote("run", one.subject)
        with self.db.read() as tx:
            made = telling.version_of(tx, one.subject, self.home, run)
        return at.registry.version(one.role, made)

    def _battle(self, at: "_At", one: Telling) -> str:
        with self.db.read() as tx:
            fought = telling.battle_of(tx, one.subject, since=at.rounds(one), draw=self.draw)
        return at.registry.run(at.places[one.role], fought)


@dataclass(frozen=True, kw_only=True)
class _At:
    """Where a pass stands."""

    registry: Registry
    places: Mapping[str, str]
    known: dict[tuple[str, str], Mirrored]

    def remote(self, kind: str, subject: str) -> str:
        """What the registry calls something that was to be told before."""
        row = self.known.get((kind, subject))
        if row is None:
            raise Refused(f"The {kind} of {subject} was not taken, so what rests on it waits.")
        return row.remote

    def rounds(self, battle: Telling) -> int:
        """How many rounds of a battle were told."""
        row = self.known.get((battle.kind, battle.subject))
        return int(row.state.rpartition(" ")[2]) if row else 0


def _role(at: _At, one: Telling) -> str:
    return at.places[one.role]


def _alias(at: _At, one: Telling) -> str:
    version = at.remote("version", one.state) if one.state else None
    at.registry.alias(one.role, mirror.alias_of(one.subject), version)
    return version or ""
