"""A battle that is broken off goes on where it was, and comes to the same rounds."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.arena.conftest import NOW
from tests.arena.ring import SMALL, Ring, in_silence
from tests.killed import Killed, Mortal

from sutdol.arena.cast import Plan
from sutdol.core.types import Example
from sutdol.flow.plan import Json, Key
from sutdol.loop.parts import on_panel
from sutdol.storage import battles, examples
from sutdol.storage.database import Database

Text = Callable[..., Example]
MakeRing = Callable[[], Ring]
ROUNDS = 5
FLOW = "battle-1"
BATTLE = {"rounds": ROUNDS, "texts": 30}
ASKED = Plan(**{**SMALL, **BATTLE}).args()
ROUND = {"battle": "1", "round": 1}


@pytest.fixture(scope="session")
def stocked(homes: Callable[..., Path], toy_text: Text) -> Path:
    texts = [toy_text(n, bad=bad) for n in range(20) for bad in (True, False)]
    texts += [
        toy_text(n, bad=bad, part="dev") for n in range(1_000, 1_100) for bad in (True, False)
    ]
    return homes([one for one in texts if one.part == "train" or on_panel("guard", one.group)])


@pytest.fixture
def ring(
    opened: Callable[[Path], Database], stocked: Path, word_guard: Callable[..., Any]
) -> MakeRing:
    """A battle in which all happens: a refusal, a promotion, one that is taken back, nothing."""

    def made() -> Ring:
        guards = [
            word_guard(words=["womba"]),
            word_guard(words=["wom"], version="guard-v2"),
            word_guard(words=["wombat number 1 "], version="guard-v3"),
        ]
        return Ring(opened(stocked), guards, verdicts=["reject", "promote", "promote", None])

    return made


@pytest.fixture
def undisturbed(ring: MakeRing) -> dict[str, Any]:
    body = ring().fight(**BATTLE)
    told = body["rounds"]
    assert [one["guard"][-1] for one in told] == ["1", "1", "2", "2", "2"]
    assert [one["rolled_back"] is None for one in told] == [True, True, True, False, True]
    return body


def test_killed_after_every_deed_and_begun_anew_it_comes_to_the_same_rounds(
    ring: MakeRing, undisturbed: dict[str, Any]
) -> None:
    fought, mortal = ring(), Mortal()

    def another_process() -> Json:
        fought.campaign = fought.new_campaign()
        deeds = mortal.deeds(fought.deeds())
        return fought.fight(**BATTLE, flow=FLOW, deeds=deeds)

    body = mortal.to_its_end(another_process)

    assert body["rounds"] == undisturbed["rounds"]
    assert body["data"] == undisturbed["data"]
    steps = {key.step for key in mortal.record if key.flow == FLOW}
    assert steps >= {"start", "1/fight", "3/watch", "4/watch", "5/fight", "5/record", "end"}
    assert all(mortal.done.count(key) == 2 for key in mortal.record)  # as often as it was begun
    assert len(fought.learned) == ROUNDS  # but what it does is done once
    assert len(fought.reasons) == 1
    assert [one.state for one in fought.kept()] == ["done"]


@pytest.mark.parametrize("last", range(ROUNDS))
def test_with_its_flow_lost_another_flow_goes_on_with_the_next_round(
    ring: MakeRing, undisturbed: dict[str, Any], last: int
) -> None:
    fought = ring()

    def break_off(event: Json) -> None:
        if event == ({"battle": "1", "round": last} if last else {"battle": "1", "rounds": ROUNDS}):
            raise Killed

    with pytest.raises(Killed):
        fought.fight(**BATTLE, tell=break_off)
    assert len(fought.bodies()) == last
    fought.campaign = fought.new_campaign()
    body = fought.fight(**BATTLE, flow="another", gone_on_with="1")

    assert body["rounds"] == undisturbed["rounds"]
    (battle,) = fought.kept()
    assert (battle.state, battle.flow) == ("done", "another")


def test_with_its_flow_lost_after_a_roll_back_the_round_still_tells_of_it(
    ring: MakeRing, undisturbed: dict[str, Any]
) -> None:
    fought = ring()

    def break_off(event: Json) -> None:
        if event == {"stage": "fight", "round": 4}:
            raise Killed

    with pytest.raises(Killed):
        fought.fight(**BATTLE, tell=break_off)
    assert len(fought.reasons) == 1
    fought.campaign = fought.new_campaign()
    body = fought.fight(**BATTLE, flow="another", gone_on_with="1")

    assert body["rounds"] == undisturbed["rounds"]
    assert len(fought.reasons) == 1


def test_texts_that_came_meanwhile_stay_out_of_it(
    ring: MakeRing, undisturbed: dict[str, Any], toy_text: Text
) -> None:
    fought = ring()

    def break_off(event: Json) -> None:
        if event == {"battle": "1", "round": 2}:
            raise Killed

    with pytest.raises(Killed):
        fought.fight(**BATTLE, tell=break_off)
    late = [toy_text(n, bad=bad, part=part) for n in range(5_000, 5_050) for bad in (True, False)
            for part in ("train", "dev")]  # fmt: skip
    with fought.db.write() as tx:
        examples.add(tx, "guard", late, kind="data", reviewed=True, now=NOW)
    fought.campaign = fought.new_campaign()
    body = fought.fight(**BATTLE, flow="another", gone_on_with="1")

    assert body["rounds"] == undisturbed["rounds"]


# A step that was done is not done again


def test_a_battle_is_started_once(ring: MakeRing) -> None:
    fought = ring()
    first, again, other = (
        fought.campaign.start(Key(flow=flow, step="start"), ASKED, in_silence)
        for flow in ("one", "one", "two")
    )
    assert again == first
    assert first == {"battle": "1", "done": 0, "promoted": False, "rolled_back": None}
    assert other["battle"] == "2"


def test_a_round_is_fought_and_learned_from_once(ring: MakeRing) -> None:
    fought = begun(ring())
    key = Key(flow=FLOW, step="1/fight")
    first = fought.campaign.fight(key, ROUND, in_silence)
    asked = len(fought.guards[0].asked)
    assert fought.new_campaign().fight(key, ROUND, in_silence) == first == {"improve": True}
    assert len(fought.learned) == 1
    assert len(fought.guards[0].asked) == asked


def test_a_fight_that_broke_off_before_it_was_kept_is_fought_again(ring: MakeRing) -> None:
    fought = begun(ring())
    key = Key(flow=FLOW, step="1/fight")

    def killed(evasions: Sequence[Example], twins: Sequence[Example]) -> int:
        raise Killed

    fought.learn = killed
    with pytest.raises(Killed):
        fought.campaign.fight(key, ROUND, in_silence)
    fought.learn = None
    assert fought.new_campaign().fight(key, ROUND, in_silence) == {"improve": True}
    first, again = fought.learned
    assert first == again


def test_a_round_is_recorded_once(ring: MakeRing) -> None:
    fought = begun(ring())
    fought.campaign.fight(Key(flow=FLOW, step="1/fight"), ROUND, in_silence)
    key = Key(flow=FLOW, step="1/record")
    for _ in range(2):
        fought.campaign.record(key, {**ROUND, "verdict": None, "rolled_back": None}, in_silence)
    assert [one["round"] for one in fought.bodies()] == [1]


def test_a_champion_is_taken_back_once(ring: MakeRing) -> None:
    fought = begun(ring())
    fought.reigning = 1
    fought.campaign.fight(Key(flow=FLOW, step="1/fight"), ROUND, in_silence)
    done = {**ROUND, "verdict": None, "rolled_back": None}
    fought.campaign.record(Key(flow=FLOW, step="1/record"), done, in_silence)
    fought.reigning = 2
    key, second = Key(flow=FLOW, step="2/watch"), {"battle": "1", "round": 2}
    first = fought.campaign.watch(key, second, in_silence)
    assert fought.new_campaign().watch(key, second, in_silence) == first
    assert fought.reasons == [first["reason"]]
    assert fought.reigning == 1


def begun(fought: Ring) -> Ring:
    """A ring whose battle has started."""
    fought.campaign.start(Key(flow=FLOW, step="start"), ASKED, in_silence)
    with fought.db.read() as tx:
        assert battles.get(tx, "1").state == "running"
    return fought
