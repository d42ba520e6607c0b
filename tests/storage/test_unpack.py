"""A backup from anywhere: damaged, hostile or of another release, it changes nothing."""

import gzip
import json
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.storage import homes

from sutdol.core.errors import BadInput, Corrupted, NotReady, Refused, SutdolError
from sutdol.storage.backup import backup
from sutdol.storage.database import Database
from sutdol.storage.restore import restore

NOW = datetime(2026, 1, 2, tzinfo=UTC)
Change = Callable[["Archive"], object]


class Archive:
    """A backup taken apart: its manifest and its members, to be put together otherwise."""

    def __init__(self, content: bytes) -> None:
        with tarfile.open(fileobj=BytesIO(content)) as tar:
            read = [(member, tar.extractfile(member).read()) for member in tar]  # type: ignore[union-attr]
        self.manifest: dict[str, Any] = json.loads(read[0][1])
        self.members = read[1:]

    def add(self, name: str, content: bytes = b"", *, promised: bool = True, **how: Any) -> None:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        for attribute, value in how.items():
            setattr(member, attribute, value)
        self.members.append((member, content))
        if promised:
            self.promise(name, content)

    def promise(self, name: str, content: bytes) -> None:
        told = {"size": len(content), "sha256": sha256(content).hexdigest()}
        self.manifest["files"][name] = told

    def replace(self, name: str, content: bytes) -> None:
        self.members = [one for one in self.members if one[0].name != name]
        self.add(name, content)

    def packed(self) -> bytes:
        head = json.dumps(self.manifest).encode()
        first = tarfile.TarInfo("manifest.json")
        first.size = len(head)
        out = BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as tar:
            for member, content in [(first, head), *self.members]:
                tar.addfile(member, BytesIO(content))
        return out.getvalue()


