"""Users: one name each however it is written, always an admin, and no session outlives a change."""

from collections.abc import Callable
from datetime import datetime, timedelta
from unicodedata import normalize

import pytest
from sqlalchemy import Connection

from sutdol.core.errors import BadInput, Refused, UnknownName, UsageError
from sutdol.storage import sessions, stamps, users
from sutdol.storage.database import Database
from sutdol.storage.users import User

PEPPER = b"p" * 32


def test_a_user_is_found_by_id_and_by_name(db: Database, now: datetime) -> None:
    with db.write() as tx:
        anna = users.create(tx, " Anna ", "operator", now)
        ben = users.create(tx, "ben", "user", now + timedelta(seconds=1))

        assert (anna.name, anna.role, anna.disabled_at) == ("Anna", "operator", None)
        assert users.get(tx, anna.id) == users.by_name(tx, "ANNA ") == anna
        assert users.all(tx) == [anna, ben]


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("Anna", "aNNA"),
        ("지수", normalize("NFD", "지수")),
        ("admin", "ａｄｍｉｎ"),
        ("straße", "STRASSE"),
    ],
)
def test_a_name_is_taken_however_it_is_written(
    db: Database, now: datetime, name: str, same: str
) -> None:
    with db.write() as tx:
        users.create(tx, name, "user", now)
        with pytest.raises(UsageError, match="already: choose another name"):
            users.create(tx, same, "user", now)


@pytest.mark.parametrize(
    "name", ["", " \t", "a" * 65, "a\nb", "a\x00", "a\u202eb", "a\u200bb", "\udcff"]
)
def test_a_name_that_nobody_could_read_is_refused(db: Database, now: datetime, name: str) -> None:
    with db.write() as tx:
        with pytest.raises(BadInput, match=r"The user's name .*: "):
            users.create(tx, name, "user", now)
        assert users.all(tx) == []


def test_a_name_may_be_64_characters_long_as_composed(db: Database, now: datetime) -> None:
    with db.write() as tx:
        assert users.create(tx, normalize("NFD", "숫" * 64), "user", now).name == "숫" * 64


@pytest.mark.parametrize(
    "name", ["ana", "x" * 1_000_000, "\x00", "\udcff"], ids=["near", "long", "nul", "surrogate"]
)
def test_an_unknown_name_is_said_to_be_one(db: Database, now: datetime, name: str) -> None:
    with db.write() as tx:
        users.create(tx, "anna", "user", now)
        with pytest.raises(UnknownName, match="anna"):
            users.by_name(tx, name)
        assert users.password(tx, name) is None


def test_an_unknown_id_is_said_to_be_one(db: Database) -> None:
    with db.read() as tx, pytest.raises(UnknownName, match="No user named 'x'"):
        users.get(tx, "x")


Change = Callable[[Connection, str, datetime], User]
LOSSES: dict[str, Change] = {
    "disable": users.disable,
    "demote": lambda tx, id_, _: users.set_role(tx, id_, "operator"),
}


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES)
def test_the_last_enabled_admin_stays(db: Database, now: datetime, lose: Change) -> None:
    with db.write() as tx:
        first = users.create(tx, "first", "admin", now)
        second = users.create(tx, "second", "admin", now)
        lose(tx, first.id, now)
        with pytest.raises(Refused, match="second is the last admin"):
            lose(tx, second.id, now)

        assert users.get(tx, second.id) == second


def test_others_may_be_disabled_while_there_is_one_admin(db: Database, now: datetime) -> None:
    with db.write() as tx:
        users.create(tx, "admin", "admin", now)
        anna = users.create(tx, "anna", "user", now)
        disabled = users.disable(tx, anna.id, now)

        assert disabled.disabled_at == now
        assert users.disable(tx, anna.id, now + timedelta(days=1)) == disabled
        assert users.enable(tx, anna.id) == users.enable(tx, anna.id) == anna


def test_who_wants_to_sign_in_is_found_unless_disabled(db: Database, now: datetime) -> None:
    with db.write() as tx:
        users.create(tx, "admin", "admin", now)
        anna = users.create(tx, "anna", "user", now)
        assert users.password(tx, "Anna") == (anna, None)

        known = users.set_password(tx, anna.id, "$argon2id$x")
        assert known.has_password
        assert users.password(tx, "anna") == (known, "$argon2id$x")

        users.disable(tx, anna.id, now)
        assert users.password(tx, "anna") is None


ENDS: dict[str, Change] = {
    "disable": users.disable,
    "role": lambda tx, id_, _: users.set_role(tx, id_, "reviewer"),
    "password": lambda tx, id_, _: users.set_password(tx, id_, "$argon2id$x"),
}


@pytest.mark.parametrize("change", ENDS.values(), ids=ENDS)
def test_a_change_of_a_user_who_is_not_signed_in_is_noticed(
    db: Database, now: datetime, change: Change
) -> None:
    with db.write() as tx:
        users.create(tx, "admin", "admin", now)
        anna = users.create(tx, "anna", "user", now)
        before = stamps.all(tx)["keys"]
        change(tx, anna.id, now)

        assert stamps.all(tx)["keys"] > before


@pytest.mark.parametrize("change", ENDS.values(), ids=ENDS)
def test_a_change_ends_the_users_sessions(db: Database, now: datetime, change: Change) -> None:
    with db.write() as tx:
        admin = users.create(tx, "admin", "admin", now)
        anna = users.create(tx, "anna", "user", now)
        kept, _ = sessions.open(tx, PEPPER, admin.id, now, lasts=timedelta(hours=1))
        ended, _ = sessions.open(tx, PEPPER, anna.id, now, lasts=timedelta(hours=1))
        change(tx, anna.id, now)

        if users.get(tx, anna.id).disabled_at:
            users.enable(tx, anna.id)  # it is gone, and not only asleep
        assert sessions.find(tx, PEPPER, ended, now) is None
        assert sessions.find(tx, PEPPER, kept, now) is not None


def test_another_hash_of_the_same_password_ends_nothing(db: Database, now: datetime) -> None:
    with db.write() as tx:
        anna = users.create(tx, "anna", "admin", now)
        users.set_password(tx, anna.id, "$argon2id$cheap")
        cookie, _ = sessions.open(tx, PEPPER, anna.id, now, lasts=timedelta(hours=1))
        before = stamps.all(tx)
        users.rehash(tx, anna.id, "$argon2id$dear")

        known = users.password(tx, "anna")
        assert known is not None
        assert known[1] == "$argon2id$dear"
        assert sessions.find(tx, PEPPER, cookie, now) is not None
        assert stamps.all(tx) == before


def test_the_role_that_a_user_has_is_no_change(db: Database, now: datetime) -> None:
    with db.write() as tx:
        anna = users.create(tx, "anna", "admin", now)
        before = stamps.all(tx)

        assert users.set_role(tx, anna.id, "admin") == anna
        assert stamps.all(tx) == before
