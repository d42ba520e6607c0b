"""`sutdol db`: upgrades said, damage found, and a home that moves to PostgreSQL and back."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Program

from sutdol.storage.migrations import revisions

NEWEST = revisions()[-1]


def url_of(home: Path) -> str:
    return f"sqlite:///{home}/sutdol.db"


def test_an_upgrade_says_from_where_to_where(sutdol: Program, empty_home: Path) -> None:
    where = empty_home / "sutdol.db"

    assert sutdol("db", "upgrade").out == f"{where}: revision none -> {NEWEST}\n"
    assert sutdol("db", "upgrade").out == f"{where}: revision {NEWEST} -> {NEWEST}\n"
    assert sutdol("db", "upgrade", "--json", "-").json == {"from": NEWEST, "to": NEWEST}


def test_a_downgrade_needs_a_yes_and_is_undone_by_the_next_command(
    sutdol: Program, old_home: Path
) -> None:
    refused = sutdol("db", "upgrade", "--to", "0001")
    done = sutdol("db", "upgrade", "--to", "0001", "--yes", "--json", "-")
    rounds = sutdol("loop", "status", "--json", "-")

    assert refused.code == 3
    assert f"0001 is older than {NEWEST}" in refused.complaint
    assert "back up first, then add --yes" in refused.complaint
    assert done.json == {"from": NEWEST, "to": "0001"}
    assert rounds.json["guard"]["champion"] is not None
    assert sutdol("db", "upgrade", "--json", "-").json["from"] == NEWEST


@pytest.mark.parametrize("to", ["0000", "9999", "base", "head"])
def test_an_unknown_revision_is_refused(sutdol: Program, home: Path, to: str) -> None:
    refused = sutdol("db", "upgrade", "--to", to, "--yes")

    assert refused.code == 2
    assert f"No revision named '{to}'" in refused.complaint


def test_a_check_of_a_used_home_finds_everything_whole(sutdol: Program, old_home: Path) -> None:
    found = sutdol("db", "check")

    assert found.code == 0
    assert [line.split()[0] for line in found.out.splitlines()] == ["ok"] * 6


def test_a_check_names_what_is_broken_and_fails(sutdol: Program, old_home: Path) -> None:
    report = next(old_home.glob("reports/*/report.json.gz"))
    report.unlink()
    model = next(path for path in old_home.glob("models/*/*") if path.is_file())
    model.write_bytes(model.read_bytes() + b"x")
    found = sutdol("db", "check")
    told = sutdol("db", "check", "--json", "-")

    assert found.code == told.code == 1
    broken = [one for one in told.json if one["state"] == "broken"]
    assert {one["name"].split()[0] for one in broken} == {"model", "report"}
    assert f"{report} is gone; restore a backup" in found.out


def test_a_check_makes_no_database(sutdol: Program, empty_home: Path) -> None:
    refused = sutdol("db", "check")

    assert refused.code == 1
    assert f"There is no database at {empty_home}/sutdol.db" in refused.complaint
    assert not empty_home.exists()


def test_a_used_home_moves_to_another_database_and_back(
    sutdol: Program,
    old_home: Path,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    asked = (("loop", "status"), ("loop", "history", "guard"), ("loop", "lineage", "guard-v1"))
    before = [sutdol(*words, "--json", "-").out for words in asked]
    moved = sutdol("db", "copy", url_of(old_home), database_url, "--json", "-")

    (old_home / "sutdol.db").rename(tmp_path / "old.db")
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert [sutdol(*words, "--json", "-").out for words in asked] == before
    assert sutdol("guard", "check", "see you at the library").out.startswith("ok\n")
    assert sutdol("db", "check").code == 0

    back = sutdol("db", "copy", database_url, url_of(tmp_path / "back"), "--json", "-")
    assert back.json == moved.json
    assert {one["table"] for one in moved.json if one["rows"]} >= {
        "example",
        "version",
        "round",
        "verdict",
        "look",
    }


def test_a_battle_goes_on_where_the_database_moved_to(
    sutdol: Program, old_home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sutdol("db", "copy", url_of(old_home), database_url)
    monkeypatch.setenv("DATABASE_URL", database_url)
    fought = sutdol("arena", "battle", "--rounds", 1, "--seed", 4, "--json", "-")

    assert fought.code == 0, fought.err
    assert fought.json["battle"] == "2"
    assert sutdol("db", "check").code == 0


def test_a_copy_shows_each_table_with_rows_and_hash(
    sutdol: Program, home: Path, tmp_path: Path
) -> None:
    done = sutdol("db", "copy", url_of(home), url_of(tmp_path / "new"))
    head, *lines = done.out.splitlines()
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]

    assert [cell.strip() for cell in head.split("|")] == ["table", "rows", "hash"]
    assert all(len(hash_) == 64 for _, _, hash_ in cells)
    total = sum(int(rows) for _, rows, _ in cells)
    assert done.err == f"{total} rows are the same on both sides\n"


def test_a_copy_draws_a_bar_on_a_terminal(home: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "sutdol", "db", "copy", url_of(home), url_of(tmp_path / "new")],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
        check=False,
    )
    os.close(theirs)
    drawn = os.read(ours, 100_000).decode()
    os.close(ours)

    assert done.returncode == 0
    assert "100%" in drawn
    assert b"\x1b" not in done.stdout


def same_home(home: Path, tmp_path: Path) -> tuple[str, str]:
    return url_of(home), url_of(home)


def no_source(home: Path, tmp_path: Path) -> tuple[str, str]:
    return url_of(tmp_path / "nowhere"), url_of(tmp_path / "new")


def no_url(home: Path, tmp_path: Path) -> tuple[str, str]:
    return str(home / "sutdol.db"), url_of(tmp_path / "new")


@pytest.mark.parametrize(
    ("urls", "code", "why"),
    [
        (same_home, 3, "is not empty"),
        (no_source, 1, "There is no database at"),
        (no_url, 2, "must start with sqlite:/// or postgresql://"),
    ],
)
def test_a_copy_that_cannot_be_is_refused_and_leaves_nothing(
    sutdol: Program,
    home: Path,
    tmp_path: Path,
    urls: Callable[[Path, Path], tuple[str, str]],
    code: int,
    why: str,
) -> None:
    refused = sutdol("db", "copy", *urls(home, tmp_path))

    assert refused.code == code
    assert why in refused.complaint
    assert not (tmp_path / "new").exists()


def test_a_copy_writes_what_it_did_to_a_file(sutdol: Program, home: Path, tmp_path: Path) -> None:
    target = tmp_path / "copied.json"
    sutdol("db", "copy", url_of(home), url_of(tmp_path / "new"), "--json", target)
    tables = json.loads(target.read_text(encoding="utf-8"))

    assert {"table", "rows", "hash"} == set(tables[0])
    assert sutdol("db", "check").code == 0
