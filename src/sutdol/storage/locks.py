"""One process at a time: an advisory lock that dies with its holder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sutdol.core.errors import Busy
from sutdol.storage import files


@contextmanager
def hold(home: Path, name: str) -> Iterator[None]:
    """Hold the lock `name` of this home, or raise `Busy` naming the process that holds it."""
    path = home / "locks" / f"{name}.lock"
    files.make_folder(path.parent)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise Busy(
                f"Another process (pid {holder}) holds '{name}' here: wait for it and try again."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
