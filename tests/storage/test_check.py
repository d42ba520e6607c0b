"""The check finds what is broken, in the database and in the files that it names."""

import gzip
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import pytest
from tests.databases import on_postgresql, on_sqlite, rewrite

from sutdol.core.types import Example
from sutdol.storage import audit, examples, files, uploads, verdicts, versions
from sutdol.storage.audit import Event
from sutdol.storage.check import check
from sutdol.storage.database import Database
from sutdol.storage.uploads import Receiving
from sutdol.storage.verdicts import StoredVerdict
from sutdol.storage.versions import Version

EVIDENCE = {"rows": [["한국어", "e3"]], "champion": {"scores": [0.1, None]}}


def broken(db: Database, home: Path) -> list[str]:
    return [f"{one.name}: {one.text}" for one in check(db, home) if one.state == "broken"]


def write_model(folder: Path) -> None:
    (folder / "model.json").write_text("{}")


def write_report(home: Path, verdict: str) -> Path:
    path = home / "reports" / verdict / "report.json.gz"
    content = {"evidence": EVIDENCE, "made_with": {}}
    files.write(path, gzip.compress(json.dumps(content, ensure_ascii=False).encode()))
    return path


@pytest.fixture
def used(db: Database, tmp_path: Path, now: datetime) -> Database:
    """A database that names one model and one report, and the files of both in the home."""
    shelved = files.shelve(tmp_path, "models", write_model)
    version = Version(
        id="guard-v1",
        role="guard",
        parent=None,
        snapshot=None,
        path=str(shelved.path.relative_to(tmp_path)),
        checksum=shelved.checksum,
        manifest={},
        created_at=now,
    )
    verdict = StoredVerdict(
        id="guard-1a2b",
        role="guard",
        champion=None,
        challenger="guard-v1",
        decision="reject",
        reason="because",
        body={"scores": sha256(json.dumps(EVIDENCE, sort_keys=True).encode()).hexdigest()},
        snapshot=None,
        exam=None,
        look=None,
        created_at=now,
    )
    write_report(tmp_path, verdict.id)
    with db.write() as tx:
        versions.add(tx, version)
        verdicts.add(tx, verdict)
    return db


def model_of(db: Database, home: Path) -> Path:
    with db.read() as tx:
        return home / versions.get(tx, "guard-v1").path


def test_what_is_whole_is_said_in_six_lines(used: Database, tmp_path: Path) -> None:
    found = check(used, tmp_path)
    assert {one.state for one in found} == {"ok"}
    assert [one.name for one in found] == [
        "database",
        "revision",
        "foreign keys",
        "models",
        "reports",
        "uploads",
    ]
    assert found[-3].text == "1 are what was written, 0 were pruned"
    assert found[-2].text == "1 hold the scores that were judged"
    assert found[-1].text == "0 hold what was sent"


def test_a_changed_model_is_named(used: Database, tmp_path: Path) -> None:
    (model_of(used, tmp_path) / "model.json").write_text("{ }")
    (line,) = broken(used, tmp_path)
    assert line.startswith("model guard-v1: ")
    assert "was changed since it was written" in line


def test_a_model_that_is_gone_is_named_unless_it_was_pruned(
    used: Database, tmp_path: Path, now: datetime
) -> None:
    shutil.rmtree(model_of(used, tmp_path))
    (line,) = broken(used, tmp_path)
    assert "is gone" in line
    with used.write() as tx:
        pruned = Event(actor="a", action="prune", subject="guard-v1", body={}, created_at=now)
        audit.add(tx, pruned)
    assert broken(used, tmp_path) == []


def test_a_pruned_model_that_is_there_again_must_be_whole(
    used: Database, tmp_path: Path, now: datetime
) -> None:
    with used.write() as tx:
        pruned = Event(actor="a", action="prune", subject="guard-v1", body={}, created_at=now)
        audit.add(tx, pruned)
    (model_of(used, tmp_path) / "model.json").write_text("{ }")
    assert len(broken(used, tmp_path)) == 1


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (Path.unlink, "is gone; restore a backup"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "cannot be read"),
        (lambda path: path.write_bytes(b"no gzip"), "cannot be read"),
        (lambda path: path.write_bytes(gzip.compress(b"[]")), "cannot be read"),
        (lambda path: path.write_bytes(gzip.compress(b"{}")), "cannot be read"),
        (
            lambda path: path.write_bytes(gzip.compress(b'{"evidence": {}}')),
            "holds other scores than were judged",
        ),
    ],
)
def test_a_report_that_is_not_what_was_judged_is_named(
    used: Database, tmp_path: Path, spoil: Callable[[Path], object], why: str
) -> None:
    spoil(tmp_path / "reports" / "guard-1a2b" / "report.json.gz")
    (line,) = broken(used, tmp_path)
    assert line.startswith("report guard-1a2b: ")
    assert why in line


