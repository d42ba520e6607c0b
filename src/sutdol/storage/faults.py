"""Turn faults of disk and database into errors that tell the user what to do."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from sutdol.core.errors import BadInput, Busy, Corrupted, NotReady, SutdolError
from sutdol.storage.refusals import postgresql_fault

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NOT_A_FOLDER = {errno.ENOTDIR, errno.EEXIST}
FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}

SQLITE: tuple[tuple[tuple[str, ...], type[SutdolError], str], ...] = (
    (
        ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL"),
        Busy,
        "Another process is writing to {}: wait for it to finish, then try again.",
    ),
    (
        ("SQLITE_CORRUPT", "SQLITE_NOTADB"),
        Corrupted,
        "{} is damaged or no database: move it away and restore a backup in its place.",
    ),
    (
        ("SQLITE_FULL", "SQLITE_IOERR"),
        NotReady,
        "The disk under {} is full or failing: free some space and try again. "
        "Nothing committed was lost.",
    ),
    (
        ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM"),
        NotReady,
        "Cannot write to {}: make it writable or choose another home.",
    ),
)
"""SQLite's error codes by their beginning."""


def disk_fault(error: OSError, path: Path) -> SutdolError:
    """What the operating system's refusal to touch `path` means to the user."""
    if error.errno in FULL:
        return NotReady(f"The disk under {path} is full: free some space and try again.")
    if error.errno in NOT_A_FOLDER:
        return NotReady(f"Cannot create {path}: a file stands in its way. Choose another home.")
    if error.errno in FORBIDDEN:
        return NotReady(f"Cannot write to {path}: make it writable or choose another home.")
    return NotReady(f"Cannot use {error.filename or path}: {error.strerror or error}.")


def database_fault(error: DBAPIError, where: str) -> SutdolError | None:
    """What a driver's error means to the user; None when it is a mistake of ours."""
    if not isinstance(error.orig, sqlite3.Error):
        return postgresql_fault(error, where)
    # The driver gives no code to errors it finds by itself, such as a closed connection.
    name = getattr(error.orig, "sqlite_errorname", None) or ""
    for prefixes, kind, sentence in SQLITE:
        if name.startswith(prefixes):
            return kind(sentence.format(where))
    return None


@contextmanager
def clear_faults(where: str) -> Iterator[None]:
    """Within the block, faults of the database become errors for the user."""
    try:
        yield
    except DBAPIError as error:
        fault = database_fault(error, where)
        if fault is None:
            raise
        raise fault from error
    except (StatementError, NoFreeConnection, OverflowError, UnicodeEncodeError) as error:
        refusal = _refusal(error, where)
        if refusal is None:
            raise
        raise refusal from None


def _refusal(error: Exception, where: str) -> SutdolError | None:
    """What was wrong before a driver was asked; None when it is a mistake of ours."""
    found: SutdolError | None = None
    if isinstance(error, StatementError) and isinstance(error.orig, SutdolError):
        found = error.orig  # a type of ours refused a value
    elif isinstance(error, NoFreeConnection):
        found = Busy(f"Too many tasks use {where} at once: try again.")
    elif isinstance(error, OverflowError) and "SQLite" in str(error):
        found = BadInput(f"{where} cannot hold a value ({error}): make it smaller.")
    elif isinstance(error, UnicodeEncodeError):
        found = BadInput(f"{error.object!r} is no Unicode text: write it in UTF-8.")
    return found
