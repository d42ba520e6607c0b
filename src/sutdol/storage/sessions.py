"""Sessions of browsers: a cookie that only its browser knows, and the token its forms send along.

Neither is stored. The row's id is the cookie's HMAC, and the token is made of the cookie and a
number of the row, so a reader of the database has neither.
"""

import re
from datetime import datetime, timedelta
from secrets import token_hex, token_urlsafe

from sqlalchemy import Connection, delete, insert, select

from sutdol.core.caller import Caller
from sutdol.storage import stamps
from sutdol.storage.secrets import digest
from sutdol.storage.server_tables import session as table
from sutdol.storage.server_tables import user

BYTES = 32
FORM = re.compile(r"[A-Za-z0-9_-]{43}")


def open(
    tx: Connection, pepper: bytes, user: str, now: datetime, *, lasts: timedelta
) -> tuple[str, str]:
    """A new session of a user by id: its cookie and its token."""
    cookie, number = token_urlsafe(BYTES), token_hex(BYTES)
    row = {
        "id": digest(pepper, cookie),
        "user": user,
        "csrf": number,
        "expires_at": now + lasts,
        "created_at": now,
    }
    tx.execute(insert(table).values(row))
    return cookie, _token(pepper, cookie, number)


def find(tx: Connection, pepper: bytes, cookie: str, now: datetime) -> Caller | None:
    """Whose session it is, if it still is one; `csrf` is what a form has to send along."""
    if not FORM.fullmatch(cookie):
        return None
    alive = table.c.expires_at > now, user.c.disabled_at.is_(None)
    wanted = select(
        table.c.csrf, table.c.expires_at, user.c.id, user.c.name, user.c.role
    ).join_from(table, user)
    row = tx.execute(wanted.where(table.c.id == digest(pepper, cookie), *alive)).one_or_none()
    if row is None:
        return None
    token = _token(pepper, cookie, row.csrf)
    return Caller(user=row.id, name=row.name, role=row.role, csrf=token, until=row.expires_at)


def close(tx: Connection, pepper: bytes, cookie: str) -> None:
    """End a session; one that is none changes nothing."""
    if FORM.fullmatch(cookie):
        gone = tx.execute(delete(table).where(table.c.id == digest(pepper, cookie)))
        if gone.rowcount:
            stamps.bump(tx, stamps.KEYS)


def close_all(tx: Connection, user: str) -> None:
    """End all sessions of a user."""
    if tx.execute(delete(table).where(table.c.user == user)).rowcount:
        stamps.bump(tx, stamps.KEYS)


def close_everybodys(tx: Connection) -> None:
    """End all sessions there are."""
    tx.execute(delete(table))
    stamps.bump(tx, stamps.KEYS)


def sweep(tx: Connection, now: datetime) -> int:
    """Delete the sessions that are over; how many."""
    return tx.execute(delete(table).where(table.c.expires_at <= now)).rowcount


def _token(pepper: bytes, cookie: str, number: str) -> str:
    return digest(pepper, f"{number}:{cookie}")
