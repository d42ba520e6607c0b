"""The regression suite: pins are limited, and nothing leaves without a tombstone."""

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import Connection

from sutdol.core.errors import LimitReached, UnknownName
from sutdol.storage import suite
from sutdol.storage.database import Database
from sutdol.storage.suite import SuiteItem


@pytest.fixture
def item(keep: Callable[..., list[str]], train: Callable[..., str]) -> Callable[..., SuiteItem]:
    def make(tx: Connection, seed: int, *, pinned: bool = False) -> SuiteItem:
        return SuiteItem(
            key=suite.key("guard", "skeleton", "leet", seed),
            role="guard",
            example=keep(tx, "a", kind="evasion")[0],
            attack="leet",
            seed=seed,
            fixed_by=train(tx),
            pinned=pinned,
        )

    return make


def test_an_item_is_kept_once(db: Database, item: Callable[..., SuiteItem]) -> None:
    with db.write() as tx:
        one = item(tx, 2**40)
        assert suite.add(tx, one)
        assert not suite.add(tx, one)
        assert suite.items(tx, "guard") == [one]
        assert suite.items(tx, "retriever") == []


def test_a_removed_item_leaves_a_tombstone_and_stays_away(
    db: Database, item: Callable[..., SuiteItem], now: datetime
) -> None:
    with db.write() as tx:
        one = item(tx, 1, pinned=True)
        suite.add(tx, one)
        suite.remove(tx, one.key, why="not an evasion", now=now)
        assert suite.items(tx, "guard") == []
        (tombstone,) = suite.items(tx, "guard", removed=True)
        assert (tombstone.removed_why, tombstone.removed_at) == ("not an evasion", now)
        assert not suite.add(tx, one)
        assert suite.items(tx, "guard") == []
        for act in (suite.pin, suite.unpin):
            with pytest.raises(UnknownName, match="suite item"):
                act(tx, one.key)


def test_pins_are_limited(
    db: Database, item: Callable[..., SuiteItem], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert suite.PINS == 200
    monkeypatch.setattr(suite, "PINS", 2)
    with db.write() as tx:
        first, second, third = (item(tx, seed, pinned=seed < 2) for seed in range(3))
        for one in (first, second, third):
            suite.add(tx, one)
        with pytest.raises(LimitReached, match="unpin one"):
            suite.pin(tx, third.key)
        suite.pin(tx, first.key)
        suite.unpin(tx, first.key)
        suite.pin(tx, third.key)
        pinned = {one.seed for one in suite.items(tx, "guard") if one.pinned}
    assert pinned == {1, 2}


def test_the_key_tells_disguises_apart() -> None:
    keys = {
        suite.key(role, skeleton, attack, seed)
        for role in ("guard", "other")
        for skeleton in ("a", 'a"')
        for attack in ("leet", "case")
        for seed in (1, 2)
    }
    assert len(keys) == 16