@pytest.fixture(scope="module")
def genuine(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A backup as it should be."""
    home = tmp_path_factory.mktemp("genuine")
    with Database.open(homes.url_in(home), home) as db:
        homes.furnish(db, home, NOW)
    to = tmp_path_factory.mktemp("backups") / "b.tar.gz"
    backup(homes.url_in(home), home, to, now=NOW)
    return to.read_bytes()


def put(folder: Path, content: bytes) -> Path:
    """Restore it into folder/home, which this is."""
    (folder / "b.tar.gz").write_bytes(content)
    restore(folder / "b.tar.gz", homes.url_in(folder / "home"), folder / "home", now=NOW)
    return folder / "home"


def refused(folder: Path, content: bytes, kind: type[SutdolError], why: str) -> None:
    """It is refused, and nothing is left anywhere."""
    beside = folder / "deep" / "er"
    beside.mkdir(parents=True)
    with pytest.raises(kind, match=why):
        put(beside, content)
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    assert left == {"deep", "deep/er", "deep/er/b.tar.gz"}


def test_put_together_as_it_was_it_is_accepted(genuine: bytes, tmp_path: Path) -> None:
    home = put(tmp_path, Archive(genuine).packed())
    with Database.found(homes.url_in(home)) as db:
        assert sum(one.rows for one in homes.rows_of(db)) > 10


@pytest.mark.parametrize(
    "name",
    [
        "../escaped",
        "models/../../escaped",
        "models/x/../../../escaped",
        "/tmp/escaped",
        "models//escaped",
        "models/x",
        "models/x/.",
        "models/x/..",
        "models/x/a\\b",
        "models/x/a\nb",
        "models/x/a\x00b",
        "reports/x/\ud800",
        "locks/x/y",
        "sutdol.db-wal",
        "",
    ],
)
def test_a_name_that_no_backup_of_ours_has_is_refused(
    genuine: bytes, tmp_path: Path, name: str
) -> None:
    archive = Archive(genuine)
    archive.promise(name, b"")
    refused(tmp_path, archive.packed(), Refused, r"no honest backup: it holds .*Nothing was")


@pytest.mark.parametrize("promised", [True, False])
@pytest.mark.parametrize(
    "how",
    [
        {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
        {"type": tarfile.SYMTYPE, "linkname": "empty"},
        {"type": tarfile.LNKTYPE, "linkname": "sutdol.db"},
        {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3},
        {"type": tarfile.BLKTYPE},
        {"type": tarfile.FIFOTYPE},
        {"type": tarfile.DIRTYPE},
        {"type": tarfile.CONTTYPE},
        {"pax_headers": {"GNU.sparse.map": "0,0", "GNU.sparse.size": "0"}},
    ],
    ids=str,
)
def test_what_is_no_plain_file_is_refused(
    genuine: bytes, tmp_path: Path, how: dict[str, Any], promised: bool
) -> None:
    archive = Archive(genuine)
    archive.add("models/x/y", promised=promised, **how)
    refused(tmp_path, archive.packed(), Refused, "no honest backup: it holds 'models/x/y'")


def twice(archive: Archive) -> None:
    archive.members.append(archive.members[-1])


def not_promised(archive: Archive) -> None:
    archive.add("models/x/y", b"more", promised=False)


def larger(archive: Archive) -> None:
    archive.add("models/x/y", b"more")
    archive.manifest["files"]["models/x/y"]["size"] = 3


@pytest.mark.parametrize("change", [twice, not_promised, larger])
def test_what_the_manifest_does_not_promise_is_refused(
    genuine: bytes, tmp_path: Path, change: Change
) -> None:
    archive = Archive(genuine)
    change(archive)
    refused(tmp_path, archive.packed(), Refused, "no honest backup: it holds")


def changed(archive: Archive) -> None:
    member, content = archive.members[-1]
    archive.members[-1] = member, content[:-1] + b"?"


def left_out(archive: Archive) -> None:
    del archive.members[-1]


def file_under_file(archive: Archive) -> None:
    archive.add("models/x/y", b"file")
    archive.add("models/x/y/z", b"file")


def another_model(archive: Archive) -> None:
    name = next(name for name in archive.manifest["files"] if name.startswith("models/"))
    archive.replace(name, b"not what the row of the version says")


def no_model(archive: Archive) -> None:
    names = [name for name in archive.manifest["files"] if name.startswith("models/")]
    archive.members = [one for one in archive.members if one[0].name not in names]
    for name in names:
        del archive.manifest["files"][name]


def no_database(archive: Archive) -> None:
    archive.replace("sutdol.db", b"no database" * 500)


@pytest.mark.parametrize(
    ("change", "kind", "why"),
    [
        (changed, Corrupted, "is damaged or was cut off: take another backup"),
        (left_out, Corrupted, "is damaged or was cut off"),
        (file_under_file, NotReady, "Cannot "),
        (another_model, Corrupted, "lacks the model guard-v"),
        (no_model, Corrupted, "lacks the model guard-v1: take another backup"),
        (no_database, Corrupted, "is damaged or no database"),
    ],
)
def test_what_is_not_whole_is_refused(
    genuine: bytes, tmp_path: Path, change: Change, kind: type[SutdolError], why: str
) -> None:
    archive = Archive(genuine)
    change(archive)
    refused(tmp_path, archive.packed(), kind, why)


def newer_format(manifest: dict[str, Any]) -> None:
    manifest["format"] += 1


def newer_revision(manifest: dict[str, Any]) -> None:
    manifest["revision"] = "9999"


@pytest.mark.parametrize("change", [newer_format, newer_revision])
def test_a_newer_backup_says_what_to_do(
    genuine: bytes, tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    archive = Archive(genuine)
    change(archive.manifest)
    refused(tmp_path, archive.packed(), NotReady, "newer Sutdol; upgrade .*: pip install --upgrade")


def test_a_backup_too_large_for_the_disk_is_refused_before_it_fills_it(
    genuine: bytes, tmp_path: Path
) -> None:
    archive = Archive(genuine)
    archive.promise("models/x/y", b"")
    archive.manifest["files"]["models/x/y"]["size"] = 10**18
    refused(tmp_path, archive.packed(), NotReady, "MiB left and the backup needs")


def test_a_small_file_that_unpacks_to_a_huge_header_is_refused(
    genuine: bytes, tmp_path: Path
) -> None:
    archive = Archive(genuine)
    archive.add("models/x/y", promised=False, pax_headers={"comment": "0" * (1 << 20)})
    refused(tmp_path, archive.packed(), Refused, "it has a header of 1048593 bytes")


def test_headers_without_end_are_refused(genuine: bytes, tmp_path: Path) -> None:
    """Each of them belongs to the next one."""
    archive = Archive(genuine)
    for _ in range(5_000):
        archive.add("x", b"12 comment=\n", promised=False, type=tarfile.XHDTYPE)
    refused(tmp_path, archive.packed(), Corrupted, "is damaged or was cut off")


def test_a_row_that_points_out_of_the_home_is_refused(genuine: bytes, tmp_path: Path) -> None:
    archive = Archive(genuine)
    database = tmp_path / "changed.db"
    database.write_bytes(next(one[1] for one in archive.members if one[0].name == "sutdol.db"))
    with closing(sqlite3.connect(database)) as file, file:
        file.execute("UPDATE version SET path = 'models/../../etc'")
    archive.replace("sutdol.db", database.read_bytes())
    database.unlink()
    refused(tmp_path, archive.packed(), Corrupted, "guard-v1 names .*, which is no model folder")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive at all",
        gzip.compress(b""),
        gzip.compress(b"no tar in it" * 500),
        gzip.compress(bytes(10_240)),
    ],
    ids=["empty", "text", "empty gzip", "gzip of text", "empty tar"],
)
def test_another_file_is_said_to_be_no_backup(tmp_path: Path, content: bytes) -> None:
    refused(tmp_path, content, BadInput, "is no backup of Sutdol")


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"format": "1"}',
        b'{"format": 1, "revision": []}',
        b'{"format": 1, "revision": "0001", "files": {"sutdol.db": {"size": 1e999}}}',
        b"\xff",
    ],
    ids=lambda head: repr(head[:20]),
)
def test_a_manifest_that_is_none_is_no_backup(tmp_path: Path, head: bytes) -> None:
    out = BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        member = tarfile.TarInfo("manifest.json")
        member.size = len(head)
        tar.addfile(member, BytesIO(head))
    refused(tmp_path, out.getvalue(), BadInput, "is no backup of Sutdol")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(BadInput, match=r"cannot be read: \w"):
            restore(path, homes.url_in(tmp_path / "home"), tmp_path / "home", now=NOW)
    assert not list(tmp_path.iterdir())


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_damaged_backup_restores_what_was_saved_or_nothing(
    genuine: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    content = bytearray(genuine)
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        del content[place : place + data.draw(st.integers(1, len(content)))]
    try:
        home = put(folder, bytes(content))
    except SutdolError:
        assert {path.name for path in folder.iterdir()} == {"b.tar.gz"}
    else:  # it was no byte that anything hangs on
        assert homes.files_of(home) == homes.files_of(put(folder / "home", genuine))
