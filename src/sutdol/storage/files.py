"""Files under the home: written whole or not at all, and kept by what they contain."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Literal
from uuid import uuid4

from sutdol.core.errors import Corrupted, NotReady
from sutdol.storage.faults import disk_fault

Shelf = Literal["models", "reports"]
DRAFT = ".writing-"
ADVICE = "Go back with `sutdol loop rollback ROLE`, or restore it from a backup."


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """A folder that is named after its content."""

    path: Path
    checksum: str


def make_folder(path: Path) -> None:
    with clear_faults(path):
        path.mkdir(parents=True, exist_ok=True)


def require_room(folder: Path, needed: int, what: str) -> None:
    """Refuse to begin with what the disk may not hold."""
    with clear_faults(folder):
        free = shutil.disk_usage(folder).free
    if free < needed:
        raise NotReady(
            f"The disk under {folder} has {free >> 20} MiB left and {what} {needed >> 20}:"
            " free some space and try again."
        )


def write(path: Path, content: bytes) -> None:
    """Replace `path` by `content`; whatever happens, it holds the old or the new bytes."""
    make_folder(path.parent)
    with clear_faults(path), replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` if the block ends well; else the old one stays."""
    if path.exists() and not path.is_file():  # a device or a pipe: nothing to replace
        with path.open("wb") as special:
            yield special
        return
    path = path.resolve()  # a link stays a link
    _sweep_files(path.parent)
    draft, file = _drafted(path.parent)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync(path.parent)


def _drafted(folder: Path) -> tuple[Path, BinaryIO]:
    """A new file whose lock dies with its maker; another one where it was swept before its lock was
    taken.
    """
    while True:
        draft = _draft(folder)
        file = draft.open("wb")
        with suppress(OSError):  # a file system without locks: nothing is swept there
            fcntl.flock(file, fcntl.LOCK_EX)
        if draft.exists():
            return draft, file
        file.close()


def _sweep_files(folder: Path) -> None:
    """Remove the files that killed processes were writing here."""
    for left in folder.glob(f"{DRAFT}{'[0-9a-f]' * 32}"):
        with suppress(OSError), left.open("rb") as file:  # a folder is no file of ours
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


def shelve(home: Path, shelf: Shelf, fill: Callable[[Path], None]) -> Shelved:
    """Let `fill` write files into an empty folder and keep it as `home/shelf/<checksum>`."""
    room = home / shelf
    make_folder(room)
    with clear_faults(room), _sharing(room):
        draft = _draft(room)
        draft.mkdir()
        try:
            fill(draft)
            for path in (*draft.rglob("*"), draft):
                sync(path)
            return _keep(draft, room)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def sweep(home: Path) -> None:
    """Remove what killed processes left half written, unless someone is writing."""
    for room in (home / "models", home / "reports"):
        if room.is_dir():
            with clear_faults(room), _sharing(room):
                for folder in room.iterdir():
                    _sweep_files(folder)


def checksum(path: Path) -> str:
    """SHA-256 of a file, or of a folder's names and contents."""
    with clear_faults(path):
        if not path.is_dir():
            return _digest(path)
        lines = [f"{_digest(file)}  {file.relative_to(path).as_posix()}\n" for file in _files(path)]
        return sha256("".join(lines).encode()).hexdigest()


def verify(path: Path, expected: str) -> None:
    """Refuse a file or folder that is gone or no longer what was written."""
    if not path.exists():
        raise Corrupted(f"{path} is gone. {ADVICE}")
    if checksum(path) != expected:
        raise Corrupted(f"{path} was changed since it was written. {ADVICE}")


@contextmanager
def _sharing(room: Path) -> Iterator[None]:
    """Write beside others; who finds the room empty of writers sweeps out what the dead left."""
    handle = os.open(room, os.O_RDONLY)
    try:
        with suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for left in room.glob(f"{DRAFT}*"):
                shutil.rmtree(left, ignore_errors=True)
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


def _draft(folder: Path) -> Path:
    return folder / f"{DRAFT}{uuid4().hex}"


def _keep(draft: Path, room: Path) -> Shelved:
    name = checksum(draft)
    final = room / name
    if final.exists() and checksum(final) != name:
        final.rename(_draft(room))  # damaged since: these are the bytes it should hold
    if not final.exists():
        draft.rename(final)
        sync(room)
    return Shelved(path=final, checksum=name)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _digest(path: Path) -> str:
    hashed = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            hashed.update(block)
    return hashed.hexdigest()


def sync(path: Path) -> None:
    """Make file or folder survive a power cut."""
    if os.name == "nt":
        return  # Windows opens no folders and syncs nothing that is open for reading only
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def clear_faults(path: Path) -> Iterator[None]:
    """Within the block, refusals of the operating system become errors for the user."""
    try:
        yield
    except OSError as error:
        raise disk_fault(error, path) from error
