"""The sealed texts are read five times at most, and every reading is on record."""

from collections.abc import Callable
from datetime import datetime

import pytest

from sutdol.core.errors import LimitReached, Refused
from sutdol.storage import sealed
from sutdol.storage.database import Database


def test_the_sixth_reading_is_refused_whatever_became_of_the_five(
    db: Database, train: Callable[..., str], now: datetime
) -> None:
    with db.write() as tx:
        one, other = train(tx), train(tx, role="retriever")
        ids = [
            sealed.add(tx, "guard", version=one, purpose=f"paper {n}", now=now) for n in range(5)
        ]
        sealed.record(tx, ids[0], {"recall": 0.9})
        with pytest.raises(LimitReached, match="5 times"):
            sealed.add(tx, "guard", version=one, purpose="one more", now=now)
        sealed.add(tx, "retriever", version=other, purpose="another role", now=now)
        reads = sealed.reads(tx, "guard")
    assert [read.id for read in reads] == ids
    assert [read.body for read in reads] == [{"recall": 0.9}, None, None, None, None]


def test_what_a_reading_showed_is_written_once(
    db: Database, train: Callable[..., str], now: datetime
) -> None:
    with db.write() as tx:
        id_ = sealed.add(tx, "guard", version=train(tx), purpose="paper", now=now)
        sealed.record(tx, id_, {"recall": 0.9})
        for wrong in (id_, id_ + 1):
            with pytest.raises(Refused):
                sealed.record(tx, wrong, {"recall": 1.0})
        assert sealed.reads(tx, "guard")[0].body == {"recall": 0.9}
