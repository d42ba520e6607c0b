"""The token by which the first admin lets himself in: good once, for a day, while there is none."""

from datetime import datetime, timedelta
from hmac import compare_digest
from secrets import token_urlsafe

from sqlalchemy import Connection, delete, insert, select

from sutdol.core.errors import Refused
from sutdol.storage import users
from sutdol.storage.secrets import digest
from sutdol.storage.server_tables import secret as table

NAME = "first-admin"
LASTS = timedelta(days=1)
BYTES = 32
SPENT = (
    "This link does not work, or no longer: each start of `sutdol up` prints a new one as long as"
    " no admin can sign in."
)


def offer(tx: Connection, pepper: bytes, now: datetime) -> str:
    """A new token; the one before counts no more. Only its HMAC is kept."""
    token = token_urlsafe(BYTES)
    tx.execute(delete(table).where(table.c.name == NAME))
    tx.execute(insert(table).values(name=NAME, value=digest(pepper, token), created_at=now))
    return token


def require(tx: Connection, pepper: bytes, token: str, now: datetime) -> None:
    """`Refused` unless it is the token, in time, and there still is no admin who can sign in."""
    row = tx.execute(select(table).where(table.c.name == NAME)).one_or_none()
    fits = row is not None and compare_digest(row.value, digest(pepper, token))
    if row is None or not fits or now - row.created_at > LASTS or users.admin_signs_in(tx):
        raise Refused(SPENT)


def redeem(tx: Connection, pepper: bytes, token: str, now: datetime) -> None:
    """The same, and it works no more."""
    require(tx, pepper, token, now)
    tx.execute(delete(table).where(table.c.name == NAME))
