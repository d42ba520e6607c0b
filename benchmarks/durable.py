"""A battle of ten rounds as a durable flow, beside the same battle in one process with no flow.

python benchmarks/durable.py
"""

import argparse
import json
import sys
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

from section import beside, table, write
from usage import Usage, run

SELF = str(Path(__file__))
WAYS = {
    "one process, no flow": "inline",
    "durable, SQLite": "durable",
    "durable, PostgreSQL": "postgresql",
}
SAID = (
    "Ten rounds on the bundled texts with {texts} texts a round and language, the same seed, each"
    " way on a copy of the same home; CPU of all its processes. The rounds were equal: {equal}."
)
MOST = 15.0  # per cent of CPU more


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--texts", type=int, default=150)
    parser.add_argument("--postgres", default="postgresql://postgres@127.0.0.1:5432/postgres")
    parser.add_argument("--one", nargs=3, metavar=("WAY", "HOME", "URL"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        one(*asked.one, rounds=asked.rounds, texts=asked.texts)
        return
    with TemporaryDirectory(prefix="sutdol-durable-") as folder:
        used, rounds = compared(Path(folder), asked)
    base = used["one process, no flow"]
    rows = [
        [name, f"{one.cpu:.0f}", f"{one.wall:.0f}", f"{100 * (one.cpu / base.cpu - 1):+.0f} %"]
        for name, one in used.items()
    ]
    for row in rows:
        print(*row, sep="  ")
    equal = all(one == rounds[0] for one in rounds)
    more = 100 * (used["durable, SQLite"].cpu / base.cpu - 1)
    write(
        "durable",
        "A battle with and without flows",
        SAID.format(texts=asked.texts, equal="yes" if equal else "NO"),
        table(("way", "CPU s", "wall s", "CPU more"), rows),
        beside("CPU more on SQLite", more, most=MOST, unit=" %") + ".",
    )


def compared(folder: Path, asked: argparse.Namespace) -> tuple[dict[str, Usage], list[object]]:
    more = ["--rounds", str(asked.rounds), "--texts", str(asked.texts)]
    seed = folder / "seed"
    run([sys.executable, SELF, "--one", "found", str(seed), "", *more])
    used, rounds = {}, []
    for name, way in WAYS.items():
        home = folder / way
        copytree(seed, home)
        url = database(asked.postgres, home) if way == "postgresql" else ""
        used[name] = run([sys.executable, SELF, "--one", way, str(home), url, *more])
        rounds.append(json.loads((home / "rounds.json").read_text(encoding="utf-8")))
        if url:
            drop(asked.postgres)
    return used, rounds


def one(way: str, home: str, url: str, *, rounds: int, texts: int) -> None:
    from sutdol.app import Sutdol
    from sutdol.arena.campaign import told
    from sutdol.cli.running import run as run_durable
    from sutdol.core.settings import Settings
    from sutdol.flows import run_inline

    with Sutdol.open(Settings.load(home=home, database_url=url or f"sqlite:///{home}/x.db")) as it:
        if way == "found":
            it.take_in_bundled()
            it.crown_first(seed=0)
            return
        args = it.plan(rounds=rounds, texts=texts).args() | {"data": []}
        if way == "inline":
            run_inline(it, "battle", args, lambda _: None)
        else:
            run_durable(it, "battle", args, lambda _: None)
        with it.db.read() as tx:
            fought = told(tx, "1")["rounds"]
    Path(home, "rounds.json").write_text(json.dumps(fought), encoding="utf-8")


def database(server: str, home: Path) -> str:
    """A database of our own with the rows of the home's."""
    from sqlalchemy import create_engine, text

    from sutdol.core.settings import Settings
    from sutdol.storage.copy import copy
    from sutdol.storage.database import Database

    drop(server)
    engine = create_engine(server.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as tx:
        tx.execute(text("CREATE DATABASE sutdol_bench"))
    url = server.rsplit("/", 1)[0] + "/sutdol_bench"
    there = Settings.load(home=home, database_url=url)
    here = Settings.load(home=home, database_url=f"sqlite:///{home}/x.db")
    old = Database.open(here.database_url, home)
    new = Database.open(there.database_url, home)
    with old, new:
        copy(old, new, lambda *_: None)
    return url


def drop(server: str) -> None:
    from sqlalchemy import create_engine, text

    engine = create_engine(server.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as tx:
        tx.execute(text("DROP DATABASE IF EXISTS sutdol_bench WITH (FORCE)"))


if __name__ == "__main__":
    main()