def sent(db: Database, home: Path, now: datetime, content: bytes) -> Path:
    """Where the content of a new upload lies."""
    with Receiving.begin(home, most=99) as receiving:
        receiving.take(content)
        with db.write() as tx:
            made = receiving.keep(tx, user="kim", name="a", purpose="batch", now=now)
    return uploads.path(home, made)


def test_an_upload_that_is_not_what_was_sent_is_named(
    used: Database, tmp_path: Path, now: datetime
) -> None:
    whole, spoilt, gone = (sent(used, tmp_path, now, one) for one in (b"a", b"b", b"c"))
    spoilt.write_bytes(b"B")
    gone.unlink()
    assert sorted(line.partition(": ")[2] for line in broken(used, tmp_path)) == sorted(
        [
            f"{spoilt} is not what was sent; restore a backup.",
            f"{gone} is gone; restore a backup.",
        ]
    )
    assert all(line.startswith("file file-") for line in broken(used, tmp_path))
    assert check(used, tmp_path)[-1].text == "1 hold what was sent"
    assert whole.is_file()


def test_an_upload_without_a_row_is_told_and_no_damage(
    used: Database, tmp_path: Path, now: datetime
) -> None:
    kept = sent(used, tmp_path, now, b"named")
    for number in range(7):
        (kept.parent / (f"{number}" * 64)).write_bytes(b"12345")
    last = check(used, tmp_path)[-1]
    assert (last.name, last.state) == ("unnamed uploads", "ok")
    assert last.text.startswith("7 files (35 bytes) that no row of this database names; if it is")
    assert f"delete them by hand: uploads/{kept.parent.name}/{'0' * 64}, uploads/" in last.text
    assert last.text.endswith(f"{'4' * 64}, …")
    assert kept.name not in last.text


def test_a_row_that_names_no_content_hides_nothing_else(
    used: Database, database_url: str, tmp_path: Path, now: datetime
) -> None:
    sent(used, tmp_path, now, b"a")
    rewrite(database_url, "UPDATE upload SET digest = %s", "../../x")
    assert len(check(used, tmp_path)) == 6
    (line,) = broken(used, tmp_path)
    assert "names no content: restore a backup" in line


def test_an_older_revision_says_what_to_run_and_asks_no_further(
    used: Database, tmp_path: Path
) -> None:
    used.migrate("0001")
    assert broken(used, tmp_path) == ["revision: 0001 and not 0005: run `sutdol db upgrade`."]


def test_a_database_without_tables_is_said_to_be_one(
    empty_database_url: str, tmp_path: Path
) -> None:
    with Database.prepare(empty_database_url, tmp_path) as db:
        assert broken(db, tmp_path) == ["revision: none and not 0005: run `sutdol db upgrade`."]


@on_sqlite
def test_rows_that_point_nowhere_are_counted(
    used: Database, database_url: str, tmp_path: Path
) -> None:
    rewrite(database_url, "UPDATE version SET parent = 'guard-v0', snapshot = 'none'")
    assert broken(used, tmp_path) == [
        "foreign keys: 1 rows of version.parent point to no version: restore a backup.",
        "foreign keys: 1 rows of version.snapshot point to no snapshot: restore a backup.",
    ]


@on_postgresql
def test_rows_that_a_restore_let_in_unchecked_are_counted(
    used: Database, database_url: str, tmp_path: Path
) -> None:
    rewrite(database_url, "ALTER TABLE version DISABLE TRIGGER ALL")
    rewrite(database_url, "UPDATE version SET parent = 'guard-v0'")
    assert broken(used, tmp_path) == [
        "foreign keys: 1 rows of version.parent point to no version: restore a backup."
    ]


@on_postgresql
def test_the_server_says_which_it_is(used: Database, tmp_path: Path) -> None:
    assert check(used, tmp_path)[0].text.startswith("PostgreSQL 1")


@on_sqlite
def test_damage_in_the_file_is_told_and_not_thrown(
    used: Database, text: Callable[..., Example], tmp_path: Path, now: datetime
) -> None:
    with used.write() as tx:
        many = [text(f"{number} " * 50) for number in range(300)]
        examples.add(tx, "guard", many, kind="data", reviewed=True, now=now)
    used.close()
    path = Path(used.where)
    with closing(sqlite3.connect(path)) as file:
        page = file.execute("SELECT rootpage FROM sqlite_master WHERE name = 'example'").fetchone()
    content = bytearray(path.read_bytes())
    start = 4096 * (page[0] - 1)
    content[start : start + 4096] = os.urandom(4096)
    path.write_bytes(content)
    found = broken(used, tmp_path)
    assert found
    assert all("restore a backup" in line for line in found)
