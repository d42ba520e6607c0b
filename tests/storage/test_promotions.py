"""Promotions: the alias and the row that says why move together, or not at all."""

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import Connection

from sutdol.core.errors import Busy, Refused, UnknownName, UsageError
from sutdol.storage import looks, promotions, verdicts, versions
from sutdol.storage.database import Database
from sutdol.storage.looks import NewLook
from sutdol.storage.promotions import Crowning, Kind, Promotion
from sutdol.storage.verdicts import Decision, StoredVerdict

Crown = Callable[..., Promotion]


@pytest.fixture
def crown(now: datetime) -> Crown:
    def act(
        tx: Connection, old: str | None, new: str, kind: Kind, verdict: str | None = None
    ) -> Promotion:
        wish = Crowning(
            role="guard",
            from_version=old,
            to_version=new,
            kind=kind,
            reason="because",
            actor="me",
            verdict=verdict,
        )
        return promotions.crown(tx, wish, now)

    return act


@pytest.fixture
def judge(now: datetime) -> Callable[..., str]:
    def act(
        tx: Connection, old: str, new: str, decision: Decision = "promote", *, look: bool = True
    ) -> str:
        wanted = NewLook(key=f"{old} {new} {decision}", champion=old, challenger=new, purpose="")
        if look:
            looks.charge(tx, "guard", wanted, alpha=lambda _: 0.01, now=now)
        verdict = StoredVerdict(
            id=f"{old} {new} {decision}",
            role="guard",
            champion=old,
            challenger=new,
            decision=decision,
            reason="",
            body={"p": 0.001},
            snapshot=None,
            exam=None,
            look=wanted.key if look else None,
            created_at=now,
        )
        return verdicts.add(tx, verdict).id

    return act


def names(tx: Connection) -> tuple[str | None, str | None, str | None]:
    found = versions.aliases(tx, "guard")
    return found.get("champion"), found.get("previous"), found.get("challenger")


def test_a_gate_promotion_moves_all_names_and_leaves_a_row(
    db: Database,
    train: Callable[..., str],
    crown: Crown,
    judge: Callable[..., str],
    now: datetime,
) -> None:
    with db.write() as tx:
        one, two = train(tx), train(tx)
        crown(tx, None, one, "initial")
        versions.point(tx, "guard", "challenger", two)
        verdict = judge(tx, one, two)
        crown(tx, one, two, "promote", verdict)
        assert names(tx) == (two, one, None)
        first, last = promotions.all(tx, "guard")
    assert (first.kind, first.from_version, first.to_version) == ("initial", None, one)
    assert last == Promotion(
        id=last.id,
        role="guard",
        from_version=one,
        to_version=two,
        kind="promote",
        reason="because",
        actor="me",
        verdict=verdict,
        looks_before=1,
        looks_paid=1,
        created_at=now,
    )


def test_rolling_back_twice_goes_two_steps_back(
    db: Database, train: Callable[..., str], crown: Crown
) -> None:
    with db.write() as tx:
        one, two, three = train(tx), train(tx), train(tx)
        crown(tx, None, one, "initial")
        crown(tx, one, two, "force")
        crown(tx, two, three, "force")
        crown(tx, three, two, "rollback")
        assert names(tx) == (two, one, None)
        crown(tx, two, one, "rollback")
        assert names(tx) == (one, None, None)


def test_a_champion_that_changed_meanwhile_is_not_overwritten(
    db: Database, train: Callable[..., str], crown: Crown
) -> None:
    with db.write() as tx:
        one, two, three = train(tx), train(tx), train(tx)
        with pytest.raises(Busy, match="champion is none"):
            crown(tx, one, two, "force")
        crown(tx, None, one, "initial")
        crown(tx, one, two, "force")
        with pytest.raises(Busy, match="guard-v2 and no longer guard-v1"):
            crown(tx, one, three, "force")
        assert names(tx) == (two, one, None)
        assert len(promotions.all(tx, "guard")) == 2


