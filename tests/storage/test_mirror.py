"""The mirror tells an outside registry all that happened here, once, whatever goes wrong."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import pytest
from tests.databases import on_sqlite

from sutdol.core.errors import Busy, EngineError, Refused
from sutdol.storage import battles, promotions, snapshots, verdicts, versions
from sutdol.storage.battles import NewBattle, Round
from sutdol.storage.database import Database
from sutdol.storage.follower import Mirror
from sutdol.storage.mirrored import LEASE, Turn
from sutdol.storage.outside import Figure, ModelVersion, Run
from sutdol.storage.promotions import Crowning, Kind
from sutdol.storage.verdicts import StoredVerdict

Keep = Callable[..., list[str]]
Train = Callable[..., str]

RAIL = {"kind": "proven", "challenger": 0.9, "loss": -0.01, "bound": 0.004, "against": "anchor"}
BODY: dict[str, Any] = {
    "primary": {"name": "recall", "champion": 0.5, "challenger": 0.75, "p": 0.002, "low": None},
    "guard_rails": [RAIL | {"name": "clean <recall>"}, RAIL | {"name": "x", "kind": "alarm"}],
    "scores": "f" * 64,
}
PAGE = "<p>before</p><svg viewBox='0 0 1 1'>\n<path/></svg>after"


@dataclass
class Remembered:
    """A registry in memory. It keeps figures as a set of points, as real ones do."""

    runs: dict[str, Run] = field(default_factory=dict)
    figures: dict[str, set[Figure]] = field(default_factory=dict)
    sent: list[int] = field(default_factory=list)  # figures of each run told
    versions: dict[str, ModelVersion] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    answers_left: int | None = None  # then it is away
    refuses: tuple[str, ...] = ()
    after: Callable[[], None] = lambda: None
    made: str = "made today"

    def answers(self) -> None:
        self._ask("")

    def place(self, role: str) -> str:
        self._ask(role)
        return f"{role}, {self.made}"

    def run(self, place: str, run: Run) -> str:
        self._ask(run.name)
        self.runs[run.subject] = run
        self.figures.setdefault(run.subject, set()).update(run.figures)
        self.sent.append(len(run.figures))
        self.after()
        return f"run of {run.subject}"

    def version(self, role: str, version: ModelVersion) -> str:
        self._ask(version.tags["sutdol.version"])
        self.versions[version.subject] = version
        return f"{role} {list(self.versions).index(version.subject) + 1}"

    def alias(self, role: str, name: str, version: str | None) -> None:
        self._ask(f"{role}@{name}")
        if version is None:
            del self.aliases[name]
        else:
            self.aliases[name] = version

    def named(self, name: str) -> Run:
        (found,) = [run for run in self.runs.values() if run.name == name]
        return found

    def points(self, name: str, figure: str) -> dict[int, float]:
        known = self.figures[self.named(name).subject]
        return {one.step: one.value for one in sorted(known, key=_step) if one.name == figure}

    def _ask(self, what: str) -> None:
        if self.answers_left == 0:
            raise EngineError("It does not answer.")
        if self.answers_left is not None:
            self.answers_left -= 1
        if what in self.refuses:
            raise Refused(f"It refuses {what}.")


def _step(one: Figure) -> int:
    return one.step


@pytest.fixture
def registry() -> Remembered:
    return Remembered()


@pytest.fixture
def mirror(db: Database, tmp_path: Path, registry: Remembered, now: datetime) -> Mirror:
    return mirror_of(db, tmp_path, registry, now)


def mirror_of(db: Database, home: Path, registry: Remembered, now: datetime) -> Mirror:
    return Mirror(
        db=db,
        home=home,
        target="memory",
        where="memory",
        registry=lambda: registry,
        now=lambda: now,
        draw=lambda rounds: f"<svg>{len(rounds)} rounds</svg>",
    )


@pytest.fixture
def crown(db: Database, now: datetime) -> Callable[..., None]:
    """`crown("guard-v2", after="guard-v1")` changes the champion."""

    def change(to: str, *, after: str | None = None, kind: Kind | None = None) -> None:
        wish = Crowning(
            role="guard",
            from_version=after,
            to_version=to,
            kind=kind or ("force" if after else "initial"),
            reason="a test",
            actor="test",
        )
        with db.write() as tx:
            promotions.crown(tx, wish, now)

    return change


@pytest.fixture
def two(db: Database, train: Train, crown: Callable[..., None]) -> None:
    """guard-v2 reigns after guard-v1."""
    with db.write() as tx:
        first = train(tx)
        train(tx, parent=first)
    crown("guard-v1")
    crown("guard-v2", after="guard-v1")


def judge(db: Database, id_: str, challenger: str, decision: Any, now: datetime) -> None:
    with db.write() as tx:
        verdicts.add(
            tx,
            StoredVerdict(
                id=id_,
                role="guard",
                champion="guard-v1",
                challenger=challenger,
                decision=decision,
                reason="because",
                body=BODY,
                snapshot=None,
                exam=None,
                look=None,
                created_at=now,
            ),
        )


def fight(db: Database, now: datetime, *, rounds: int, since: int = 0) -> None:
    """Rounds of battle 1, which begins with its first."""
    with db.write() as tx:
        if not since:
            settings = {"rounds": 10, "budget": None}
            battles.start(tx, NewBattle(role="guard", seed=7, settings=settings), now)
        for number in range(since + 1, since + rounds + 1):
            body = {
                "round": number,
                "guard": "guard-v1",
                "detection_rate": 0.5 + number / 100,
                "seen": {"value": number / 10, "low": 0.0, "high": 1.0, "n": 80},
                "independent": None,
                "families": {"leet": {"value": 0.25, "low": 0.2, "high": 0.3, "n": 9}},
                "fpr_twins_worst": {"attack": "zalgo", "value": 0.08, "low": 0.0, "high": 0.1},
                "verdict": {"decision": "promote", "primary": {"p": 0.001}},
                "resists": ["leet"],
            }
            made = now + timedelta(minutes=number)
            battles.add_round(
                tx, Round(battle="1", number=number, body=body, timing={"x": 2}, created_at=made)
            )


@pytest.mark.usefixtures("two")
def test_versions_and_aliases_are_told(mirror: Mirror, registry: Remembered) -> None:
    done = mirror.sync()

    assert done.told == {"role": 1, "run": 2, "version": 2, "alias": 2}
    assert (done.left, done.refused) == (0, ())
    assert [one.tags["sutdol.version"] for one in registry.versions.values()] == [
        "guard-v1",
        "guard-v2",
    ]
    assert registry.aliases == {"champion": "guard 2", "previous": "guard 1"}


@pytest.mark.usefixtures("two")
def test_a_run_says_how_its_version_was_made(mirror: Mirror, registry: Remembered) -> None:
    mirror.sync()

    run = registry.named("guard-v2")
    assert run.params == {"seed": "1", "parent": "guard-v1", "snapshot": "none"}
    assert run.tags["sutdol.checksum"] == "c" * 64
    assert (run.status, run.figures) == ("FINISHED", ())
    (version,) = [one for one in registry.versions.values() if one.subject == run.subject]
    assert version.run == f"run of {run.subject}"


@pytest.mark.usefixtures("two")
def test_what_was_told_is_not_told_again(mirror: Mirror, registry: Remembered) -> None:
    mirror.sync()
    runs = len(registry.sent)

    assert mirror.sync().told == {}
    assert len(registry.sent) == runs
    assert mirror.pending() == []


@pytest.mark.usefixtures("two")
def test_a_rollback_moves_the_aliases(
    mirror: Mirror, registry: Remembered, crown: Callable[..., None]
) -> None:
    mirror.sync()
    crown("guard-v1", after="guard-v2", kind="rollback")

    assert mirror.sync().told == {"alias": 2}
    assert registry.aliases == {"champion": "guard 1"}


def test_an_alias_that_returns_is_told_again(
    db: Database, mirror: Mirror, registry: Remembered, train: Train
) -> None:
    with db.write() as tx:
        name = train(tx)
    for points_to, expected in ((name, {"challenger": "guard 1"}), (None, {})) * 2:
        with db.write() as tx:
            versions.point(tx, "guard", "challenger", points_to)
        mirror.sync()
        assert registry.aliases == expected


@pytest.mark.usefixtures("two")
def test_a_verdict_is_added_to_the_run_it_judges(
    db: Database, mirror: Mirror, registry: Remembered, now: datetime
) -> None:
    judge(db, "guard-a", "guard-v2", "inconclusive", now)
    mirror.sync()
    judge(db, "guard-b", "guard-v2", "promote", now + timedelta(days=1))

    assert mirror.sync().told == {"run": 1, "version": 1}
    assert len(registry.runs) == 2
    assert registry.points("guard-v2", "promote") == {1: 0.0, 2: 1.0}
    assert registry.points("guard-v2", "primary/challenger") == {1: 0.75, 2: 0.75}
    run = registry.named("guard-v2")
    assert run.tags["sutdol.verdict"] == "guard-b"
    assert run.tags["sutdol.report"] == "f" * 64
    assert run.tags["mlflow.note.content"] == "promote against guard-v1: because"


@pytest.mark.usefixtures("two")
def test_rails_are_figures_and_alarms_are_not(
    db: Database, mirror: Mirror, registry: Remembered, now: datetime
) -> None:
    judge(db, "guard-a", "guard-v2", "promote", now)
    mirror.sync()

    names = {one.name for one in registry.named("guard-v2").figures}
    assert {name for name in names if name.startswith("rail/")} == {
        f"rail/clean _recall_ against anchor/{part}" for part in ("challenger", "loss", "bound")
    }
    assert "primary/low" not in names, "what is no number is no figure"


@pytest.mark.usefixtures("two")
def test_the_report_of_a_verdict_goes_along(
    db: Database, mirror: Mirror, registry: Remembered, tmp_path: Path, now: datetime
) -> None:
    folder = tmp_path / "reports" / "guard-a"
    folder.mkdir(parents=True)
    (folder / "report.json").write_text("{}")
    (folder / "report.html").write_text(PAGE)
    judge(db, "guard-a", "guard-v2", "promote", now)
    mirror.sync()

    texts = registry.named("guard-v2").texts
    assert texts == {
        "verdicts/guard-a/report.json": "{}",
        "verdicts/guard-a/report.html": PAGE,
        "verdicts/guard-a/curve.svg": "<svg viewBox='0 0 1 1'>\n<path/></svg>",
    }


def test_a_battle_is_told_round_by_round(
    db: Database, mirror: Mirror, registry: Remembered, now: datetime
) -> None:
    fight(db, now, rounds=2)
    mirror.sync()
    running = registry.named("battle 1")
    fight(db, now, rounds=1, since=2)
    with db.write() as tx:
        battles.set_state(tx, "1", "done", now + timedelta(hours=1))
    mirror.sync()

    assert (running.status, running.ended, running.texts) == ("RUNNING", None, {})
    over = registry.named("battle 1")
    assert (over.status, over.ended) == ("FINISHED", now + timedelta(hours=1))
    assert over.params == {"seed": "7", "rounds": "10"}
    assert over.texts == {"curve.svg": "<svg>3 rounds</svg>"}
    assert registry.points("battle 1", "seen") == {1: 0.1, 2: 0.2, 3: 0.3}
    assert registry.sent == [2 * registry.sent[1], registry.sent[1]], "old rounds are not resent"


def test_of_a_round_every_number_is_a_figure(
    db: Database, mirror: Mirror, registry: Remembered, now: datetime
) -> None:
    fight(db, now, rounds=1)
    mirror.sync()

    assert {one.name: one.value for one in registry.named("battle 1").figures} == {
        "detection_rate": 0.51,
        "seen": 0.1,
        "interval/seen/low": 0.0,
        "interval/seen/high": 1.0,
        "families/leet": 0.25,
        "interval/families/leet/low": 0.2,
        "interval/families/leet/high": 0.3,
        "fpr_twins_worst": 0.08,
        "interval/fpr_twins_worst/low": 0.0,
        "interval/fpr_twins_worst/high": 0.1,
        "seconds/x": 2.0,
        "promote": 1.0,
    }


@pytest.mark.parametrize(
    ("state", "status"),
    [("failed", "FAILED"), ("cancelled", "KILLED"), ("interrupted", "KILLED")],
)
def test_a_battle_that_broke_off_is_no_finished_run(
    db: Database, mirror: Mirror, registry: Remembered, now: datetime, state: Any, status: str
) -> None:
    fight(db, now, rounds=1)
    with db.write() as tx:
        battles.set_state(tx, "1", state, now)
    mirror.sync()

    assert registry.named("battle 1").status == status


def test_the_flow_and_the_texts_of_a_battle_are_told(
    db: Database, mirror: Mirror, registry: Remembered, keep: Keep, now: datetime
) -> None:
    with db.write() as tx:
        root = snapshots.put(tx, "guard", keep(tx, "a", "b"), {}, now)
        data = {"hash": "a", "languages": {"en": {"malicious": 3}}}
        new = NewBattle(role="guard", seed=7, settings={}, flow="battle-1", texts=root, data=data)
        battles.start(tx, new, now)
    mirror.sync()

    run = registry.named("battle 1")
    assert run.tags["sutdol.flow"] == "battle-1"
    assert run.tags["sutdol.data.languages.en.malicious"] == "3"
    assert run.dataset is not None
    assert (run.dataset.hash, run.dataset.rows, run.dataset.use) == (root, 2, "battle")


def test_a_snapshot_is_told_by_its_hash_and_none_of_its_texts_leaves(
    db: Database,
    mirror: Mirror,
    registry: Remembered,
    keep: Keep,
    train: Train,
    now: datetime,
) -> None:
    with db.write() as tx:
        root = snapshots.put(tx, "guard", keep(tx, "a private word", "another"), {}, now)
        train(tx, snapshot=root)
    mirror.sync()

    run = registry.named("guard-v1")
    assert run.dataset is not None
    assert (run.dataset.hash, run.dataset.rows, run.dataset.use) == (root, 2, "training")
    assert "private" not in repr((registry.runs, registry.versions))


def test_a_registry_that_is_away_leaves_a_gap_that_the_next_pass_closes(
    db: Database, mirror: Mirror, registry: Remembered, train: Train
) -> None:
    mirror.sync()
    registry.answers_left = 0
    with db.write() as tx:
        train(tx)

    with pytest.raises(EngineError):
        mirror.sync()
    assert len(mirror.pending()) == 3
    registry.answers_left = None
    assert mirror.sync().told == {"role": 1, "run": 1, "version": 1}


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("answers", range(9))
def test_wherever_it_goes_away_nothing_is_lost_or_doubled(
    mirror: Mirror, registry: Remembered, answers: int
) -> None:
    registry.answers_left = answers
    if answers < 8:
        with pytest.raises(EngineError):
            mirror.sync()
    registry.answers_left = None
    mirror.sync()

    assert len(registry.runs) == len(registry.versions) == 2
    assert registry.aliases == {"champion": "guard 2", "previous": "guard 1"}
    assert mirror.pending() == []


@pytest.mark.usefixtures("two")
def test_a_crash_between_telling_and_recording_doubles_nothing(
    mirror: Mirror, registry: Remembered
) -> None:
    def crash() -> None:
        raise KeyboardInterrupt

    registry.after = crash
    with pytest.raises(KeyboardInterrupt):
        mirror.sync()
    told = list(registry.runs)
    registry.after = lambda: None
    mirror.sync()

    assert len(told) == 1
    assert len(registry.runs) == 2
    assert told[0] in registry.runs


@pytest.mark.usefixtures("two")
def test_what_is_refused_is_passed_over_and_said(mirror: Mirror, registry: Remembered) -> None:
    registry.refuses = ("guard-v1",)
    done = mirror.sync()

    assert done.refused[0] == "It refuses guard-v1."
    assert done.left == 3, "the run, and its version and alias that rest on it"
    assert registry.aliases == {"champion": "guard 1"}
    registry.refuses = ()
    assert mirror.sync().left == 0


@pytest.mark.usefixtures("two")
def test_a_registry_that_was_wiped_is_told_everything_anew(
    db: Database, mirror: Mirror, tmp_path: Path, now: datetime
) -> None:
    mirror.sync()
    empty = Remembered(made="made tomorrow")
    mirror_of(db, tmp_path, empty, now).sync()

    assert len(empty.runs) == 2
    assert empty.aliases == {"champion": "guard 2", "previous": "guard 1"}


@pytest.mark.usefixtures("two")
def test_again_tells_everything_anew(mirror: Mirror, registry: Remembered) -> None:
    first = mirror.sync()
    registry.aliases.clear()

    assert mirror.sync(again=True) == first
    assert registry.aliases == {"champion": "guard 2", "previous": "guard 1"}
    assert len(registry.runs) == 2


def test_another_target_is_told_everything(
    db: Database, mirror: Mirror, registry: Remembered, train: Train
) -> None:
    with db.write() as tx:
        train(tx)
    mirror.sync()
    other = Mirror(**{**vars(mirror), "target": "other"})

    assert other.sync().told == {"role": 1, "run": 1, "version": 1}


def test_equal_names_of_two_homes_are_two_subjects(
    db: Database, mirror: Mirror, registry: Remembered, now: datetime
) -> None:
    fight(db, now, rounds=1)
    mirror.sync()
    with db.write() as tx:
        new = NewBattle(role="guard", seed=7, settings={})
        battles.start(tx, new, now + timedelta(microseconds=1))
    mirror.sync()

    first, second = registry.runs
    assert first.partition(":1:")[2] != second.partition(":2:")[2]


def test_only_one_tells_at_a_time(db: Database, mirror: Mirror, now: datetime) -> None:
    other = Turn.of_this_process("memory")
    with db.write() as tx:
        other.take(tx, now)

    with pytest.raises(Busy, match="Another process is telling"):
        mirror.sync()
    with db.write() as tx:
        other.give_back(tx)
    mirror.sync()


@pytest.mark.parametrize(
    ("holder", "silent"),
    [
        ("process:some-other-machine:1#ab", LEASE + timedelta(seconds=1)),
        ("process:{here}:4194304#ab", timedelta()),  # no process can have this number
    ],
)
def test_the_turn_of_a_dead_one_is_taken(
    db: Database, mirror: Mirror, now: datetime, holder: str, silent: timedelta
) -> None:
    here = Turn.of_this_process("x").holder.split(":")[1]
    with db.write() as tx:
        Turn(target="memory", holder=holder.format(here=here)).take(tx, now - silent)

    assert mirror.sync().refused == ()


def test_who_lost_the_turn_records_nothing_more(
    db: Database, mirror: Mirror, registry: Remembered, train: Train, now: datetime
) -> None:
    def overtake() -> None:
        registry.after = lambda: None
        with db.write() as tx:
            Turn(target="memory", holder="late").take(tx, now + 2 * LEASE)

    registry.after = overtake
    with db.write() as tx:
        train(tx)

    with pytest.raises(Busy):
        mirror.sync()
    assert [one.kind for one in mirror.pending()] == ["run", "version"]


@pytest.fixture
def following(mirror: Mirror) -> Iterator[Thread]:
    """The mirror in its thread, asked to stop at the end."""
    stop = Event()
    thread = Thread(target=mirror.follow, args=(stop, 0.02))
    thread.start()
    yield thread
    stop.set()
    thread.join(5)
    assert not thread.is_alive()


def until(true: Callable[[], object]) -> bool:
    deadline = monotonic() + 10
    while not true() and monotonic() < deadline:
        sleep(0.01)
    return bool(true())


@pytest.mark.usefixtures("following")
def test_the_follower_tells_what_happens_while_it_runs(
    db: Database, registry: Remembered, train: Train, now: datetime
) -> None:
    with db.write() as tx:
        train(tx)
    assert until(lambda: registry.versions)
    fight(db, now, rounds=1)
    assert until(lambda: len(registry.runs) == 2)


@on_sqlite
def test_the_follower_outlives_an_outage_and_says_so_once(
    db: Database,
    registry: Remembered,
    following: Thread,
    train: Train,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "sutdol.mirror")
    registry.answers_left = 0
    with db.write() as tx:
        train(tx)
    assert until(lambda: caplog.messages)
    sleep(1.2)  # it tries a second time
    registry.answers_left = None

    assert until(lambda: registry.versions)
    assert until(lambda: len(caplog.messages) == 2)
    assert caplog.messages == ["It does not answer.", "The mirror works again"]


@on_sqlite
def test_the_follower_outlives_a_mistake_of_ours(
    db: Database,
    registry: Remembered,
    following: Thread,
    train: Train,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def mistake() -> None:
        registry.after = lambda: None
        raise ZeroDivisionError

    registry.after = mistake
    with db.write() as tx:
        train(tx)

    assert until(lambda: registry.versions)
    assert "The mirror failed" in caplog.messages


def test_the_follower_does_not_ask_while_there_is_nothing_to_tell(
    registry: Remembered, mirror: Mirror
) -> None:
    registry.answers_left = 5
    stop = Event()
    thread = Thread(target=mirror.follow, args=(stop, 0.01))
    thread.start()
    sleep(0.1)
    stop.set()
    thread.join(5)

    assert registry.answers_left == 5


@pytest.mark.usefixtures("two")
def test_the_state_counts_what_was_told_and_what_is_left(
    db: Database, mirror: Mirror, train: Train, now: datetime
) -> None:
    mirror.sync()
    with db.write() as tx:
        train(tx)
    state = mirror.state()

    assert json.loads(json.dumps(state.told)) == {"role": 1, "run": 2, "version": 2, "alias": 2}
    assert (state.left, state.last, state.trouble) == (2, now, None)


def test_the_state_says_why_nothing_can_be_told(mirror: Mirror, registry: Remembered) -> None:
    registry.answers_left = 0

    assert mirror.state().trouble == "It does not answer."
