"""`sutdol backup`, `sutdol restore` and `sutdol loop prune`."""

import gzip
import json
import os
import pty
import subprocess
import sys
import tarfile
from pathlib import Path
from shutil import rmtree

import pytest
from tests.cli.conftest import Fought, Program, Start, calibrate
from tests.databases import on_postgresql


@pytest.fixture
def archive(sutdol: Program, old_home: Path, tmp_path: Path) -> Path:
    """A backup of the home with a battle behind it."""
    assert sutdol("backup", tmp_path / "b.tar.gz").code == 0
    return tmp_path / "b.tar.gz"


@pytest.fixture
def moved(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another home, which is not there yet; the program uses it from now on."""
    home = tmp_path / "새집" / "home"
    home.parent.mkdir()
    monkeypatch.setenv("SUTDOL_HOME", str(home))
    return home


def history(sutdol: Program) -> object:
    return sutdol("loop", "history", "guard", "--json", "-").json


def test_a_restored_home_answers_as_the_old_one(
    sutdol: Program, archive: Path, fought: Fought, moved: Path
) -> None:
    done = sutdol("restore", archive)

    assert done.code == 0
    assert done.out.startswith(f"restored {moved} as of 20")
    assert done.err == ""
    assert sutdol("guard", "check", "see you at the library").out.startswith("ok\n")
    verdict = fought.json["rounds"][0]["verdict"]["id"]
    assert sutdol("loop", "verify", verdict, "--rescore").out.startswith("agrees")
    assert [row["what"] for row in history(sutdol)] == ["crowned", "inconclusive", "inconclusive"]  # type: ignore[attr-defined]


def test_a_backup_is_made_while_the_home_is_not_touched(sutdol: Program, archive: Path) -> None:
    before = history(sutdol)
    done = sutdol("backup", archive)

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"wrote {archive}: ")
    assert "3 models, 2 reports" in done.out
    assert history(sutdol) == before


def test_a_battle_goes_on_from_a_backup_taken_in_its_middle(
    sutdol: Program, start: Start, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flows come along: what was done is not done again, and the rounds come out the same."""
    running = start("arena", "battle", "--rounds", 2, "--seed", 3, "--json", tmp_path / "a.json")
    assert running.stdout.readline().startswith("round 1/2 ")
    assert sutdol("backup", tmp_path / "b.tar.gz").code == 0
    assert running.wait(timeout=60) == 0

    monkeypatch.setenv("SUTDOL_HOME", str(tmp_path / "new"))
    assert sutdol("restore", tmp_path / "b.tar.gz").code == 0
    resumed = start("arena", "battle", "--resume", "last", "--json", tmp_path / "b.json")
    assert resumed.wait(timeout=60) == 0

    whole, again = (json.loads((tmp_path / f"{name}.json").read_bytes()) for name in "ab")
    assert len(whole["rounds"]) == 2
    assert again["rounds"] == whole["rounds"]


def test_both_say_in_json_what_they_did(
    sutdol: Program, old_home: Path, moved: Path, archive: Path
) -> None:
    taken = sutdol("restore", archive, "--json", "-").json
    told = sutdol("backup", archive.parent / "c.tar.gz", "--json", "-").json

    assert taken["home"] == str(moved)
    assert (taken["aside"], taken["missing"], told["missing"]) == (None, [], [])
    assert told["rows"] == taken["rows"] | {"audit": taken["rows"]["audit"] + 1, "stamp": 1}
    assert told["bytes"] > 100_000
    assert told["file"] == str(archive.parent / "c.tar.gz")


def test_a_home_that_is_not_empty_is_kept(sutdol: Program, archive: Path) -> None:
    refused = sutdol("restore", archive)

    assert refused.code == 3
    assert "is not empty: restore into a new home, or give --force" in refused.complaint
    done = sutdol("restore", archive, "--force")
    assert done.code == 0
    home = archive.parent / "home"
    assert done.err == f"What was there before is in {home}.before-restore-1\n"
    assert (archive.parent / "home.before-restore-1" / "sutdol.db").is_file()


def test_it_is_said_that_keys_and_users_are_as_they_were(
    sutdol: Program, archive: Path, moved: Path, tmp_path: Path
) -> None:
    sutdol("restore", archive)
    key = sutdol("keys", "create", "--json", "-").json["id"]
    sutdol("backup", tmp_path / "c.tar.gz")
    sutdol("keys", "revoke", key)
    done = sutdol("restore", tmp_path / "c.tar.gz", "--force")

    assert done.code == 0
    assert "Keys that were revoked and users that were disabled since then are valid" in done.err
    assert sutdol("keys", "list", "--json", "-").json[0]["state"] == "valid"


def test_without_a_home_there_is_nothing_to_back_up(
    sutdol: Program, empty_home: Path, tmp_path: Path
) -> None:
    refused = sutdol("backup", tmp_path / "b.tar.gz")

    assert refused.code == 1
    assert "There is no database at" in refused.complaint
    assert not empty_home.exists()
    assert not (tmp_path / "b.tar.gz").exists()


def test_a_damaged_model_is_told_and_the_rest_is_saved(
    sutdol: Program, home: Path, tmp_path: Path
) -> None:
    (model,) = home.glob("models/*")
    rmtree(model)
    done = sutdol("backup", tmp_path / "b.tar.gz")

    assert done.code == 1
    assert done.err == (
        "The model guard-v1 was gone or damaged before: `sutdol db check` tells more.\n"
    )
    with tarfile.open(tmp_path / "b.tar.gz") as tar:
        assert "sutdol.db" in tar.getnames()


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "cannot be read: No such file"), (b"no backup", "is no backup of Sutdol")],
)
def test_what_is_no_backup_is_bad_input(
    sutdol: Program, empty_home: Path, tmp_path: Path, content: bytes | None, why: str
) -> None:
    if content is not None:
        (tmp_path / "b.tar.gz").write_bytes(content)
    refused = sutdol("restore", tmp_path / "b.tar.gz")

    assert refused.code == 2
    assert why in refused.complaint
    assert not empty_home.exists()