def test_wishes_without_sense_are_refused(
    db: Database, train: Callable[..., str], crown: Crown
) -> None:
    with db.write() as tx:
        one, two = train(tx), train(tx)
        with pytest.raises(UsageError, match="initial"):
            crown(tx, None, one, "force")
        crown(tx, None, one, "initial")
        with pytest.raises(UsageError, match="already"):
            crown(tx, one, one, "force")
        with pytest.raises(Refused, match="never the guard champion"):
            crown(tx, one, two, "rollback")
        with pytest.raises(UnknownName):
            crown(tx, one, "guard-v9", "force")
        with pytest.raises(UsageError, match="no guard version"):
            crown(tx, one, train(tx, role="retriever"), "force")


def test_a_gate_promotion_needs_a_verdict_that_allows_it(
    db: Database, train: Callable[..., str], crown: Crown, judge: Callable[..., str]
) -> None:
    with db.write() as tx:
        one, two, three = train(tx), train(tx), train(tx)
        crown(tx, None, one, "initial")
        with pytest.raises(Refused, match="needs the verdict"):
            crown(tx, one, two, "promote")
        with pytest.raises(UnknownName, match="No verdict"):
            crown(tx, one, two, "promote", "nonsense")
        for verdict in (
            judge(tx, one, two, "inconclusive"),
            judge(tx, one, two, "reject"),
            judge(tx, one, three),
            judge(tx, three, two),
            judge(tx, two, one, look=False),
        ):
            with pytest.raises(Refused):
                crown(tx, one, two, "promote", verdict)
        assert names(tx) == (one, None, None)


def test_a_verdict_without_a_look_promotes_nothing(
    db: Database, train: Callable[..., str], crown: Crown, judge: Callable[..., str]
) -> None:
    with db.write() as tx:
        one, two = train(tx), train(tx)
        crown(tx, None, one, "initial")
        with pytest.raises(Refused, match="without a charged look"):
            crown(tx, one, two, "promote", judge(tx, one, two, look=False))


def test_when_the_commit_fails_nothing_has_moved(
    db: Database, train: Callable[..., str], crown: Crown
) -> None:
    with db.write() as tx:
        one, two = train(tx), train(tx)
        crown(tx, None, one, "initial")

    def fails() -> None:
        with db.write() as tx:
            crown(tx, one, two, "force")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    with db.read() as tx:
        assert names(tx) == (one, None, None)
        assert len(promotions.all(tx, "guard")) == 1


def test_a_verdict_rests_on_the_look_of_its_pair_and_is_found_again(
    db: Database, train: Callable[..., str], judge: Callable[..., str], now: datetime
) -> None:
    with db.write() as tx:
        one, two, three = train(tx), train(tx), train(tx)
        id_ = judge(tx, one, two)
        kept = verdicts.get(tx, id_)
        assert kept.body == {"p": 0.001}
        assert verdicts.all(tx, "guard") == [kept]
        with pytest.raises(UnknownName, match="Did you mean"):
            verdicts.get(tx, id_[:-1])
        fake = StoredVerdict(
            id="fake",
            role="guard",
            champion=one,
            challenger=three,
            decision="promote",
            reason="",
            body={},
            snapshot=None,
            exam=None,
            look="nonsense",
            created_at=now,
        )
        with pytest.raises(Refused, match="not charged for its pair"):
            verdicts.add(tx, fake)


def test_a_champion_that_no_longer_loads_is_followed_by_an_initial_one_and_keeps_its_looks(
    db: Database, train: Callable[..., str], crown: Crown
) -> None:
    with db.write() as tx:
        one, two = train(tx), train(tx)
        crown(tx, None, one, "initial")
        anew = crown(tx, one, two, "initial")
        assert (anew.from_version, anew.kind, anew.looks_paid) == (one, "initial", 0)
        assert names(tx)[:2] == (two, one)
