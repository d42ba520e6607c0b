"""What PostgreSQL says when it refuses, in words that tell the user what to do."""

import re

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from sutdol.core.errors import (
    BadInput,
    Busy,
    Corrupted,
    NotReady,
    SutdolError,
    Unavailable,
    UsageError,
)

Meaning = tuple[type[SutdolError], str]

BUSY: Meaning = (Busy, "Another process is writing to {}: wait for it to finish, then try again.")
CROSSED: Meaning = (Busy, "Another process changed the same rows of {}: try again.")
FULL: Meaning = (
    NotReady,
    "The disk under {} is full: free some space on the server and try again. "
    "Nothing committed was lost.",
)
READ_ONLY: Meaning = (
    NotReady,
    "Cannot write to {}: it is read-only. Name the primary server in database_url.",
)
STOPPED: Meaning = (
    Unavailable,
    "The server of {} stops, starts or was restarted: try again when it is up. "
    "Nothing committed was lost.",
)
CROWDED: Meaning = (
    Unavailable,
    "{} has no free connection: try again, or raise max_connections on the server.",
)
REFUSED: Meaning = (
    NotReady,
    "{} refuses this user ({why}): correct user and password in database_url.",
)
MISSING: Meaning = (NotReady, "{} does not exist: create it with `{create}`.")
FORBIDDEN: Meaning = (
    NotReady,
    "{} does not let this user in everywhere ({why}): make the user its owner with "
    'ALTER DATABASE "{name}" OWNER TO "{user}".',
)
DAMAGED: Meaning = (Corrupted, "{} is damaged ({why}): restore a backup.")
CANCELLED: Meaning = (Busy, "{} broke off a statement ({why}): try again.")
TOO_LARGE: Meaning = (BadInput, "{} cannot hold a value ({why}): make it smaller.")
NOT_TEXT: Meaning = (BadInput, "{} cannot hold a text ({why}): take that character out.")
UNKNOWN: Meaning = (
    Unavailable,
    "{} cannot be used ({why}): start it or correct database_url.",
)

STATES: dict[str, Meaning] = {
    "55P03": BUSY,
    "40001": CROSSED,
    "40P01": CROSSED,
    "53100": FULL,
    "53300": CROWDED,
    "25006": READ_ONLY,
    "57P01": STOPPED,
    "57P02": STOPPED,
    "57P03": STOPPED,
    "57014": CANCELLED,
    "28000": REFUSED,
    "28P01": REFUSED,
    "3D000": MISSING,
    "42501": FORBIDDEN,
    "22001": TOO_LARGE,
    "22003": TOO_LARGE,
    "22021": NOT_TEXT,
    "22P05": NOT_TEXT,
    "XX001": DAMAGED,
    "XX002": DAMAGED,
}
"""PostgreSQL's five-letter codes, which no language of the server changes."""

SAYINGS: tuple[tuple[str, Meaning], ...] = (
    (r'database ".*" does not exist', MISSING),
    (r"authentication failed|no password supplied|role \".*\" does not exist", REFUSED),
    (r"no pg_hba.conf entry|not permitted to log in", REFUSED),
    (r"permission denied for database", FORBIDDEN),
    (r"too many clients|too many connections|connection slots are reserved", CROWDED),
    (r"the database system is|terminating connection|not currently accepting", STOPPED),
    (r"server closed the connection|connection is lost|consuming input failed", STOPPED),
    (r"cannot contain NUL", NOT_TEXT),
)
"""To a connection that fails the driver gives no code, only what an English server said."""


def postgresql_fault(error: DBAPIError, where: str) -> SutdolError | None:
    """What the driver's error means to the user; None when it is a mistake of ours."""
    why = _reason(str(error.orig))
    found = STATES.get(getattr(error.orig, "sqlstate", None) or "") or _said(why)
    if found is None and error.statement is None and not isinstance(error, OperationalError):
        return UsageError(f"Setting database_url cannot be used: {why}.")
    if found is None and isinstance(error, OperationalError):
        found = UNKNOWN
    if found is None:
        return None
    kind, sentence = found
    return kind(sentence.format(where, why=why, **_names(where)))


def _said(why: str) -> Meaning | None:
    return next((found for saying, found in SAYINGS if re.search(saying, why)), None)


def _reason(message: str) -> str:
    """The sentence that matters: the last of several attempts, without where and how grave."""
    attempts = [line for line in message.splitlines() if line.startswith("- host:")]
    line = attempts[-1] if attempts else message.partition("\n")[0]
    return line.rpartition("failed: ")[2].removeprefix("FATAL:").strip()


def _names(where: str) -> dict[str, str]:
    url = make_url(where)
    flags = {"-h": url.host, "-p": url.port, "-U": url.username}
    given = [f"{flag} {value}" for flag, value in flags.items() if value]
    return {
        "name": url.database or "",
        "user": url.username or "",
        "create": " ".join(["createdb", *given, url.database or ""]),
    }
