"""Folders for work in progress: gone with the process that made them, or swept by the next one."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from sutdol.storage import files
from sutdol.storage.faults import disk_fault


@contextmanager
def draft(folder: Path, name: str) -> Iterator[Path]:
    """An empty folder `folder/.name-<id>`, removed after the block.

    Its maker holds a lock on it, which dies with the process: what nobody holds is swept out.
    """
    files.make_folder(folder)
    try:
        for left in folder.glob(f".{name}-*"):
            _sweep(left)
        path, handle = _made(folder, name)
    except OSError as error:
        raise disk_fault(error, folder) from error
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(handle)


def _made(folder: Path, name: str) -> tuple[Path, int]:
    """A new locked folder; another one where it was swept before its lock was taken."""
    while True:
        path = folder / f".{name}-{uuid4().hex}"
        path.mkdir()
        with suppress(FileNotFoundError):
            handle = os.open(path, os.O_RDONLY)
            fcntl.flock(handle, fcntl.LOCK_EX)
            if path.exists():
                return path, handle
            os.close(handle)


def _sweep(left: Path) -> None:
    try:
        handle = os.open(left, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        with suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
    finally:
        os.close(handle)
