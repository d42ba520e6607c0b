"""The pepper: a random secret of the home that turns keys and cookies into what may be stored.

It lives in the database with what it protects, so that a backup, a copy and several machines go on
working with it. That is enough: keys and cookies are 256 random bits, so whoever reads the database
can neither guess nor reverse them, pepper or not. It only keeps digests of two homes apart.
"""

import hmac
from datetime import datetime
from hashlib import sha256
from secrets import token_hex

from sqlalchemy import Connection, insert, select

from sutdol.storage.database import Database
from sutdol.storage.server_tables import secret as table

NAME = "pepper"
BYTES = 32


def pepper(db: Database, now: datetime) -> bytes:
    """The pepper of this home, made when it is asked for first."""
    with db.read() as tx:
        kept = _kept(tx)
    return kept or _made(db, now)


def digest(pepper: bytes, text: str) -> str:
    """HMAC-SHA-256 in hex."""
    # Not hmac.digest, which lets go of the GIL: to get it back can take longer than the work.
    return hmac.new(pepper, text.encode("utf-8", "surrogatepass"), sha256).hexdigest()


def _kept(tx: Connection) -> bytes | None:
    value = tx.scalar(select(table.c.value).where(table.c.name == NAME))
    return None if value is None else bytes.fromhex(value)


def _made(db: Database, now: datetime) -> bytes:
    with db.write() as tx:  # only one writes at a time: of two first starts the second reads
        kept = _kept(tx)
        if kept is not None:
            return kept
        value = token_hex(BYTES)
        tx.execute(insert(table).values(name=NAME, value=value, created_at=now))
    return bytes.fromhex(value)
