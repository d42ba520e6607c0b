"""What stands in the databases, for Prometheus: arena, loop, flows, feedback; and the GPUs."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from sutdol.api.fresh import Fresh
from sutdol.api.gpus import Gpu, gpus
from sutdol.core.types import Part
from sutdol.flow.gauge import Gauge, gauge
from sutdol.flow.place import Place
from sutdol.loop.gate import alpha
from sutdol.storage.battles import Round
from sutdol.storage.battles import State as BattleState
from sutdol.storage.database import Database
from sutdol.storage.feedback import State as FeedbackState
from sutdol.storage.figures import Figures, OfRole, figures
from sutdol.storage.promotions import Kind
from sutdol.storage.verdicts import Decision

AGE, GPU_AGE = 2.0, 10.0
"""Seconds for which what was read is told again."""
CURVES = ("seen", "held_out", "adaptive", "independent")

Rows = Iterable[tuple[tuple[str, ...], float]]
"""Values of the labels, and the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A metric that is read and not counted here."""

    name: str
    text: str
    labels: tuple[str, ...] = ()
    counts: bool = False  # only ever grows

    def of(self, rows: Rows) -> Metric:
        family = CounterMetricFamily if self.counts else GaugeMetricFamily
        made = family(self.name, self.text, labels=self.labels)
        for labels, value in rows:
            made.add_metric(labels, value)
        return made


DETECTION = Told(
    name="content_arena_detection_rate",
    text="Share of the attacked texts that the guard caught in the round finished last.",
    labels=("role",),
)
EVASION = Told(
    name="content_arena_evasion_rate",
    text="Share of the attacked texts that slipped through in the round finished last.",
    labels=("role",),
)
RECALL = Told(
    name="content_arena_recall",
    text="Share of the panel's attacked texts caught: by attacks seen in training, of families "
    "held out, adaptive ones, or of an independent attacker.",
    labels=("role", "curve"),
)
FALSE = Told(
    name="content_arena_false_positive_rate",
    text="Share of harmless texts flagged in the round finished last: clean ones, or twins that "
    "were attacked as malicious ones are.",
    labels=("role", "texts"),
)
ROUND_AT = Told(
    name="content_arena_last_round_timestamp_seconds",
    text="When the last round was finished.",
    labels=("role",),
)
BATTLES = Told(name="content_arena_battles", text="Battles by state.", labels=("state",))
CHAMPION = Told(
    name="sutdol_champion_version",
    text="Number of the version that reigns; 0 where there is none.",
    labels=("role",),
)
LOOKS = Told(
    name="sutdol_looks_since_promotion",
    text="Looks charged to the error budget since the last gate promotion.",
    labels=("role",),
)
ALPHA = Told(
    name="sutdol_next_look_alpha",
    text="Error that the next look may spend; it shrinks with every look.",
    labels=("role",),
)
VERDICTS = Told(
    name="sutdol_verdicts",
    text="Verdicts of the gate.",
    labels=("role", "decision"),
    counts=True,
)
PROMOTIONS = Told(
    name="sutdol_promotions",
    text="Changes of champion: initial, promote, rollback, force.",
    labels=("role", "kind"),
    counts=True,
)
EXAMPLES = Told(
    name="sutdol_examples",
    text="Examples that are not forgotten, by what they may be used for.",
    labels=("role", "part"),
)
FEEDBACK = Told(name="sutdol_feedback", text="Pieces of feedback by state.", labels=("state",))
FLOWS = Told(
    name="sutdol_flows",
    text="Flows that are not over; orphaned ones lost their worker, stale ones are of another "
    "release.",
    labels=("state",),
)
WORKERS = Told(name="sutdol_workers", text="Workers of flows that are alive.")
UP = Told(name="sutdol_database_up", text="1 while the database answers, else 0.")
READ = Told(
    name="sutdol_database_read_seconds", text="Time to read these figures from the database."
)
SIZE = Told(
    name="sutdol_database_bytes", text="Size of the database; of a file, with what is not merged."
)
GPU_USED = Told(name="sutdol_gpu_memory_used_bytes", text="Memory in use.", labels=("gpu",))
GPU_TOTAL = Told(name="sutdol_gpu_memory_total_bytes", text="Memory there is.", labels=("gpu",))
GPU_BUSY = Told(
    name="sutdol_gpu_utilisation_ratio",
    text="Share of the last moments in which something ran.",
    labels=("gpu",),
)
ALL = tuple(one for one in vars().values() if isinstance(one, Told))


class Standing:
    """A collector, for one process; what is away has no series."""

    def __init__(self, db: Database, roles: Iterable[str], place: Place) -> None:
        self._db, self._roles = db, tuple(roles)
        self._figures = Fresh(self._read, age=AGE)
        self._flows: Callable[[], Gauge | None] = Fresh(lambda: gauge(place), age=AGE)
        self._gpus: Callable[[], list[Gpu] | None] = Fresh(gpus, age=GPU_AGE)

    def collect(self) -> Iterator[Metric]:
        found = self._figures()
        yield UP.of([((), float(found is not None))])
        if found is not None:
            seconds, read = found
            yield READ.of([((), seconds)])
            yield from _of_database(read)
        flows = self._flows()
        if flows is not None:
            yield FLOWS.of(((state,), count) for state, count in flows.flows.items())
            yield WORKERS.of([((), flows.workers)])
        yield from _of_gpus(self._gpus() or [])

    def _read(self) -> tuple[float, Figures]:
        start = perf_counter()
        with self._db.read() as tx:
            found = figures(tx, self._roles)
        return perf_counter() - start, found


def _of_database(found: Figures) -> Iterator[Metric]:
    yield SIZE.of([((), found.size)])
    yield FEEDBACK.of(_each(get_args(FeedbackState), found.feedback))
    yield BATTLES.of(_each(get_args(BattleState), found.battles))
    roles = found.roles
    yield CHAMPION.of(((role,), one.champion or 0) for role, one in roles.items())
    yield LOOKS.of(((role,), one.looks) for role, one in roles.items())
    yield ALPHA.of(((role,), alpha(one.looks + 1)) for role, one in roles.items())
    yield VERDICTS.of(_by(roles, get_args(Decision), lambda one: one.verdicts))
    yield PROMOTIONS.of(_by(roles, get_args(Kind), lambda one: one.promotions))
    yield EXAMPLES.of(_by(roles, get_args(Part), lambda one: one.examples))
    rounds = {role: one.last_round for role, one in roles.items() if one.last_round is not None}
    yield from _of_rounds(rounds)


def _of_rounds(rounds: Mapping[str, Round]) -> Iterator[Metric]:
    fought = {role: one for role, one in rounds.items() if one.body.get("attacks")}
    yield DETECTION.of(_valued(fought, {(): "detection_rate"}))
    yield EVASION.of(_valued(fought, {(): "evasion_rate"}))
    yield RECALL.of(_valued(rounds, {(one,): one for one in CURVES}))
    yield FALSE.of(_valued(rounds, {("clean",): "fpr_clean", ("twins",): "fpr_twins"}))
    yield ROUND_AT.of(((role,), one.created_at.timestamp()) for role, one in rounds.items())


def _valued(rounds: Mapping[str, Round], names: Mapping[tuple[str, ...], str]) -> Rows:
    """Figures of the rounds' bodies, plain or with an interval; not those never measured."""
    for role, one in rounds.items():
        for labels, name in names.items():
            value: Any = one.body.get(name)
            value = value.get("value") if isinstance(value, dict) else value
            if value is not None:
                yield (role, *labels), float(value)


def _by(
    roles: Mapping[str, OfRole],
    known: tuple[str, ...],
    counts: Callable[[OfRole], Mapping[str, int]],
) -> Rows:
    for role, one in roles.items():
        yield from (((role, *labels), value) for labels, value in _each(known, counts(one)))


def _each(known: Iterable[str], counts: Mapping[Any, int]) -> Rows:
    """Zero is a figure too: without it nobody sees a first one come."""
    return (((name,), counts.get(name, 0)) for name in known)


def _of_gpus(found: list[Gpu]) -> Iterator[Metric]:
    if found:
        yield GPU_USED.of(((one.index,), one.used) for one in found if one.used is not None)
        yield GPU_TOTAL.of(((one.index,), one.total) for one in found if one.total is not None)
        yield GPU_BUSY.of(((one.index,), one.busy) for one in found if one.busy is not None)