def test_a_damaged_backup_is_said_to_be_that(sutdol: Program, archive: Path, moved: Path) -> None:
    content = bytearray(gzip.decompress(archive.read_bytes()))
    content[-20_000] ^= 1
    archive.write_bytes(gzip.compress(content, 1))
    refused = sutdol("restore", archive)

    assert refused.code == 1
    assert "is damaged or was cut off: take another backup" in refused.complaint
    assert not moved.exists()


@on_postgresql
def test_with_postgresql_it_is_said_that_flows_stay_behind(
    sutdol: Program,
    empty_home: Path,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    done = sutdol("backup", tmp_path / "b.tar.gz")

    assert done.code == 0
    assert done.err == "Flows are not part of it: with PostgreSQL they live in its schema dbos.\n"
    refused = sutdol("restore", tmp_path / "none.tar.gz")
    assert refused.code == 2
    monkeypatch.delenv("DATABASE_URL")
    assert sutdol("restore", tmp_path / "b.tar.gz").code == 0
    assert "champion none" in sutdol("loop", "status").out


def test_on_a_terminal_a_bar_shows_how_far_it_is(archive: Path) -> None:
    ours, theirs = pty.openpty()
    ran = subprocess.run(
        [sys.executable, "-m", "sutdol", "backup", archive],
        stdout=subprocess.PIPE,
        stderr=theirs,
        check=True,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "80"},
    )
    os.close(theirs)
    assert b"backing up" in os.read(ours, 4096)
    os.close(ours)
    assert ran.stdout.startswith(b"wrote ")


def test_prune_says_what_goes_and_lets_it_go(
    sutdol: Program, home: Path, corpus: dict[str, Path]
) -> None:
    assert calibrate(sutdol, corpus) == "guard-v2"
    kept = sorted(home.glob("models/*"))
    for tokens in ([], ["--keep", "1"], ["--keep", "1", "--dry-run"]):
        done = sutdol("loop", "prune", "guard", *tokens)
        assert done.code == 0
        assert done.out.endswith("0 models (0.0 MB), 0 snapshots (0 rows)\n")
    assert sorted(home.glob("models/*")) == kept  # both were champion

    sutdol("feedback", "import", corpus["new"])
    for seed in range(2):
        sutdol("loop", "improve", "guard", "--seed", seed)
    said = sutdol("loop", "prune", "guard", "--keep", "1", "--dry-run", "--json", "-").json
    assert (said["dry_run"], said["versions"]) == (True, ["guard-v3"])
    done = sutdol("loop", "prune", "guard", "--keep", "1", "--json", "-").json
    assert done == said | {"dry_run": False}
    assert done["bytes"] > 100_000
    assert len(list(home.glob("models/*"))) == len(kept) + 1


@pytest.mark.parametrize(
    ("tokens", "hint"),
    [(["gard"], "Did you mean 'guard'?"), (["guard", "--keep", "0"], "Must be >= 1")],
)
def test_prune_refuses_what_makes_no_sense(
    sutdol: Program, home: Path, tokens: list[str], hint: str
) -> None:
    refused = sutdol("loop", "prune", *tokens)

    assert refused.code == 2
    assert hint in refused.complaint


def test_the_manifest_can_be_read_with_any_tool(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        file = tar.extractfile(tar.getmembers()[0])
        assert file is not None
        manifest = json.load(file)
    assert set(manifest) == {
        "format",
        "sutdol",
        "revision",
        "created_at",
        "rows",
        "missing",
        "files",
    }
