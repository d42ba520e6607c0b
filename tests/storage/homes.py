"""A home with something of everything, a busy one, and what two homes have in common."""

from datetime import datetime
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection

from sutdol.core.types import Example
from sutdol.storage import (
    audit,
    battles,
    examples,
    files,
    looks,
    snapshots,
    turns,
    verdicts,
    versions,
)
from sutdol.storage.audit import Event
from sutdol.storage.battles import NewBattle, Round
from sutdol.storage.copy import Copied, content
from sutdol.storage.database import Database
from sutdol.storage.files import Shelved
from sutdol.storage.looks import Look, NewLook
from sutdol.storage.tables import metadata
from sutdol.storage.verdicts import StoredVerdict
from sutdol.storage.versions import Version

WORDS = ["숫돌 " * 40, "whetstone", "\u200dhidden", "🦊"]


def texts(*messages: str) -> list[Example]:
    return [
        Example(input=one, target="", lang="en", source="s", group=one, part="train")
        for one in messages
    ]


def shelve(home: Path, weights: str) -> Shelved:
    def fill(folder: Path) -> None:
        (folder / "words").mkdir()
        (folder / "words" / "숫돌.json").write_text(weights, encoding="utf-8")
        (folder / "empty").touch()

    return files.shelve(home, "models", fill)


def train(
    tx: Connection, shelved: Shelved, now: datetime, *, snapshot: str | None = None
) -> Version:
    """The next version of the guard, with this model."""
    version = Version(
        id=versions.next_id(tx, "guard"),
        role="guard",
        parent=None,
        snapshot=snapshot,
        path=f"models/{shelved.checksum}",
        checksum=shelved.checksum,
        manifest={"seed": 1},
        created_at=now,
    )
    versions.add(tx, version)
    return version


def freeze(tx: Connection, now: datetime, *messages: str) -> str:
    """A snapshot of these texts."""
    kept = texts(*messages)
    examples.add(tx, "guard", kept, kind="data", reviewed=True, now=now)
    ids = [examples.identity("guard", "data", one) for one in kept]
    return snapshots.put(tx, "guard", ids, {}, now)


def look(tx: Connection, challenger: str, now: datetime) -> Look:
    key = sha256(challenger.encode()).hexdigest()
    wanted = NewLook(key=key, champion=None, challenger=challenger, purpose="gate")
    return looks.charge(tx, "guard", wanted, alpha=lambda _: 0.01, now=now)


def judge(
    tx: Connection, home: Path, charged: Look, now: datetime, *, snapshot: str | None = None
) -> str:
    """A verdict, with its report written before."""
    id_ = f"guard-{charged.key[:12]}"
    for name in ("report.json.gz", "report.json", "report.html"):
        files.write(home / "reports" / id_ / name, f"{name} of {charged.challenger}".encode())
    verdicts.add(
        tx,
        StoredVerdict(
            id=id_,
            role="guard",
            champion=charged.champion,
            challenger=charged.challenger,
            decision="inconclusive",
            reason="too few",
            body={"primary": None},
            snapshot=snapshot,
            exam=None,
            look=charged.key,
            created_at=now,
        ),
    )
    return id_


def fight(tx: Connection, now: datetime, *, rounds: int, snapshot: str | None = None) -> str:
    battle = battles.start(
        tx, NewBattle(role="guard", seed=7, settings={"texts": 3}, texts=snapshot), now
    )
    for number in range(1, rounds + 1):
        add_round(tx, battle.id, number, now)
    return battle.id


def add_round(tx: Connection, battle: str, number: int, now: datetime) -> None:
    done = Round(battle=battle, number=number, body={"n": number}, timing={}, created_at=now)
    battles.add_round(tx, done)


def furnish(db: Database, home: Path, now: datetime) -> None:
    """Texts, snapshots, two models, a verdict with its report, a look that waits, a battle."""
    models = [shelve(home, weights) for weights in ("one", "two" * 1_000)]
    with db.write() as tx:
        frozen = freeze(tx, now, *WORDS)
        first, second = (train(tx, model, now, snapshot=frozen) for model in models)
        versions.point(tx, "guard", "challenger", second.id)
        judge(tx, home, look(tx, first.id, now), now)
        waits = look(tx, second.id, now)
        fight(tx, now, rounds=3, snapshot=frozen)
        for holder in (turns.this_process(), "cycle-1"):
            turns.take(tx, f"turn of {holder}", holder, now, over=lambda _: False)
        audit.add(tx, Event(actor="a", action="b", subject="c", body={}, created_at=now))
    scores = home / "reports" / f"guard-{waits.key[:12]}" / "scores.json.gz"
    files.write(scores, b"scores that wait for the gate")


def url_in(home: Path) -> str:
    return f"sqlite+pysqlite:///{home}/sutdol.db"


def rows_of(db: Database) -> list[Copied]:
    """All rows but those that a restore changes."""
    with db.read() as tx:
        return [
            content(tx, table)
            for table in metadata.sorted_tables
            if table.name not in ("audit", "turn", "session", "stamp")
        ]


def files_of(home: Path) -> dict[str, bytes]:
    """Everything in models and reports."""
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for shelf in ("models", "reports")
        for path in (home / shelf).rglob("*")
        if path.is_file()
    }
