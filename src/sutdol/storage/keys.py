"""Keys: what a program shows to be let in; shown once, kept as an HMAC, and never above its user.

A key is `sutdol_<id>_<secret>`: the id finds the row, the secret proves it. The prefix lets
scanners of leaked secrets recognise it.
"""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from hmac import compare_digest
from secrets import choice, token_urlsafe
from string import ascii_lowercase, digits
from typing import Any, Literal

from sqlalchemy import Connection, Row, Update, insert, or_, select, update

from sutdol.core.caller import ROLES, SCOPES, Caller, UserRole
from sutdol.core.errors import BadInput, Refused, UnknownName, UsageError
from sutdol.storage import stamps, users
from sutdol.storage.batches import batches
from sutdol.storage.secrets import digest
from sutdol.storage.server_tables import api_key as table
from sutdol.storage.server_tables import user
from sutdol.storage.users import User

FORM = re.compile(r"sutdol_(?P<id>[a-z0-9]{8})_(?P<secret>[A-Za-z0-9_-]{43})")
MOST = 2**31 - 1  # what both databases can count to
LONGEST = 200  # of a pattern of models
State = Literal["valid", "revoked", "expired", "disabled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key to be made for a user by id; a limit left out is none, no models means all."""

    user: str
    name: str
    role: UserRole
    scopes: tuple[str, ...] = ("*",)
    models: tuple[str, ...] = ()
    rpm: int | None = None
    tpm: int | None = None
    daily_tokens: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key without its secret; it may do what its role allows, if its user's does so too."""

    id: str
    user: str
    user_name: str
    user_disabled_at: datetime | None
    name: str
    role: UserRole
    scopes: tuple[str, ...]
    models: tuple[str, ...]
    rpm: int | None
    tpm: int | None
    daily_tokens: int | None
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime

    def state(self, now: datetime) -> State:
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "valid" if self.user_disabled_at is None else "disabled"


_kept = [column for column in table.c if column.name != "digest"]
_owner = user.c.name.label("user_name"), user.c.disabled_at.label("user_disabled_at")
_all = select(*_kept, *_owner).join_from(table, user)
_asked = select(table, *_owner, user.c.role.label("most")).join_from(table, user)


def create(tx: Connection, pepper: bytes, new: NewKey, now: datetime) -> tuple[Key, str]:
    """A new key, and the text that is shown this once and kept nowhere."""
    owner = users.get(tx, new.user)
    _require_owner(owner, new)
    _require_sense(new, now)
    id_ = "".join(choice(ascii_lowercase + digits) for _ in range(8))
    secret = token_urlsafe(32)
    row = asdict(new) | {
        "id": id_,
        "name": users.named("key", new.name),
        "digest": digest(pepper, secret),
        "scopes": list(dict.fromkeys(new.scopes)),
        "models": list(dict.fromkeys(new.models)),
        "created_at": now,
    }
    tx.execute(insert(table).values(row))
    stamps.bump(tx, stamps.KEYS)
    return get(tx, id_), f"sutdol_{id_}_{secret}"


def find(tx: Connection, pepper: bytes, plain: str, now: datetime) -> Caller | None:
    """Whose key it is, if it is a valid one; nothing that a client may send makes it raise."""
    form = FORM.fullmatch(plain)
    if form is None:
        return None
    row = tx.execute(_asked.where(table.c.id == form["id"])).one_or_none()
    if row is None or not compare_digest(row.digest, digest(pepper, form["secret"])):
        return None
    key = _key(row)
    return _caller(key, row.most) if key.state(now) == "valid" else None


def all(tx: Connection, user: str | None = None) -> list[Key]:
    """Every key, or those of a user by id, oldest first."""
    wanted = _all if user is None else _all.where(table.c.user == user)
    return [_key(row) for row in tx.execute(wanted.order_by(table.c.created_at, table.c.id))]


def get(tx: Connection, id_: str) -> Key:
    row = tx.execute(_all.where(table.c.id == id_)).one_or_none()
    if row is None:
        raise UnknownName("key", id_, tx.scalars(select(table.c.id)))
    return _key(row)


def revoke(tx: Connection, id_: str, now: datetime) -> Key:
    """End a key for good; one that is revoked stays as it is."""
    one = get(tx, id_)
    if one.revoked_at is not None:
        return one
    tx.execute(update(table).where(table.c.id == id_).values(revoked_at=now))
    stamps.bump(tx, stamps.KEYS)
    return get(tx, id_)


def used(ids: Iterable[str], now: datetime) -> list[Update]:
    """Statements that say when keys were used last; later ones win, in whatever order they run."""
    earlier = or_(table.c.last_used_at.is_(None), table.c.last_used_at < now)
    return [
        update(table).where(table.c.id.in_(batch), earlier).values(last_used_at=now)
        for batch in batches(sorted(set(ids)))
    ]


def _require_owner(owner: User, new: NewKey) -> None:
    if owner.disabled_at is not None:
        raise Refused(f"{owner.name} is disabled: enable the user first.")
    if ROLES.index(new.role) > ROLES.index(owner.role):
        raise Refused(f"{owner.name} is no {new.role}: a key may do no more than its user.")


def _require_sense(new: NewKey, now: datetime) -> None:
    for scope in new.scopes:
        if scope != "*" and scope not in SCOPES:
            raise UnknownName("scope", scope, ["*", *SCOPES])
    if not new.scopes:
        raise UsageError("A key without a scope opens nothing: name one, or * for all.")
    if any(not 1 <= len(one) <= LONGEST or not one.isprintable() for one in new.models):
        raise BadInput(f"A pattern of models has 1 to {LONGEST} characters that can be seen.")
    for name in ("rpm", "tpm", "daily_tokens"):
        limit = getattr(new, name)
        if limit is not None and not 1 <= limit <= MOST:
            raise UsageError(f"The limit {name} is {limit}: give 1 to {MOST:,}, or none.")
    if new.expires_at is not None and new.expires_at <= now:
        raise UsageError("The key would have expired already: name a later time.")


def _key(row: Row[*tuple[Any, ...]]) -> Key:
    values = {name: row._mapping[name] for name in Key.__dataclass_fields__}
    return Key(**values | {"scopes": tuple(row.scopes), "models": tuple(row.models)})


def _caller(key: Key, most: UserRole) -> Caller:
    return Caller(
        user=key.user,
        name=key.user_name,
        role=min(key.role, most, key=ROLES.index),
        key=key.id,
        scopes=key.scopes,
        models=key.models,
        rpm=key.rpm,
        tpm=key.tpm,
        daily_tokens=key.daily_tokens,
        until=key.expires_at,
    )
