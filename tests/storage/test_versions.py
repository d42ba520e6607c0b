"""Versions: numbered without gaps, immutable, found by name."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from sutdol.core.errors import Busy, UnknownName, UsageError
from sutdol.storage import versions
from sutdol.storage.database import Database


def test_each_role_counts_for_itself(db: Database, train: Callable[..., str]) -> None:
    with db.write() as tx:
        assert [train(tx), train(tx), train(tx, role="retriever")] == [
            "guard-v1",
            "guard-v2",
            "retriever-v1",
        ]
        assert [one.number for one in versions.all(tx, "guard")] == [1, 2]
        assert versions.get(tx, "guard-v2").manifest == {"seed": 1}


def test_a_number_is_never_given_twice(db: Database, train: Callable[..., str]) -> None:
    with db.write() as tx:
        train(tx)
        taken = versions.get(tx, "guard-v1")
        for id_ in ("guard-v1", "guard-v3"):
            with pytest.raises(Busy, match="try again"):
                versions.add(tx, replace(taken, id=id_))


def test_an_unknown_version_suggests_the_nearest(db: Database, train: Callable[..., str]) -> None:
    with db.write() as tx:
        train(tx)
        with pytest.raises(UnknownName, match="Did you mean 'guard-v1'"):
            versions.get(tx, "gaurd-v1")
        with pytest.raises(UnknownName):
            train(tx, "guard-v9")


def test_a_parent_is_of_the_same_role(db: Database, train: Callable[..., str]) -> None:
    with db.write() as tx:
        train(tx)
        with pytest.raises(UsageError, match="no retriever"):
            train(tx, "guard-v1", role="retriever")


def test_names_point_to_versions(db: Database, train: Callable[..., str]) -> None:
    with db.write() as tx:
        one, two = train(tx), train(tx)
        assert versions.alias(tx, "guard", "challenger") is None
        versions.point(tx, "guard", "challenger", one)
        versions.point(tx, "guard", "challenger", two)
        assert versions.aliases(tx, "guard") == {"challenger": two}
        versions.point(tx, "guard", "challenger", None)
        assert versions.aliases(tx, "guard") == {}
        with pytest.raises(UsageError, match="no retriever"):
            versions.point(tx, "retriever", "challenger", one)
