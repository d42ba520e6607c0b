"""Keys: shown once, proven by their secret, and never worth more than their user."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from sutdol.core.caller import Caller, UserRole
from sutdol.core.errors import BadInput, Refused, SutdolError, UnknownName, UsageError
from sutdol.storage import keys, sessions, stamps, users
from sutdol.storage.columns import metadata
from sutdol.storage.database import Database
from sutdol.storage.keys import Key, NewKey

PEPPER = b"p" * 32
DAY = timedelta(days=1)


def make(
    tx: Connection, now: datetime, *, owner: UserRole = "admin", role: UserRole = "user"
) -> tuple[Key, str]:
    """A key of anna's, with every limit set."""
    anna = users.create(tx, "anna", owner, now)
    new = NewKey(
        user=anna.id,
        name=" ci ",
        role=role,
        scopes=("chat", "moderate", "chat"),
        models=("javis*",),
        rpm=1,
        tpm=2,
        daily_tokens=3,
        expires_at=now + DAY,
    )
    return keys.create(tx, PEPPER, new, now)


def test_a_key_says_who_asks_and_what_for(db: Database, now: datetime) -> None:
    with db.write() as tx:
        key, plain = make(tx, now)
        caller = keys.find(tx, PEPPER, plain, now)

    assert re.fullmatch(rf"sutdol_{key.id}_[\w-]{{43}}", plain)
    assert caller == Caller(
        user=key.user,
        name="anna",
        role="user",
        key=key.id,
        scopes=("chat", "moderate"),
        models=("javis*",),
        rpm=1,
        tpm=2,
        daily_tokens=3,
        until=now + DAY,
    )


def test_a_key_is_listed_as_it_was_made(db: Database, now: datetime) -> None:
    with db.write() as tx:
        key, _ = make(tx, now)
        ben = users.create(tx, "ben", "user", now)
        other, _ = keys.create(tx, PEPPER, NewKey(user=ben.id, name="b", role="user"), now + DAY)

        assert (key.name, key.user_name, key.created_at) == ("ci", "anna", now)
        assert keys.get(tx, key.id) == key
        assert keys.all(tx) == [key, other]
        assert keys.all(tx, ben.id) == [other]
        assert (other.scopes, other.models, other.rpm, other.expires_at) == (("*",), (), None, None)


@pytest.mark.parametrize(
    ("owner", "role", "worth"),
    [("admin", "user", "user"), ("reviewer", "operator", "reviewer"), ("user", "admin", "user")],
)
def test_a_key_is_worth_the_lower_of_its_role_and_its_users(
    db: Database, now: datetime, owner: UserRole, role: UserRole, worth: str
) -> None:
    with db.write() as tx:
        users.create(tx, "other", "admin", now)
        key, plain = make(tx, now, owner="admin", role=role)
        users.set_role(tx, key.user, owner)
        caller = keys.find(tx, PEPPER, plain, now)

    assert caller is not None
    assert caller.role == worth


def test_a_key_ends_when_its_time_is_over(db: Database, now: datetime) -> None:
    with db.write() as tx:
        key, plain = make(tx, now)

        assert keys.find(tx, PEPPER, plain, now + DAY - timedelta(seconds=1))
        assert keys.find(tx, PEPPER, plain, now + DAY) is None
    assert [key.state(now), key.state(now + DAY)] == ["valid", "expired"]


def test_a_revoked_key_is_ended_once_and_for_all(db: Database, now: datetime) -> None:
    with db.write() as tx:
        key, plain = make(tx, now)
        before = stamps.all(tx)["keys"]
        revoked = keys.revoke(tx, key.id, now)
        after = stamps.all(tx)["keys"]

        assert keys.find(tx, PEPPER, plain, now) is None
        assert (revoked.revoked_at, revoked.state(now)) == (now, "revoked")
        assert after > before
        assert keys.revoke(tx, key.id, now + DAY) == revoked
        assert stamps.all(tx)["keys"] == after


def test_a_disabled_users_key_opens_nothing_until_the_user_is_back(
    db: Database, now: datetime
) -> None:
    with db.write() as tx:
        users.create(tx, "other", "admin", now)
        key, plain = make(tx, now)
        users.disable(tx, key.user, now)
        assert keys.find(tx, PEPPER, plain, now) is None
        asleep = keys.get(tx, key.id)
        assert (asleep.state(now), asleep.user_disabled_at) == ("disabled", now)
        assert keys.all(tx) == [asleep]
        users.enable(tx, key.user)
        assert keys.find(tx, PEPPER, plain, now)
        assert keys.get(tx, key.id).state(now) == "valid"


