"""Sessions: known by their cookie alone, until they expire, are closed, or the user is shut out."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, select

from sutdol.storage import sessions, stamps, users
from sutdol.storage.database import Database
from sutdol.storage.server_tables import session as table

PEPPER = b"p" * 32
HOUR = timedelta(hours=1)


def start(tx: Connection, name: str, now: datetime) -> tuple[str, str, str]:
    """A user, a cookie, a token."""
    one = users.create(tx, name, "admin", now)
    return one.id, *sessions.open(tx, PEPPER, one.id, now, lasts=HOUR)


def test_the_cookie_says_who_asks(db: Database, now: datetime) -> None:
    with db.write() as tx:
        id_, cookie, token = start(tx, "anna", now)
        caller = sessions.find(tx, PEPPER, cookie, now)

    assert caller is not None
    assert (caller.user, caller.name, caller.role, caller.key) == (id_, "anna", "admin", None)
    assert caller.csrf == token
    assert caller.scopes == ("*",)


def test_each_session_has_a_cookie_and_a_token_of_its_own(db: Database, now: datetime) -> None:
    with db.write() as tx:
        id_, *first = start(tx, "anna", now)
        second = sessions.open(tx, PEPPER, id_, now, lasts=HOUR)

    assert len({*first, *second}) == 4
    assert len(first[0]) == 43
    assert len(first[1]) == 64


def test_neither_cookie_nor_token_is_stored(db: Database, now: datetime) -> None:
    with db.write() as tx:
        _, cookie, token = start(tx, "anna", now)
        row = str(tx.execute(select(table)).one())

    assert cookie not in row
    assert token not in row


def test_a_session_ends_when_its_time_is_over(db: Database, now: datetime) -> None:
    with db.write() as tx:
        _, cookie, _ = start(tx, "anna", now)

        assert sessions.find(tx, PEPPER, cookie, now + HOUR - timedelta(seconds=1))
        assert sessions.find(tx, PEPPER, cookie, now + HOUR) is None


def test_a_disabled_user_has_no_session(db: Database, now: datetime) -> None:
    with db.write() as tx:
        start(tx, "admin", now)
        id_, _, _ = start(tx, "anna", now)
        users.disable(tx, id_, now)
        late, _ = sessions.open(tx, PEPPER, id_, now, lasts=HOUR)

        assert sessions.find(tx, PEPPER, late, now) is None


def test_another_homes_cookie_opens_nothing(db: Database, now: datetime) -> None:
    with db.write() as tx:
        _, cookie, _ = start(tx, "anna", now)

        assert sessions.find(tx, b"q" * 32, cookie, now) is None


@pytest.mark.parametrize(
    "cookie",
    ["", "x" * 43, "\x00" * 43, "é" * 43, "\udcff", "x" * 1_000_000],
    ids=["empty", "unknown", "nul", "accent", "surrogate", "long"],
)
def test_what_is_no_cookie_opens_and_closes_nothing(
    db: Database, now: datetime, cookie: str
) -> None:
    with db.write() as tx:
        start(tx, "anna", now)
        before = stamps.all(tx)
        sessions.close(tx, PEPPER, cookie)

        assert sessions.find(tx, PEPPER, cookie, now) is None
        assert stamps.all(tx) == before


def test_closing_ends_one_session_and_is_noticed(db: Database, now: datetime) -> None:
    with db.write() as tx:
        id_, cookie, _ = start(tx, "anna", now)
        other, _ = sessions.open(tx, PEPPER, id_, now, lasts=HOUR)
        before = stamps.all(tx)["keys"]
        sessions.close(tx, PEPPER, cookie)

        assert sessions.find(tx, PEPPER, cookie, now) is None
        assert sessions.find(tx, PEPPER, other, now)
        assert stamps.all(tx)["keys"] > before


def test_a_sweep_takes_what_is_over_and_leaves_the_rest(db: Database, now: datetime) -> None:
    with db.write() as tx:
        id_, _, _ = start(tx, "anna", now)
        later, _ = sessions.open(tx, PEPPER, id_, now, lasts=2 * HOUR)

        assert sessions.sweep(tx, now + HOUR) == 1
        assert sessions.sweep(tx, now + HOUR) == 0
        assert sessions.find(tx, PEPPER, later, now + HOUR)
