"""What a request through the gateway costs, beside a bare passthrough and LiteLLM's proxy.

    python benchmarks/gateway.py            # about six minutes
    python benchmarks/gateway.py --quick    # about one and a half

LiteLLM is installed for the comparison alone, into .sutdol/bench/litellm (0.8 GB).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from gateway_load import Job
from gateway_servers import (
    CORES,
    HERE,
    LOAD,
    Recipe,
    Server,
    bare,
    free_port,
    installed,
    litellm,
    ours,
    process,
    running,
)
from gateway_told import BARE, BOTH, CELLS, DIRECT, OURS, SAID, Cell, Figures, Life, tables
from section import write

from sutdol.app import Sutdol, bundled
from sutdol.core.settings import Settings
from sutdol.roles.decisions import decide

BENCH = Path(".sutdol/bench").absolute()
WARM_UP = 0.3  # seconds


class Clients:
    """Clients in a process of their own."""

    def __init__(self, running: "subprocess.Popen[str]") -> None:
        assert running.stdin is not None
        assert running.stdout is not None
        self._ask, self._told = running.stdin, running.stdout

    def put_on(self, server: Server, cell: Cell, seconds: float) -> dict[str, Any]:
        """What a job found; an answer that is not good ends everything."""
        job = Job(port=server.port, key=server.key, seconds=seconds, **cell.asked)
        print(json.dumps(asdict(job)), file=self._ask, flush=True)
        done: dict[str, Any] = json.loads(self._told.readline())
        if done["failures"]:
            sys.exit(f"{server.name} failed at {cell.name}: {done['why']}")
        return done


def measured(
    clients: Clients, servers: Mapping[str, Server], rounds: int, seconds: float
) -> Figures:
    """Each server in turn, in each round another one first."""
    figures: Figures = defaultdict(list)
    for cell in CELLS:
        for name in cell.on:
            if name in servers:
                clients.put_on(servers[name], cell, WARM_UP)
    for number in range(rounds):
        for cell in CELLS:
            there = [servers[name] for name in cell.on if name in servers]
            for server in [*there[number:], *there[:number]]:
                cpu = server.cpu()
                done = clients.put_on(server, cell, seconds)
                cpu = (server.cpu() - cpu) / len(done["whole"]) / cell.per
                note(figures, cell, server, 1e6 * cpu, done)
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    return figures


def note(figures: Figures, cell: Cell, server: Server, cpu: float, done: dict[str, Any]) -> None:
    whole = sorted(done["whole"])
    figures[cell.name, server.name, "cpu"].append(cpu)
    figures[cell.name, server.name, "p50"].append(1e3 * median(whole))
    figures[cell.name, server.name, "p99"].append(1e3 * whole[int(0.99 * len(whole))])
    figures[cell.name, server.name, "first"].append(1e3 * median(done["first"]))


@contextmanager
def opened(folder: Path) -> Iterator[Sutdol]:
    settings = Settings.load(home=folder, database_url=f"sqlite:///{folder}/sutdol.db")
    with Sutdol.open(settings) as sutdol:
        yield sutdol


def learned() -> Path:
    """A home with a guard that learned from the bundled texts, made where missing."""
    folder = BENCH / "gateway-home"
    with opened(folder) as sutdol:
        sutdol.take_in_bundled()
        sutdol.crown_first(seed=0)
    return folder


def sentences(home: Path) -> list[list[str]]:
    """By language the half of the harmless bundled texts that the guard finds most harmless."""
    found = []
    with opened(home) as sutdol:
        guard = sutdol.live()
    for lang in ("en", "ko"):
        texts = sorted({one.input for one in bundled() if one.lang == lang and not one.target})
        texts.sort(key=lambda text: decide(guard, text).score)
        found.append(texts[: len(texts) // 2])
    return found


def recipes(home: Path, folder: Path, upstream: int, program: Path | None) -> list[Recipe]:
    copies = [Path(shutil.copytree(home, folder / name)) for name in ("one", "two")]
    made = [
        bare(BARE, upstream),
        ours(OURS, copies[0], upstream),
        ours(BOTH, copies[1], upstream, SUTDOL_GATEWAY__GUARD_OUTPUT="true"),
    ]
    return [*made, *([litellm(program, folder, upstream)] if program else [])]


def started(
    stack: ExitStack, wanted: Sequence[Recipe], starts: int, folder: Path
) -> tuple[dict[str, Server], dict[str, Life]]:
    """All of them, after having been started and stopped some times."""
    lives = {one.name: Life() for one in wanted}
    for _ in range(starts - 1):
        for one in wanted:
            with running(one, folder / f"{one.name}.log") as server:
                lives[one.name].ready.append(server.ready)
    servers = {}
    for one in wanted:
        server = stack.enter_context(running(one, folder / f"{one.name}.log"))
        lives[one.name].ready.append(server.ready)
        lives[one.name].young = server.memory()
        servers[one.name] = server
    return servers, lives


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    quick = parser.parse_args().quick
    rounds, seconds, starts = (3, 0.6, 1) if quick else (5, 2.0, 3)
    program, version = installed(BENCH / "litellm")
    home = learned()
    with TemporaryDirectory(prefix="sutdol-gateway-") as name, ExitStack() as stack:
        folder, port = Path(name), free_port()
        said = folder / "sentences.json"
        said.write_text(json.dumps(sentences(home)), encoding="utf-8")
        os.sched_setaffinity(0, {LOAD})
        python = [sys.executable]
        upstream = [*python, str(HERE / "gateway_upstream.py"), str(said), str(port)]
        stack.enter_context(process(upstream, LOAD))
        load = [*python, str(HERE / "gateway_load.py"), str(said)]
        clients = Clients(stack.enter_context(process(load, LOAD)))
        wanted = recipes(home, folder, port, program)
        servers, lives = started(stack, wanted, starts, folder)
        servers = {DIRECT: Server(name=DIRECT, port=port, key="none"), **servers}
        figures = measured(clients, servers, rounds, seconds)
        for one, life in lives.items():
            life.old = servers[one].memory()
    os.sched_setaffinity(0, CORES)
    peer = f"`litellm[proxy]` {version}" if program else f"missing ({version})"
    write(
        "gateway",
        "What the gateway costs",
        SAID.format(rounds=rounds, seconds=seconds, peer=peer),
        *tables(figures, lives),
    )


if __name__ == "__main__":
    main()
