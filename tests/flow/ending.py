"""What flows left behind, all of it: every row but its times, and every file."""

import json
from pathlib import Path
from typing import Any

from sqlalchemy import select

from sutdol.loop.workshop import Workshop
from sutdol.storage import files, looks, promotions, turns, verdicts
from sutdol.storage.tables import metadata

COUNTED = ("look", "promotion", "audit", "sealed_read", "evaluation")
"""Tables whose ids the database counts: PostgreSQL counts on where a kill took a row back."""
TIMES = ("created_at", "updated_at", "drawn_at", "retired_at", "taken_at", "timing")
Ending = dict[str, list[Any]]


def ending(shop: Workshop[Any]) -> Ending:
    """By table its rows in order; and the files of the home."""
    found: Ending = {}
    with shop.db.read() as tx:
        for name, table in metadata.tables.items():
            if name == "alembic_version":
                continue
            rows = [row._asdict() for row in tx.execute(select(table))]
            rows = [row for row in rows if not str(row.get("flow")).startswith(turns.HERE)]
            rows.sort(key=lambda row: row["id"] if name in COUNTED else str(row))
            found[name] = [_timeless(name, row) for row in rows]
    for name, rows in found.items():
        if name not in COUNTED:
            rows.sort(key=json.dumps)
    found["files"] = sorted(_files(shop.home))
    return found


def differences(one: Ending, other: Ending) -> list[str]:
    """Where two endings differ, for people."""
    told = []
    for name in sorted({*one, *other}):
        here, there = one.get(name, []), other.get(name, [])
        told += [f"{name}: lost {row}" for row in here if row not in there]
        told += [f"{name}: more {row}" for row in there if row not in here]
        if len(here) != len(there):
            told.append(f"{name}: {len(there)} instead of {len(here)}")
    return [line[:400] for line in told]


def sound(shop: Workshop[Any]) -> list[str]:
    """What no ending may show, whatever it is compared with."""
    with shop.db.read() as tx:
        charged = looks.all(tx, "guard")
        judged = verdicts.all(tx, "guard")
        crowned = [one for one in promotions.all(tx, "guard") if one.kind == "promote"]
    wrong = []
    if len({one.key for one in charged}) != len(charged):
        wrong.append("a look was charged twice")
    if {one.look for one in judged} != {one.key for one in charged}:
        wrong.append("a verdict without its look, or a look without its verdict")
    if len({one.verdict for one in crowned}) != len(crowned):
        wrong.append("a verdict promoted twice")
    return wrong


def drafts(home: Path) -> list[str]:
    """What writers left half done, after one more write in each room."""
    for shelf in ("models", "reports"):
        files.shelve(home, shelf, lambda folder: (folder / "last").touch())
    return [str(path.relative_to(home)) for path in home.glob(f"*/{files.DRAFT}*")]


def _timeless(table: str, row: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name not in TIMES}
    if table in COUNTED:
        del kept["id"]
    if table == "effect":
        kept["body"] = {name: value for name, value in row["body"].items() if name not in TIMES}
    return json.loads(json.dumps(kept, default=str, sort_keys=True))


def _files(home: Path) -> list[str]:
    """Each file with its checksum; reports tell the time they were made at, so only their names."""
    found = []
    for shelf in ("models", "reports", "snapshots"):
        for path in (home / shelf).rglob("*"):
            told = files.checksum(path) if path.is_file() and shelf != "reports" else ""
            found.append(f"{path.relative_to(home)} {told}")
    return found
