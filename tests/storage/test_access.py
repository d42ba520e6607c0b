"""Who may ask is changed as a whole, and put on record once, without any secret."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from sutdol.core.errors import BadInput, Refused, UnknownName, UsageError
from sutdol.storage import access, audit, keys, passwords, users
from sutdol.storage.access import UserChange
from sutdol.storage.columns import metadata
from sutdol.storage.database import Database
from sutdol.storage.keys import NewKey

PEPPER = b"p" * 32
PLAIN = "correct horse battery"


def recorded(db: Database) -> list[tuple[str, str, str]]:
    """Who did what to what, oldest first."""
    with db.read() as tx:
        events = audit.events(tx, limit=100)
    return [(one.actor, one.action, one.subject) for one in reversed(events)]


def test_a_key_is_made_and_revoked_on_record(db: Database, now: datetime) -> None:
    anna = access.new_user(db, "anna", "admin", actor="cli", now=now)
    new = NewKey(user=anna.id, name="ci", role="user")
    key, plain = access.new_key(db, PEPPER, new, actor="cli", now=now)
    with db.read() as tx:
        assert keys.find(tx, PEPPER, plain, now)

    revoked = access.revoke_key(db, key.id, actor="ben", now=now)
    again = access.revoke_key(db, key.id, actor="eve", now=now + timedelta(days=1))

    assert revoked == again
    assert recorded(db) == [
        ("cli", "create user", "anna"),
        ("cli", "create key", key.id),
        ("ben", "revoke key", key.id),
    ]


def test_what_is_refused_leaves_neither_a_row_nor_a_record(db: Database, now: datetime) -> None:
    anna = access.new_user(db, "anna", "user", actor="cli", now=now)
    before = recorded(db)
    with pytest.raises(Refused, match="anna is no admin"):
        access.new_key(
            db, PEPPER, NewKey(user=anna.id, name="ci", role="admin"), actor="cli", now=now
        )
    with pytest.raises(UnknownName, match="No key named"):
        access.revoke_key(db, "x", actor="cli", now=now)
    with pytest.raises(UsageError, match="already"):
        access.new_user(db, "Anna", "user", actor="cli", now=now)
    with pytest.raises(BadInput, match="shorter than 10"):
        access.new_user(db, "ben", "user", password="short", actor="cli", now=now)
    with pytest.raises(BadInput, match="user's name"):
        access.new_user(db, "annabella1", "user", password="Annabella1", actor="cli", now=now)
    with pytest.raises(BadInput, match="user's name"):
        access.new_user(db, " annabella1\t", "user", password="annabella1", actor="cli", now=now)
    with pytest.raises(BadInput, match="shorter than 10"):
        access.change_user(db, anna.id, UserChange(password="anna"), actor="cli", now=now)

    assert recorded(db) == before
    with db.read() as tx:
        assert users.all(tx) == [anna]
        assert keys.all(tx) == []


def test_a_user_is_changed_on_record(db: Database, now: datetime) -> None:
    access.new_user(db, "admin", "admin", actor="cli", now=now)
    anna = access.new_user(db, "anna", "user", actor="cli", now=now)
    wanted = UserChange(role="reviewer", enabled=False, password=PLAIN)
    changed = access.change_user(db, anna.id, wanted, actor="admin", now=now)
    back = access.change_user(db, anna.id, UserChange(enabled=True), actor="admin", now=now)

    assert (changed.role, changed.disabled_at, changed.has_password) == ("reviewer", now, True)
    assert back.disabled_at is None
    assert recorded(db)[2:] == [
        ("admin", "disable user", "anna"),
        ("admin", "set role", "anna"),
        ("admin", "set password", "anna"),
        ("admin", "enable user", "anna"),
    ]


def test_a_change_that_is_none_is_not_put_on_record(db: Database, now: datetime) -> None:
    anna = access.new_user(db, "anna", "admin", actor="cli", now=now)
    before = recorded(db)
    same = UserChange(role="admin", enabled=True)

    assert access.change_user(db, anna.id, same, actor="cli", now=now) == anna
    assert access.change_user(db, anna.id, UserChange(), actor="cli", now=now) == anna
    assert recorded(db) == before


def test_a_change_that_is_refused_in_part_is_refused_as_a_whole(
    db: Database, now: datetime
) -> None:
    admin = access.new_user(db, "admin", "admin", actor="cli", now=now)
    before = recorded(db)
    wanted = UserChange(role="user", password=PLAIN)
    with pytest.raises(Refused, match="last admin"):
        access.change_user(db, admin.id, wanted, actor="cli", now=now)

    assert recorded(db) == before
    with db.read() as tx:
        assert users.get(tx, admin.id) == admin


def test_no_password_and_no_key_is_stored(db: Database, now: datetime, tmp_path: Path) -> None:
    anna = access.new_user(db, "anna", "admin", password=PLAIN, actor="cli", now=now)
    changed = UserChange(password=PLAIN.upper())
    access.change_user(db, anna.id, changed, actor="cli", now=now)
    new = NewKey(user=anna.id, name="ci", role="user")
    _, plain = access.new_key(db, PEPPER, new, actor="cli", now=now)
    with db.read() as tx:
        found = users.password(tx, "anna")
        tables = metadata.tables.values()
        rows = "\n".join(str(row) for one in tables for row in tx.execute(select(one)))
    files = b"".join(path.read_bytes() for path in tmp_path.glob("sutdol.db*"))

    assert found is not None
    assert passwords.verify(found[1], PLAIN.upper())
    for secret in (PLAIN, PLAIN.upper(), plain, plain[-43:]):
        assert secret not in rows
        assert secret.encode() not in files
