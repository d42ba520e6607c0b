"""Uploads: kept apart, by their content and not by a name, and gone when nobody's any more."""

import errno
import os
import shutil
import stat
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from sutdol.core.errors import BadInput, Corrupted, LimitReached, NotReady, UnknownName
from sutdol.storage import uploads
from sutdol.storage.backup import backup
from sutdol.storage.database import Database
from sutdol.storage.restore import restore
from sutdol.storage.uploads import Receiving, Upload, clean_name

SECOND = timedelta(seconds=1)


def keep(
    db: Database,
    home: Path,
    now: datetime,
    content: bytes = b"content",
    *,
    user: str = "kim",
    purpose: str = "assistants",
    expires_at: datetime | None = None,
    in_all: int | None = None,
) -> Upload:
    with Receiving.begin(home, most=1000, in_all=in_all) as receiving:
        receiving.take(content)
        with db.write() as tx:
            return receiving.keep(
                tx, user=user, name="a.txt", purpose=purpose, now=now, expires_at=expires_at
            )


def contents(home: Path) -> list[Path]:
    return [path for path in (home / "uploads").rglob("*") if path.is_file()]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_kept_under_its_digest_and_for_us_alone(
    db: Database, tmp_path: Path, now: datetime
) -> None:
    before = os.umask(0)
    try:
        with Receiving.begin(tmp_path, most=6) as receiving:
            (draft,) = contents(tmp_path)
            assert (mode(draft), mode(draft.parent)) == (0o600, 0o700)
            receiving.take(b"abc")
            receiving.take(b"")
            receiving.take(b"def")
            with db.write() as tx:
                made = receiving.keep(
                    tx, user="kim", name="../../etc/pass\x00wd", purpose="batch", now=now
                )
    finally:
        os.umask(before)
    digest = sha256(b"abcdef").hexdigest()
    kept = tmp_path / "uploads" / digest[:2] / digest
    assert uploads.path(tmp_path, made) == kept
    assert kept.read_bytes() == b"abcdef"
    assert mode(kept) == 0o600
    assert mode(kept.parent) == mode(tmp_path / "uploads") == 0o700
    assert contents(tmp_path) == [kept]
    assert (made.bytes, made.digest, made.name) == (6, digest, "pass\ufffdwd")
    with db.read() as tx:
        assert uploads.get(tx, made.id, "kim") == made


def test_a_file_that_is_too_large_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with Receiving.begin(tmp_path, most=1000) as receiving:
        receiving.take(b"x" * 1000)
        with pytest.raises(BadInput, match="larger than 1,000 bytes"):
            receiving.take(b"y")
    assert contents(tmp_path) == []


def test_what_is_not_kept_is_dropped(tmp_path: Path) -> None:
    with suppress(ConnectionError), Receiving.begin(tmp_path, most=9) as receiving:
        receiving.take(b"half")
        raise ConnectionError("the client is gone")
    assert contents(tmp_path) == []
    receiving.drop()


def test_what_a_killed_process_left_is_swept_and_what_lives_stays(tmp_path: Path) -> None:
    left = tmp_path / "uploads" / f".receiving-{'0' * 32}"
    left.mkdir(parents=True)
    (left / "content").write_bytes(b"half")
    with Receiving.begin(tmp_path, most=9) as one, Receiving.begin(tmp_path, most=9) as other:
        assert not left.exists()
        one.take(b"a")
        other.take(b"b")
        assert len(contents(tmp_path)) == 2


def test_a_home_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotReady, match="a file stands in its way"):
        Receiving.begin(tmp_path / "file", most=9)


def test_nobody_keeps_more_than_is_his(db: Database, tmp_path: Path, now: datetime) -> None:
    keep(db, tmp_path, now, b"12345", in_all=10)
    keep(db, tmp_path, now, b"123", in_all=10, expires_at=now + SECOND)
    with pytest.raises(LimitReached, match="8 bytes and this one 3; 10 are yours in all: delete"):
        keep(db, tmp_path, now, b"abc", in_all=10)
    keep(db, tmp_path, now, b"abc", in_all=10, user="lee")
    keep(db, tmp_path, now, b"ab", in_all=10)
    keep(db, tmp_path, now + SECOND, b"abc", in_all=10)  # what is over counts no more
    with db.read() as tx:
        assert sum(one.bytes for one in uploads.all(tx, "kim")) == 13
    assert len(contents(tmp_path)) == 4


