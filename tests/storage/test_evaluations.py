"""Evaluations: every one is kept, in the order in which they were made."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from sutdol.storage import evaluations
from sutdol.storage.database import Database
from sutdol.storage.evaluations import Evaluation


@pytest.fixture
def measured(now: datetime) -> Callable[..., Evaluation]:
    """`measured("guard-v1", 0.8)`: an evaluation at that figure."""

    def made(version: str, seen: float, *, flow: str | None = None, late: int = 0) -> Evaluation:
        return Evaluation(
            role=version.partition("-")[0],
            version=version,
            flow=flow,
            body={"version": version, "seen": {"value": seen, "n": 120}},
            created_at=now + timedelta(seconds=late),
        )

    return made


def test_they_come_as_they_were_made_role_by_role(
    db: Database, train: Callable[..., str], measured: Callable[..., Evaluation]
) -> None:
    with db.write() as tx:
        train(tx), train(tx), train(tx, role="tutor")
        kept = [
            measured("guard-v1", 0.8, flow="evaluation-1", late=9),
            measured("guard-v2", 0.9),
            measured("guard-v1", 0.7),
        ]
        for one in (kept[0], measured("tutor-v1", 0.1), *kept[1:]):
            evaluations.add(tx, one)
    with db.read() as tx:
        assert evaluations.all(tx, "guard") == kept
        assert [one.version for one in evaluations.all(tx, "tutor")] == ["tutor-v1"]
        assert evaluations.all(tx, "retriever") == []


def test_a_flow_evaluates_once(
    db: Database, train: Callable[..., str], measured: Callable[..., Evaluation]
) -> None:
    with db.write() as tx:
        train(tx)
        evaluations.add(tx, measured("guard-v1", 0.8, flow="evaluation-1"))
    with pytest.raises(IntegrityError), db.write() as tx:
        evaluations.add(tx, measured("guard-v1", 0.9, flow="evaluation-1"))
    with db.write() as tx:
        evaluations.add(tx, measured("guard-v1", 0.9))
        evaluations.add(tx, measured("guard-v1", 0.9))
        assert len(evaluations.all(tx, "guard")) == 3


def test_only_a_version_can_be_evaluated(db: Database, measured: Callable[..., Evaluation]) -> None:
    with pytest.raises(IntegrityError), db.write() as tx:
        evaluations.add(tx, measured("guard-v9", 0.8))
