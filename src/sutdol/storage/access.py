"""Who may ask is changed here, by whatever door: the change and its record in the event log."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from sutdol.core.caller import UserRole
from sutdol.storage import audit, keys, passwords, users
from sutdol.storage import first_admin as tokens
from sutdol.storage.audit import Event
from sutdol.storage.database import Database
from sutdol.storage.keys import Key, NewKey
from sutdol.storage.users import User


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChange:
    """What is to be different about a user; None leaves it as it is."""

    role: UserRole | None = None
    enabled: bool | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """The event log within a transaction, for one actor."""

    tx: Connection
    actor: str
    now: datetime

    def add(self, action: str, subject: str, **body: object) -> None:
        event = Event(
            actor=self.actor, action=action, subject=subject, body=body, created_at=self.now
        )
        audit.add(self.tx, event)


def new_key(
    db: Database, pepper: bytes, new: NewKey, *, actor: str, now: datetime
) -> tuple[Key, str]:
    """A new key, and the text that is shown this once."""
    with db.write() as tx:
        key, plain = keys.create(tx, pepper, new, now)
        record = _Record(tx=tx, actor=actor, now=now)
        record.add(
            "create key",
            key.id,
            user=key.user_name,
            name=key.name,
            role=key.role,
            scopes=list(key.scopes),
        )
    return key, plain


def revoke_key(db: Database, id_: str, *, actor: str, now: datetime) -> Key:
    """End a key for good; done before, it is not put on record again."""
    with db.write() as tx:
        before, after = keys.get(tx, id_), keys.revoke(tx, id_, now)
        if after != before:
            record = _Record(tx=tx, actor=actor, now=now)
            record.add("revoke key", id_, user=after.user_name, name=after.name)
    return after


def new_user(
    db: Database,
    name: str,
    role: UserRole,
    *,
    password: str | None = None,
    actor: str,
    now: datetime,
) -> User:
    """A new user; without a password the user gets in by key only."""
    hashed = None if password is None else _hashed(password, users.named("user", name))
    with db.write() as tx:
        user = users.create(tx, name, role, now)
        if hashed is not None:
            user = users.set_password(tx, user.id, hashed)
        record = _Record(tx=tx, actor=actor, now=now)
        record.add("create user", user.name, role=role, password=user.has_password)
    return user


def first_admin(
    db: Database, pepper: bytes, token: str, name: str, password: str, *, now: datetime
) -> User:
    """Whoever shows the token becomes an admin, under a new name or one that is there already."""
    hashed = _hashed(password, users.named("user", name))
    with db.write() as tx:
        tokens.redeem(tx, pepper, token, now)
        known = [one for one in users.all(tx) if users.folded(one.name) == users.folded(name)]
        user = known[0] if known else users.create(tx, name, "admin", now)
        users.enable(tx, user.id)
        users.set_role(tx, user.id, "admin")
        user = users.set_password(tx, user.id, hashed)
        record = _Record(tx=tx, actor=f"user:{user.name}", now=now)
        record.add("first admin", user.name, known=bool(known))
    return user


def change_user(db: Database, id_: str, change: UserChange, *, actor: str, now: datetime) -> User:
    """Change a user as a whole or not at all; what was so before is not put on record."""
    hashed = None
    if change.password is not None:
        with db.read() as tx:
            name = users.get(tx, id_).name
        hashed = _hashed(change.password, name)
    with db.write() as tx:
        record = _Record(tx=tx, actor=actor, now=now)
        _set_enabled(record, id_, change.enabled)
        _set_role(record, id_, change.role)
        if hashed is not None:
            record.add("set password", users.set_password(tx, id_, hashed).name)
        return users.get(tx, id_)


def _hashed(password: str, user: str) -> str:
    passwords.require(password, user=user)
    return passwords.hash(password)


def _set_enabled(record: _Record, id_: str, enabled: bool | None) -> None:
    one = users.get(record.tx, id_)
    if enabled is None or enabled == (one.disabled_at is None):
        return
    if enabled:
        users.enable(record.tx, id_)
    else:
        users.disable(record.tx, id_, record.now)
    record.add("enable user" if enabled else "disable user", one.name)


def _set_role(record: _Record, id_: str, role: UserRole | None) -> None:
    one = users.get(record.tx, id_)
    if role is not None and role != one.role:
        users.set_role(record.tx, id_, role)
        record.add("set role", one.name, role=role, before=one.role)
