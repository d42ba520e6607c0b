"""What durable flows cost: a step, a wait in the queue, a start, a worker that has nothing to do.

    python benchmarks/flows.py          # needs a PostgreSQL server, see --postgres

Every measurement is a process of its own on a database of its own.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from section import table, write
from sqlalchemy import create_engine, text

from sutdol.flow import inline
from sutdol.flow.desk import Desk
from sutdol.flow.engine import Engine, Shift
from sutdol.flow.hand import Doer, Hand, serve
from sutdol.flow.place import Place
from sutdol.flow.plan import Json, Key, Kind, Plan, Step, Tell

SELF = str(Path(__file__))
STEPS, WAITS, LAUNCHES = 300, 40, 5
IDLE = 20.0  # seconds
FLOW = "bench-1"
SAID = (
    "A flow of {steps} steps that do nothing: *recorded* is what the engine adds, *by a hand* what"
    " a step costs in a worker, whose deeds are done in a process of their own. Queue: from asking"
    " for a flow until its first step, median of {waits}, with the worker's usual look at the queue"
    " every {poll:.1f} s. Start: an engine until it takes flows, the first makes the tables. Idle:"
    " `sutdol worker` with nothing to do for {idle:.0f} s, its memory, and that of its hand."
)
Figures = dict[str, float]


def plan(flow: str, args: Json) -> Plan:
    for number in range(args["steps"]):
        yield Step(name=f"step-{number}", deed="nothing", args={"number": number})
    return {}


KINDS = {"bench": Kind(plan=plan)}


def nothing(key: Key, args: Json, tell: Tell) -> Json:
    return {}


class Idler:
    """Does deeds here, and notes when the first of each flow began."""

    def __init__(self) -> None:
        self.begun: dict[str, float] = {}

    async def do(self, key: Key, step: Step, attempt: int, tell: Tell) -> Json:
        self.begun.setdefault(key.flow, time.perf_counter())
        return {"value": nothing(key, step.args, tell)}

    def kill(self) -> None:
        """There is nothing to break off."""

    async def close(self) -> None:
        await asyncio.sleep(0)


def measure_inline(place: Place) -> Figures:
    start = time.perf_counter()
    args = {"steps": STEPS}
    deeds = {"nothing": nothing}
    inline.run("bench", args, flow=FLOW, kinds=KINDS, deeds=deeds, tell=lambda _: None)
    return {"ms": 1000 * (time.perf_counter() - start) / STEPS}


def measure_recorded(place: Place) -> Figures:
    return _steps(place, Idler())


def measure_hand(place: Place) -> Figures:
    return _steps(place, Hand([sys.executable, SELF, "--hand"], {}))


def _steps(place: Place, doer: Doer) -> Figures:
    with Engine(place, KINDS, doer) as engine, Desk(place) as desk:
        engine.start("bench", {"steps": 5}, flow="warm-up")
        _until_over(desk, "warm-up")
        start = time.perf_counter()
        engine.start("bench", {"steps": STEPS}, flow=FLOW)
        _until_over(desk, FLOW)
        return {"ms": 1000 * (time.perf_counter() - start) / STEPS}


def measure_queue(place: Place) -> Figures:
    idler, waits = Idler(), []
    with Engine(place, KINDS, idler), Desk(place) as desk:
        time.sleep(2)  # until all queues are looked at
        for number in range(WAITS):
            asked = time.perf_counter()
            desk.ask("bench", {"steps": 1}, flow=f"wait-{number}")
            _until_over(desk, f"wait-{number}")
            waits.append(1000 * (idler.begun[f"wait-{number}"] - asked))
    return {"ms": median(waits), "worst": max(waits)}


def measure_start(place: Place) -> Figures:
    took = []
    for _ in range(LAUNCHES):
        start = time.perf_counter()
        with Engine(place, KINDS, Idler()):
            took.append(1000 * (time.perf_counter() - start))
    return {"first": took[0], "later": median(took[1:])}


def measure_idle(place: Place) -> Figures:
    settings = {"SUTDOL_HOME": str(place.home), "SUTDOL_DATABASE_URL": place.database_url}
    sutdol = str(Path(sys.executable).with_name("sutdol"))
    worker = subprocess.Popen(
        [sutdol, "worker"],
        stderr=subprocess.DEVNULL,
        env=os.environ | settings,  # noqa: TID251, handed on and no setting of ours
    )
    try:
        with Desk(place) as desk:
            args = {"role": "guard", "seed": 0, "wait": False}
            flow = desk.ask("found", args)  # it finds nothing to learn from
            _until_over(desk, flow)
            time.sleep(2)
            hand = next(iter(_children(worker.pid)))
            before = _cpu(worker.pid) + _cpu(hand)
            time.sleep(IDLE)
            busy = _cpu(worker.pid) + _cpu(hand) - before
            return {"cpu": 100 * busy / IDLE, "worker": _mb(worker.pid), "hand": _mb(hand)}
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait()


def _until_over(desk: Desk, flow: str) -> None:
    while (found := desk.find(flow)) is None or not found.over:
        time.sleep(0.02)


def _children(pid: int) -> Sequence[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text("utf-8").split()]


def _cpu(pid: int) -> float:
    """Seconds of CPU so far."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