def test_a_file_that_the_disk_may_not_hold_is_refused_before_it_comes(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    with pytest.raises(NotReady, match=r"MiB left and a file may need \d+: free some space"):
        Receiving.begin(tmp_path, most=2 * free)
    assert contents(tmp_path) == []


def test_the_folders_of_a_kept_file_survive_a_power_cut(
    db: Database, tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []

    def sync(handle: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{handle}")))

    monkeypatch.setattr(os, "fsync", sync)
    kept = uploads.path(tmp_path, keep(db, tmp_path, now))
    assert {kept.parent, tmp_path / "uploads", tmp_path} <= set(synced)


def test_another_users_file_is_as_unknown_as_none(
    db: Database, tmp_path: Path, now: datetime
) -> None:
    made = keep(db, tmp_path, now)
    with db.write() as tx:
        for id_, user in ((made.id, "lee"), ("file-\x00\ud800", "kim")):
            with pytest.raises(UnknownName, match=r"Known: none\.$"):
                uploads.get(tx, id_, user)
            with pytest.raises(UnknownName):
                uploads.delete_one(tx, tmp_path, id_, user)
            with pytest.raises(UnknownName):
                uploads.all(tx, user, after=id_)
        assert uploads.all(tx, "lee") == []
        assert uploads.all(tx, "kim") == [made]


def test_equal_contents_are_one_file_that_goes_with_the_last_row(
    db: Database, tmp_path: Path, now: datetime
) -> None:
    mine, his = keep(db, tmp_path, now), keep(db, tmp_path, now, user="lee")
    kept = uploads.path(tmp_path, mine)
    assert contents(tmp_path) == [kept] == [uploads.path(tmp_path, his)]
    with db.write() as tx:
        uploads.delete_one(tx, tmp_path, mine.id, "kim")
    assert kept.read_bytes() == b"content"
    with db.write() as tx:
        uploads.delete_one(tx, tmp_path, his.id, "lee")
    assert contents(tmp_path) == []


def test_a_file_that_comes_again_heals_one_that_was_damaged(
    db: Database, tmp_path: Path, now: datetime
) -> None:
    kept = uploads.path(tmp_path, keep(db, tmp_path, now))
    kept.write_bytes(b"c0ntent")
    keep(db, tmp_path, now)
    assert kept.read_bytes() == b"content"


def test_pages_show_every_file_once_newest_first(
    db: Database, tmp_path: Path, now: datetime
) -> None:
    made = [keep(db, tmp_path, now + n // 3 * SECOND) for n in range(7)]
    other = keep(db, tmp_path, now, purpose="batch")
    found: list[Upload] = []
    after = None
    with db.read() as tx:
        while page := uploads.all(tx, "kim", purpose="assistants", limit=2, after=after):
            found += page
            after = page[-1].id
        assert uploads.all(tx, "kim", purpose="batch") == [other]
        again: list[Upload] = []
        after = None
        how = {"purpose": "assistants", "ascending": True}
        while page := uploads.all(tx, "kim", limit=2, after=after, **how):
            again += page
            after = page[-1].id
        assert again == found[::-1]
    assert found == sorted(made, key=lambda one: (one.created_at, one.id), reverse=True)


def test_a_sweep_takes_what_expired_and_nothing_that_another_database_may_name(
    db: Database, tmp_path: Path, now: datetime
) -> None:
    old = keep(db, tmp_path, now, b"old", expires_at=now)
    young = keep(db, tmp_path, now, b"young", expires_at=now + SECOND)
    with Receiving.begin(tmp_path, most=9) as receiving:
        receiving.take(b"lost")
        with suppress(ConnectionError), db.write() as tx:
            receiving.keep(tx, user="kim", name="x", purpose="batch", now=now)
            raise ConnectionError("rolled back")
    assert len(contents(tmp_path)) == 3
    with Receiving.begin(tmp_path, most=9) as being_sent:
        being_sent.take(b"sent")
        assert uploads.sweep(db, tmp_path, now) == 1
        with db.write() as tx:
            with pytest.raises(UnknownName):
                uploads.get(tx, old.id, "kim")
            being_sent.keep(tx, user="kim", name="x", purpose="batch", now=now)
    assert sorted(path.read_bytes() for path in contents(tmp_path)) == [b"lost", b"sent", b"young"]
    assert uploads.path(tmp_path, young).exists()


def test_a_sweep_that_cannot_go_on_has_lost_nothing(
    db: Database, tmp_path: Path, now: datetime
) -> None:
    stuck = keep(db, tmp_path, now, b"stuck", expires_at=now)
    content = uploads.path(tmp_path, stuck)
    content.unlink()
    content.mkdir()  # nobody can unlink a folder
    others = [keep(db, tmp_path, now, bytes([one]), expires_at=now) for one in range(5)]
    with pytest.raises(NotReady):
        uploads.sweep(db, tmp_path, now)
    with db.read() as tx:
        left = {one.id for one in uploads.all(tx, "kim")}
    assert stuck.id in left
    for one in others:  # each is gone or there, row and content alike
        assert uploads.path(tmp_path, one).exists() == (one.id in left)
    content.rmdir()
    assert uploads.sweep(db, tmp_path, now) == len(left)
    assert contents(tmp_path) == []


def test_a_backup_brings_files_along(
    db: Database,
    database_url: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    now: datetime,
) -> None:
    made, lost = keep(db, tmp_path, now, b"kept"), keep(db, tmp_path, now, b"lost")
    uploads.path(tmp_path, lost).unlink()
    folder = tmp_path_factory.mktemp("elsewhere")
    new = folder / "new"
    with Receiving.begin(tmp_path, most=9) as being_sent:
        being_sent.take(b"half")
        manifest = backup(database_url, tmp_path, folder / "b.tar.gz", now=now)
    assert manifest.missing == (f"file {lost.id}",)
    restore(folder / "b.tar.gz", f"sqlite+pysqlite:///{new}/sutdol.db", new, now=now)
    assert contents(new) == [uploads.path(new, made)]
    assert uploads.path(new, made).read_bytes() == b"kept"
    assert mode(new / "uploads") == 0o700


@pytest.mark.parametrize("links", [True, False])
def test_what_its_user_deletes_meanwhile_disturbs_no_backup(
    db: Database,
    database_url: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    links: bool,
) -> None:
    made = keep(db, tmp_path, now, os.urandom(900))
    folder, seen = tmp_path_factory.mktemp("elsewhere"), 0

    def fails(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    def progress(done: int, total: int) -> None:
        nonlocal seen
        if not done:
            seen += 1
            (held,) = tmp_path.glob(".backing-up-*/uploads")
            assert mode(held) == 0o700
            with db.write() as tx:
                uploads.delete_one(tx, tmp_path, made.id, "kim")

    if not links:
        monkeypatch.setattr(os, "link", fails)
    manifest = backup(database_url, tmp_path, folder / "b.tar.gz", now=now, progress=progress)
    assert (manifest.missing, seen) == ((), 1)
    new = folder / "new"
    restore(folder / "b.tar.gz", f"sqlite+pysqlite:///{new}/sutdol.db", new, now=now)
    assert uploads.wrong(uploads.path(new, made)) == ""
    assert contents(tmp_path) == []


def test_uploads_are_held_before_rows_are_read(
    db: Database,
    database_url: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So what goes meanwhile is in the backup as a whole or not at all, and nothing is repeated."""
    both = {
        uploads.path(tmp_path, one): one
        for one in (keep(db, tmp_path, now, b"%d" % n) for n in range(2))
    }
    link, rooms = os.link, set[Path]()

    def linked(source: Path, target: Path) -> None:
        rooms.add(target.parents[2])
        link(source, target)
        other = next(one for path, one in both.items() if path != source)
        with db.write() as tx, suppress(UnknownName):
            uploads.delete_one(tx, tmp_path, other.id, "kim")

    monkeypatch.setattr(os, "link", linked)
    manifest = backup(database_url, tmp_path, tmp_path_factory.mktemp("b") / "b", now=now)
    assert (manifest.missing, manifest.rows["upload"], len(rooms)) == ((), 1, 1)


def test_a_damaged_content_is_named_by_backup_and_restore(
    db: Database,
    database_url: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    now: datetime,
) -> None:
    whole, spoilt = keep(db, tmp_path, now, b"whole"), keep(db, tmp_path, now, b"spoilt")
    folder = tmp_path_factory.mktemp("elsewhere")
    backup(database_url, tmp_path, folder / "b.tar.gz", now=now)
    uploads.path(tmp_path, spoilt).write_bytes(b"spoild")
    manifest = backup(database_url, tmp_path, folder / "c.tar.gz", now=now)
    assert manifest.missing == (f"file {spoilt.id}",)
    new = folder / "new"
    restored = restore(folder / "c.tar.gz", f"sqlite+pysqlite:///{new}/sutdol.db", new, now=now)
    assert restored.manifest.missing == manifest.missing
    assert uploads.path(new, whole).read_bytes() == b"whole"


@pytest.mark.parametrize("digest", ["../../etc/passwd", "", "A" * 64, "0" * 64 + "\n"])
def test_a_row_that_names_no_content_leads_nowhere(
    tmp_path: Path, now: datetime, digest: str
) -> None:
    damaged = Upload(
        id="file-1", user="kim", name="a", purpose="b", bytes=1, digest=digest, created_at=now
    )
    with pytest.raises(Corrupted, match="names no content"):
        uploads.path(tmp_path, damaged)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("report.pdf", "report.pdf"),
        ("C:\\Users\\kim\\보고서.pdf", "보고서.pdf"),
        ("/etc/passwd", "passwd"),
        ("../..", "file"),
        ("..\\", "file"),
        ("", "file"),
        (" . ", "file"),
        ("\u202e.\u200b.", "file"),
        ("보고서.txt", "보고서.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\r\nSet-Cookie: x", "a Set-Cookie: x"),
        (".hidden", ".hidden"),
        ("가" * 300 + ".pdf", "가" * 251 + ".pdf"),
        ("x" * 300, "x" * 255),
        ("x." + "y" * 300, "x." + "y" * 253),
    ],
)
def test_a_name_is_cleaned_for_people(given: str, shown: str) -> None:
    assert clean_name(given) == shown
    assert len(clean_name(given)) <= 255
