"""Users: who may ask, and as what; a home that has an admin keeps one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex
from typing import Any
from unicodedata import category, normalize

from sqlalchemy import Connection, Row, insert, select, update

from sutdol.core.caller import UserRole
from sutdol.core.errors import BadInput, Refused, UnknownName, UsageError
from sutdol.storage import sessions, stamps
from sutdol.storage.server_tables import user as table

LONGEST = 64  # of names


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who may ask, unless disabled; without a password only by key."""

    id: str
    name: str
    role: UserRole
    disabled_at: datetime | None
    created_at: datetime
    has_password: bool


_kept = [column for column in table.c if column.name != "password"]
_all = select(*_kept, table.c.password.is_not(None).label("has_password"))


def create(tx: Connection, name: str, role: UserRole, now: datetime) -> User:
    """A new user; two names that differ only in case or width are the same."""
    plain = named("user", name)
    if folded(plain) in _ids(tx):
        raise UsageError(f"There is a user named '{plain}' already: choose another name.")
    id_ = token_hex(6)
    tx.execute(insert(table).values(id=id_, name=plain, role=role, created_at=now))
    stamps.bump(tx, stamps.KEYS)
    return get(tx, id_)


def named(kind: str, name: str) -> str:
    """The name as it is kept; refuses one that cannot be read or is too long."""
    plain = normalize("NFC", name).strip()
    if not plain:
        raise BadInput(f"The {kind}'s name is empty: give it one.")
    if len(plain) > LONGEST:
        raise BadInput(f"The {kind}'s name is longer than {LONGEST} characters: shorten it.")
    if any(category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for letter in plain):
        raise BadInput(f"The {kind}'s name holds a character that cannot be seen: take it out.")
    return plain


def all(tx: Connection) -> list[User]:
    """Every user, oldest first."""
    return _users(tx.execute(_all.order_by(table.c.created_at, table.c.id)))


def get(tx: Connection, id_: str) -> User:
    found = _users(tx.execute(_all.where(table.c.id == id_)))
    if not found:
        raise UnknownName("user", id_, tx.scalars(select(table.c.id)))
    return found[0]


def names(tx: Connection, ids: Iterable[str]) -> dict[str, str]:
    """What those are called of these ids that are users'."""
    found = select(table.c.id, table.c.name).where(table.c.id.in_(ids))
    return {row.id: row.name for row in tx.execute(found)}


def by_name(tx: Connection, name: str) -> User:
    id_ = _ids(tx).get(folded(name))
    if id_ is None:
        raise UnknownName("user", name, tx.scalars(select(table.c.name)))
    return get(tx, id_)


def admin_signs_in(tx: Connection) -> bool:
    """Whether there is an admin who can sign in with a password."""
    admins = table.c.role == "admin", table.c.disabled_at.is_(None), table.c.password.is_not(None)
    return tx.scalar(select(table.c.id).where(*admins).limit(1)) is not None


def password(tx: Connection, name: str) -> tuple[User, str | None] | None:
    """The user who wants to sign in, with the hash of the password; None for nobody, and for one
    who is disabled.
    """
    id_ = _ids(tx).get(folded(name)) if len(name) <= 4 * LONGEST else None
    one = None if id_ is None else get(tx, id_)
    if one is None or one.disabled_at is not None:
        return None
    return one, tx.scalar(select(table.c.password).where(table.c.id == one.id))


def set_role(tx: Connection, id_: str, role: UserRole) -> User:
    """Change what a user may do, and end the sessions; keys may do no more than their user."""
    one = get(tx, id_)
    if one.role == role:
        return one
    _require_other_admin(tx, one)
    return _changed(tx, id_, role=role)


def disable(tx: Connection, id_: str, now: datetime) -> User:
    """Let a user ask no more, neither by key nor by session."""
    one = get(tx, id_)
    if one.disabled_at is not None:
        return one
    _require_other_admin(tx, one)
    return _changed(tx, id_, disabled_at=now)


def enable(tx: Connection, id_: str) -> User:
    """Let a disabled user ask again; the keys work again too."""
    one = get(tx, id_)
    return one if one.disabled_at is None else _changed(tx, id_, disabled_at=None)


def set_password(tx: Connection, id_: str, hash: str) -> User:
    """Change the password by its hash, and end the sessions."""
    get(tx, id_)
    return _changed(tx, id_, password=hash)


def rehash(tx: Connection, id_: str, hash: str) -> None:
    """Keep another hash of the same password; nobody is signed out."""
    tx.execute(update(table).where(table.c.id == id_).values(password=hash))


def _changed(tx: Connection, id_: str, **values: object) -> User:
    tx.execute(update(table).where(table.c.id == id_).values(values))
    sessions.close_all(tx, id_)
    stamps.bump(tx, stamps.KEYS)
    return get(tx, id_)


def _require_other_admin(tx: Connection, one: User) -> None:
    """Refuse to lose the last admin."""
    admins = table.c.role == "admin", table.c.disabled_at.is_(None)
    if list(tx.scalars(select(table.c.id).where(*admins))) == [one.id]:
        raise Refused(f"{one.name} is the last admin: make another user an admin first.")


def _ids(tx: Connection) -> dict[str, str]:
    """Ids by what names are compared by."""
    return {folded(row.name): row.id for row in tx.execute(select(table.c.id, table.c.name))}


def folded(name: str) -> str:
    """What names are compared by."""
    return normalize("NFKC", normalize("NFKC", name.strip()).casefold())


def _users(rows: Iterable[Row[*tuple[Any, ...]]]) -> list[User]:
    return [User(**row._asdict()) for row in rows]
