"""Cancelling breaks off what is being done, at once; nothing is left half done."""

import time
from collections.abc import Callable

import pytest
from tests.flow import toys
from tests.flow.ending import differences, drafts, ending, sound
from tests.flow.site import Site, Undisturbed, until

from sutdol.core.errors import Refused, Settled
from sutdol.loop import turn

SOON = 2.0  # seconds; the engine looks once a second
TRAINING = {"cycle-1:train": {"halt": 1}}


def started(site: Site, kind: str, halt: dict[str, dict[str, int]]) -> None:
    """Have a worker do the flow `kind`-1 to the middle of a deed, where it halts."""
    toys.furnish(site.shop, crowned=kind == "cycle")
    site.destine(halt)
    site.hire()
    site.desk.ask(kind, toys.ARGS[kind], flow=f"{kind}-1")
    until(lambda: site.fate.struck() == site.fate.wanted())


def test_a_training_is_broken_off_within_two_seconds(site: Site) -> None:
    started(site, "cycle", TRAINING)
    assert len(site.hands()) == 1
    start = time.monotonic()
    assert site.desk.cancel("cycle-1").state == "cancelled"
    until(lambda: not site.hands())
    assert time.monotonic() - start < SOON
    until(lambda: not list((site.home / "models").glob(".writing-*")), seconds=5)
    with pytest.raises(Settled, match="cancelled already"):
        site.desk.cancel("cycle-1")
    with pytest.raises(Refused, match="was cancelled"):
        site.desk.outcome("cycle-1")


def test_the_turn_of_a_cancelled_cycle_is_free(
    site: Site, undisturbed: Callable[[str], Undisturbed]
) -> None:
    started(site, "cycle", TRAINING)
    site.desk.cancel("cycle-1")
    site.desk.ask("cycle", {**toys.ARGS["cycle"], "wait": False}, flow="cycle-2")
    assert site.over("cycle-2").result == undisturbed("cycle").result


def test_a_cancelled_cycle_goes_on_where_it_stopped(
    site: Site, undisturbed: Callable[[str], Undisturbed]
) -> None:
    calm = undisturbed("cycle")
    started(site, "cycle", TRAINING)
    site.desk.cancel("cycle-1")
    until(lambda: not site.hands())
    site.desk.resume("cycle-1")
    assert site.over("cycle-1").result == calm.result
    assert [site.begun(f"cycle-1:{step}") for step in ("snapshot", "train", "gate")] == [1, 2, 1]
    assert differences(calm.ending, ending(site.shop)) == []
    assert sound(site.shop) == []


def test_a_cancelled_battle_takes_its_cycle_along_and_back(
    site: Site, undisturbed: Callable[[str], Undisturbed]
) -> None:
    calm = undisturbed("battle")
    started(site, "battle", {"battle-1.1:evaluate": {"halt": 1}})
    site.desk.cancel("battle-1")
    assert site.desk.get("battle-1.1").state == "cancelled"
    until(lambda: not site.hands())
    site.desk.resume("battle-1")
    assert site.over("battle-1").result == calm.result
    assert differences(calm.ending, ending(site.shop)) == []
    assert drafts(site.home) == []


def test_a_battle_whose_cycle_is_cancelled_fails_and_says_so(site: Site) -> None:
    started(site, "battle", {"battle-1.1:train": {"halt": 1}})
    site.desk.cancel("battle-1.1")
    failed = site.over("battle-1")
    assert (failed.state, failed.error) == ("failed", "Flow battle-1.1 was cancelled.")
    assert turn.take(site.shop, "battle-2.1") == "battle-2.1", "the turn of what is over is free"


def test_flows_within_flows_are_cancelled_and_go_on_however_deep(site: Site) -> None:
    site.destine({"nest-1.in.in:nap": {"halt": 1}})
    site.hire(play="small")
    site.desk.ask("nest", {"deep": 2, "seconds": 0}, flow="nest-1")
    until(lambda: site.fate.struck() == site.fate.wanted())
    site.desk.cancel("nest-1")
    until(lambda: not site.hands())
    assert {one.state for one in site.desk.all()} == {"cancelled"}
    site.desk.resume("nest-1")
    assert site.over("nest-1").result == {"deep": 2, "slept": 0}


def test_what_waits_in_the_queue_is_cancelled_before_it_begins(site: Site) -> None:
    site.desk.ask("nap", {"seconds": 0}, flow="nap-1")
    site.desk.ask("nap", {"seconds": 0}, flow="nap-2")
    assert site.desk.cancel("nap-1").state == "cancelled"
    site.hire(play="small")
    assert site.over("nap-2").state == "done"
    with pytest.raises(Settled, match="start a new one"):
        site.desk.resume("nap-2")
    assert site.begun("nap-1:nap") == 0


def test_a_flow_that_pauses_is_cancelled_too(site: Site) -> None:
    site.hire(play="small")
    site.desk.ask("tale", {"lines": 2, "pause": 1.5}, flow="tale-1")
    until(lambda: [one["step"] for one in site.desk.steps("tale-1")] == ["say-0"])
    time.sleep(0.3)
    site.desk.cancel("tale-1")
    time.sleep(2)
    assert site.begun("tale-1:say-1") == 0
    site.desk.resume("tale-1")
    assert site.over("tale-1").result == {"lines": 2}
    assert site.begun("tale-1:say-0") == 1