MEASURES = {
    "inline": measure_inline,
    "recorded": measure_recorded,
    "hand": measure_hand,
    "queue": measure_queue,
    "start": measure_start,
    "idle": measure_idle,
}


@contextmanager
def database(kind: str, server: str) -> Iterator[tuple[str, str]]:
    """A fresh home and database of a kind: their places."""
    with TemporaryDirectory(prefix="sutdol-flows-") as home:
        if kind == "SQLite":
            yield home, f"sqlite+pysqlite:///{home}/sutdol.db"
            return
        admin = create_engine(server.replace("postgresql:", "postgresql+psycopg:"))
        with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as tx:
            tx.execute(text("DROP DATABASE IF EXISTS sutdol_bench_flows WITH (FORCE)"))
            tx.execute(text("CREATE DATABASE sutdol_bench_flows"))
            try:
                yield (
                    home,
                    f"{server.rsplit('/', 1)[0]}/sutdol_bench_flows".replace(
                        "postgresql:", "postgresql+psycopg:"
                    ),
                )
            finally:
                tx.execute(text("DROP DATABASE sutdol_bench_flows WITH (FORCE)"))
        admin.dispose()


def measured(kind: str, server: str) -> Mapping[str, Figures]:
    """All figures on one kind of database."""
    found = {}
    for name in MEASURES:
        with database(kind, server) as (home, url):
            command = [sys.executable, SELF, "--one", name, home, url]
            found[name] = json.loads(subprocess.check_output(command))
            print(kind, name, found[name], file=sys.stderr)
    return found


def rows(by_kind: Mapping[str, Mapping[str, Figures]]) -> list[list[str]]:
    shown = {
        "a step inline, ms": ("inline", "ms", ".3f"),
        "a step recorded, ms": ("recorded", "ms", ".1f"),
        "a step by a hand, ms": ("hand", "ms", ".1f"),
        "from asking to its first step, median ms": ("queue", "ms", ".0f"),
        "the same, worst ms": ("queue", "worst", ".0f"),
        "first start, ms": ("start", "first", ".0f"),
        "later start, median ms": ("start", "later", ".0f"),
        "idle worker, % of a core": ("idle", "cpu", ".1f"),
        "memory of a worker, MB": ("idle", "worker", ".0f"),
        "memory of its hand, MB": ("idle", "hand", ".0f"),
    }
    return [
        [name, *(f"{found[of][figure]:{form}}" for found in by_kind.values())]
        for name, (of, figure, form) in shown.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--postgres", default="postgresql://postgres@127.0.0.1:5432/postgres")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--hand", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.hand:
        serve(lambda _: {"nothing": nothing})
        return
    if asked.one:
        name, home, url = asked.one
        figures: Any = MEASURES[name](Place(database_url=url, home=Path(home)))
        print(json.dumps(figures))
        return
    by_kind = {kind: measured(kind, asked.postgres) for kind in ("SQLite", "PostgreSQL")}
    said = SAID.format(steps=STEPS, waits=WAITS, poll=Shift().poll, idle=IDLE)
    write("flows", "What a durable flow costs", said, table(("what", *by_kind), rows(by_kind)))


if __name__ == "__main__":
    main()
