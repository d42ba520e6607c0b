"""Files: whole or not at all, named after their content, refused when they changed."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sutdol.core.errors import Corrupted, NotReady
from sutdol.storage import files
from sutdol.storage.faults import disk_fault


def fill(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "weights.npz").write_bytes(b"weights")
    (folder / "guard.json").write_text("{}")


def test_writing_replaces_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    files.write(path, b"old, and longer")
    files.write(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_what_a_killed_writer_left_is_swept_by_the_next_and_what_is_being_written_is_not(
    tmp_path: Path,
) -> None:
    script = """
import os, sys
from pathlib import Path
from sutdol.storage import files
with files.replacing(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), 9)
"""
    env = {"PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "dead")], env=env)
    assert len(list(tmp_path.iterdir())) == 1
    with files.replacing(tmp_path / "alive") as file:
        file.write(b"whole")
        files.write(tmp_path / "other", b"written meanwhile")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alive", "other"]
    assert (tmp_path / "alive").read_bytes() == b"whole"


def test_half_reports_and_half_models_of_the_dead_are_swept_out(tmp_path: Path) -> None:
    dead = f"{files.DRAFT}{'0' * 32}"
    model, report = tmp_path / "models" / dead, tmp_path / "reports" / "guard-1" / dead
    model.mkdir(parents=True)
    files.write(report.with_name("report.json"), b"whole")
    report.write_bytes(b"half")
    files.sweep(tmp_path)
    assert (model.exists(), report.exists()) == (False, False)
    assert report.with_name("report.json").read_bytes() == b"whole"


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    files.write(tmp_path / "file", b"old")
    script = """
import resource, sys
from pathlib import Path
from sutdol.core.errors import SutdolError
from sutdol.storage import files
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
home = Path(sys.argv[1])
for act in (
    lambda: files.write(home / "file", b"x" * 11),
    lambda: files.shelve(home, "models", lambda folder: (folder / "a").write_bytes(b"x" * 11)),
):
    try:
        act()
    except SutdolError as error:
        print(type(error).__name__, error)
"""
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert ran.stdout.count("NotReady The disk under") == 2
    assert (tmp_path / "file").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "models"]


def test_a_folder_is_kept_under_its_checksum(tmp_path: Path) -> None:
    one = files.shelve(tmp_path, "models", fill)
    two = files.shelve(tmp_path, "models", fill)
    assert one == two
    assert one.path == tmp_path / "models" / one.checksum
    assert (one.path / "deep" / "weights.npz").read_bytes() == b"weights"
    assert list((tmp_path / "models").iterdir()) == [one.path]
    files.verify(one.path, one.checksum)


def test_a_damaged_folder_is_mended_by_writing_it_again(tmp_path: Path) -> None:
    first = files.shelve(tmp_path, "models", fill)
    (first.path / "guard.json").write_text("damaged")
    assert files.shelve(tmp_path, "models", fill) == first
    files.verify(first.path, first.checksum)


def test_a_folder_whose_filling_fails_is_not_kept(tmp_path: Path) -> None:
    def fails(folder: Path) -> None:
        fill(folder)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        files.shelve(tmp_path, "reports", fails)
    assert list((tmp_path / "reports").iterdir()) == []


def test_changed_and_missing_files_are_refused(tmp_path: Path) -> None:
    kept = files.shelve(tmp_path, "models", fill)
    weights = kept.path / "deep" / "weights.npz"
    weights.write_bytes(b"weightz")
    with pytest.raises(Corrupted, match="was changed"):
        files.verify(kept.path, kept.checksum)
    weights.rename(kept.path / "weights.npz")
    with pytest.raises(Corrupted, match="was changed"):
        files.verify(kept.path, kept.checksum)
    with pytest.raises(Corrupted, match="is gone"):
        files.verify(tmp_path / "nothing", kept.checksum)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_the_checksum_of_a_file_is_its_sha256(tmp_path: Path, content: bytes) -> None:
    from hashlib import sha256

    path = tmp_path / "file"
    path.write_bytes(content)
    assert files.checksum(path) == sha256(content).hexdigest()


def test_a_folder_under_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotReady, match="a file stands in its way"):
        files.write(tmp_path / "file" / "x", b"")


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "is full: free some space"),
        (errno.EDQUOT, "is full: free some space"),
        (errno.EROFS, "make it writable"),
        (errno.EACCES, "make it writable"),
        (errno.EIO, "Cannot use home: "),
    ],
)
def test_each_fault_says_what_to_do(number: int, sentence: str) -> None:
    import os

    fault = disk_fault(OSError(number, os.strerror(number)), Path("home"))
    assert sentence in str(fault)