def odd(plain: str) -> list[str]:
    """Nearly the key, and nothing like one."""
    id_, secret = plain.split("_", 2)[1:]
    other = "x" if secret[0] != "x" else "y"
    return [
        f"sutdol_{id_}_{other}{secret[1:]}",
        f"sutdol_{'z' * 8}_{secret}",
        f"{plain}\n",
        f" {plain}",
        plain.upper(),
        plain[:-1],
        f"{plain}x",
        secret,
        "",
        "sutdol_",
        "sutdol__",
        f"sutdol_{id_}_{'é' * 43}",
        f"sutdol_{id_}_{chr(0) * 43}",
        f"sutdol_{'٣' * 8}_{secret}",
        f"sutdol_{id_}_" + "\udcff" * 43,
        "x" * 1_000_000,
        plain * 20_000,
        "' OR 1=1 --",
        "My API Key",
    ]


def test_whatever_else_is_shown_opens_nothing(db: Database, now: datetime) -> None:
    with db.write() as tx:
        _, plain = make(tx, now)
        assert keys.find(tx, PEPPER, plain, now)
        for shown in odd(plain):
            assert keys.find(tx, PEPPER, shown, now) is None, shown[:80]


def test_another_homes_key_opens_nothing(db: Database, now: datetime) -> None:
    with db.write() as tx:
        _, plain = make(tx, now)

        assert keys.find(tx, b"q" * 32, plain, now) is None


@pytest.mark.parametrize(
    ("what", "error", "why"),
    [
        ({"name": " "}, BadInput, "The key's name is empty"),
        ({"name": "x" * 65}, BadInput, "longer than 64"),
        ({"name": "a\x00"}, BadInput, "cannot be seen"),
        ({"role": "operator"}, Refused, "anna is no operator"),
        ({"scopes": ("chta",)}, UnknownName, "Did you mean 'chat'"),
        ({"scopes": ()}, UsageError, "name one, or"),
        ({"models": ("",)}, BadInput, "1 to 200"),
        ({"models": ("x" * 201,)}, BadInput, "1 to 200"),
        ({"models": ("\udcff",)}, BadInput, "can be seen"),
        ({"rpm": 0}, UsageError, "The limit rpm is 0"),
        ({"tpm": -1}, UsageError, "The limit tpm is -1"),
        ({"daily_tokens": 2**31}, UsageError, "The limit daily_tokens is 2147483648"),
        ({"expires_at": datetime.fromisoformat("2026-01-02T03:04:05Z")}, UsageError, "expired"),
        ({"user": "nobody"}, UnknownName, "No user named 'nobody'"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(
    db: Database, now: datetime, what: dict[str, object], error: type[SutdolError], why: str
) -> None:
    with db.write() as tx:
        anna = users.create(tx, "anna", "reviewer", now)
        values = {"user": anna.id, "name": "ci", "role": "user"} | what
        with pytest.raises(error, match=why):
            keys.create(tx, PEPPER, NewKey(**values), now)  # type: ignore[arg-type]  # odd ones

        assert keys.all(tx) == []


def test_a_disabled_user_gets_no_key(db: Database, now: datetime) -> None:
    with db.write() as tx:
        users.create(tx, "other", "admin", now)
        anna = users.create(tx, "anna", "user", now)
        users.disable(tx, anna.id, now)
        with pytest.raises(Refused, match="anna is disabled"):
            keys.create(tx, PEPPER, NewKey(user=anna.id, name="ci", role="user"), now)


def test_an_unknown_key_cannot_be_revoked(db: Database, now: datetime) -> None:
    with db.write() as tx, pytest.raises(UnknownName, match="No key named 'x'"):
        keys.revoke(tx, "x", now)


def test_the_last_use_of_many_keys_is_kept_whatever_order_it_comes_in(
    db: Database, now: datetime
) -> None:
    with db.write() as tx:
        key, _ = make(tx, now)
        other, _ = keys.create(tx, PEPPER, NewKey(user=key.user, name="b", role="user"), now + DAY)
        last = keys.used([key.id, other.id, *map(str, range(1_000))], now + DAY)
        late = keys.used([key.id, "gone"], now)
        for statement in (*last, *late):
            tx.execute(statement)

        assert [one.last_used_at for one in keys.all(tx)] == [now + DAY, now + DAY]
        assert keys.used([], now) == []


def test_nothing_that_was_shown_is_stored(db: Database, now: datetime, tmp_path: Path) -> None:
    with db.write() as tx:
        key, plain = make(tx, now)
        cookie, token = sessions.open(tx, PEPPER, key.user, now, lasts=DAY)
    with db.read() as tx:
        tables = metadata.tables.values()
        rows = "\n".join(str(row) for one in tables for row in tx.execute(select(one)))
    files = b"".join(path.read_bytes() for path in tmp_path.glob("sutdol.db*"))

    assert key.id in rows
    for secret in (plain, plain.rpartition(f"{key.id}_")[2], cookie, token):
        assert secret not in rows
        assert secret.encode() not in files
