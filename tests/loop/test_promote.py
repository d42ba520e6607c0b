"""Promotion and roll-back: one transaction, and never a champion that does not load."""

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from sutdol.core.errors import Busy, Corrupted, NotReady, Refused
from sutdol.flow.plan import Key
from sutdol.loop import cycle, live, promote
from sutdol.loop.collect import collect
from sutdol.loop.workshop import Workshop
from sutdol.storage import audit, looks, promotions, suite, verdicts, versions

KEY = Key(flow="cycle-1", step="promote")


def names(shop: Workshop[Any]) -> dict[str, str]:
    with shop.db.read() as tx:
        return versions.aliases(tx, "guard")


def damage(shop: Workshop[Any], version: str) -> None:
    with shop.db.read() as tx:
        path = shop.home / versions.get(tx, version).path / "model.json"
    path.write_text(path.read_text().replace("1.0", "0.9", 1))


def test_a_promotion_moves_the_aliases_and_says_who_and_why(promoted: Workshop[Any]) -> None:
    assert names(promoted) == {"champion": "guard-v2", "previous": "guard-v1"}
    with promoted.db.read() as tx:
        last = promotions.all(tx, "guard")[-1]
        event = audit.events(tx, limit=1)[0]
        verdict = verdicts.get(tx, str(last.verdict))
    assert (last.from_version, last.to_version, last.kind) == ("guard-v1", "guard-v2", "promote")
    assert (last.reason, last.actor) == (verdict.reason, "local")
    assert (event.action, event.subject, event.actor) == ("promote", "guard-v2", "local")
    assert event.body == {"from": "guard-v1", "reason": verdict.reason, "verdict": verdict.id}


def test_rolling_back_returns_the_previous_champion(promoted: Workshop[Any]) -> None:
    done = promote.rollback(promoted, reason="complaints")
    assert (done.from_version, done.to_version, done.kind) == ("guard-v2", "guard-v1", "rollback")
    assert live.champion(promoted).id == "guard-v1"
    with promoted.db.read() as tx:
        event = audit.events(tx, limit=1)[0]
    assert (event.action, event.subject) == ("rollback", "guard-v1")
    assert event.body == {"from": "guard-v2", "reason": "complaints", "verdict": None}


def test_rolling_back_gives_the_error_budget_its_old_position(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    collect(reigning, [toy.text_for("train", "venom01", "dull")], kind="data", reviewed=True)
    assert cycle.improve(reigning).verdict.decision == "inconclusive"
    toy.fight(reigning, toy.BAD)
    assert cycle.improve(reigning).promoted
    with reigning.db.read() as tx:
        assert looks.position(tx, "guard") == 0
    promote.rollback(reigning, reason="complaints")
    with reigning.db.read() as tx:
        assert looks.position(tx, "guard") == 2


def test_the_first_champion_has_none_to_go_back_to(promoted: Workshop[Any]) -> None:
    promote.rollback(promoted, reason="complaints")
    with pytest.raises(NotReady, match="no previous champion"):
        promote.rollback(promoted, reason="more complaints")


def test_nobody_goes_back_to_a_damaged_model(promoted: Workshop[Any]) -> None:
    damage(promoted, "guard-v1")
    before = names(promoted)
    with promoted.db.read() as tx:
        told = promotions.all(tx, "guard"), audit.events(tx, limit=99)
    with pytest.raises(Corrupted, match="was changed since it was written"):
        promote.rollback(promoted, reason="complaints")
    assert names(promoted) == before
    with promoted.db.read() as tx:
        assert (promotions.all(tx, "guard"), audit.events(tx, limit=99)) == told


def test_a_model_damaged_after_its_verdict_is_not_promoted(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    toy.fight(reigning, toy.BAD)
    verdict = cycle.improve(reigning, dry_run=True).verdict
    damage(reigning, "guard-v2")
    with pytest.raises(Corrupted):
        promote.promote(reigning, verdict, [], KEY)
    assert names(reigning)["champion"] == "guard-v1"


def test_a_promotion_happens_as_a_whole_or_not_at_all(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    toy.fight(reigning, toy.BAD)
    verdict = cycle.improve(reigning, dry_run=True).verdict
    with reigning.db.read() as tx:
        challenger = versions.get(tx, verdict.challenger)
    learned = replace(toy.stored(reigning, "evasion")[0], id="no such example")
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        promote.promote(reigning, verdict, [learned], KEY)
    assert names(reigning) == {"champion": "guard-v1", "challenger": challenger.id}
    with reigning.db.read() as tx:
        assert [row.kind for row in promotions.all(tx, "guard")] == ["initial"]
        assert suite.items(tx, "guard") == []
    promote.promote(reigning, verdict, [], KEY)
    assert names(reigning)["champion"] == challenger.id


def test_a_promotion_asked_for_twice_happens_once(toy: ModuleType, reigning: Workshop[Any]) -> None:
    toy.fight(reigning, toy.BAD)
    verdict = cycle.improve(reigning, dry_run=True).verdict
    for key in (KEY, KEY, Key(flow="another", step="promote")):
        assert promote.promote(reigning, verdict, [], key).startswith("guard-exam-1 stays")
    with reigning.db.read() as tx:
        assert [row.kind for row in promotions.all(tx, "guard")] == ["initial", "promote"]


def test_a_verdict_against_a_fallen_champion_promotes_nobody(
    toy: ModuleType, promoted: Workshop[Any]
) -> None:
    toy.fight(promoted, toy.BAD, salt="again")
    with promoted.db.read() as tx:
        verdict = verdicts.all(tx, "guard")[-1]
    promote.rollback(promoted, reason="complaints")
    with pytest.raises(Refused, match="has promoted once"):
        promote.promote(promoted, verdict, [], KEY)
    other = replace(verdict, champion="guard-v2", look=None, id="other")
    with pytest.raises(Busy, match="champion is guard-v1"):
        promote.promote(promoted, other, [], KEY)
    assert names(promoted)["champion"] == "guard-v1"
