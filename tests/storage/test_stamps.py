"""Stamps count what was committed, each for itself."""

from sutdol.storage import stamps
from sutdol.storage.database import Database


def test_a_stamp_counts_changes_apart_from_others(db: Database) -> None:
    with db.write() as tx:
        assert stamps.all(tx) == {}
        stamps.bump(tx, "keys")
        stamps.bump(tx, "keys")
        stamps.bump(tx, "models")

    with db.read() as tx:
        assert stamps.all(tx) == {"keys": 2, "models": 1}


def test_what_was_undone_is_not_counted(db: Database) -> None:
    with db.write() as tx:
        stamps.bump(tx, "keys")
        tx.rollback()

    with db.read() as tx:
        assert stamps.all(tx) == {}
