"""Turns: one at a time improves a role, and who dies or fails blocks nobody."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from sutdol.core.errors import Busy
from sutdol.flow import inline
from sutdol.flow.plan import Json
from sutdol.loop import cycle, turn
from sutdol.loop.stages import deeds
from sutdol.loop.workshop import Workshop
from sutdol.storage import looks, turns

Shop = Workshop[Any]
DEAD = "process:{host}:4194305#1"  # no pid is as high


def holder(shop: Shop) -> str | None:
    with shop.db.read() as tx:
        return turns.holder(tx, "improve-guard")


def run(
    shop: Shop, flow: str, *, wait: bool, tell: Callable[[Json], None] = lambda _: None
) -> Json:
    """A turn of the loop as a flow of this name."""
    args = {"role": "guard", "seed": 0, "wait": wait}
    stages = deeds(lambda _: shop)
    return inline.run("cycle", args, flow=flow, kinds=cycle.KINDS, deeds=stages, tell=tell)


@pytest.fixture
def fought(toy: ModuleType, reigning: Shop) -> Shop:
    """guard-v1 reigns, there is much to learn, and only `gone` is a flow that is over."""
    toy.fight(reigning, toy.BAD)
    return replace(reigning, over=lambda flow: flow == "gone")


def test_who_asks_first_has_the_turn_until_it_is_given_back(shop: Shop) -> None:
    shop = replace(shop, over=lambda _: False)
    assert turn.take(shop, "one") == "one"
    assert turn.take(shop, "two") == "one"
    assert turn.take(shop, "one") == "one"  # asked again after a kill
    turn.give_back(shop, "one")
    assert turn.take(shop, "two") == "two"


def test_only_its_holder_gives_a_turn_back(shop: Shop) -> None:
    turn.take(shop, "one")
    turn.give_back(shop, "two")
    assert holder(shop) == "one"


def test_the_turn_of_a_flow_that_is_over_is_free(shop: Shop) -> None:
    turn.take(shop, "gone")
    assert turn.take(replace(shop, over=lambda flow: flow == "gone"), "next") == "next"


def test_every_role_has_a_turn_of_its_own(toy: ModuleType, shop: Shop) -> None:
    tutor = replace(shop, role=toy.Tutor())
    assert turn.take(shop, "one") == "one"
    assert turn.take(tutor, "two") == "two"


def test_short_work_holds_the_turn_and_gives_it_back(shop: Shop) -> None:
    with turn.hold(shop):
        assert str(holder(shop)).startswith(turns.this_process())
        with pytest.raises(Busy, match="improving the guard"), turn.hold(shop):
            pass
    assert holder(shop) is None


def test_short_work_that_fails_gives_the_turn_back(shop: Shop) -> None:
    with pytest.raises(ZeroDivisionError), turn.hold(shop):
        raise ZeroDivisionError
    assert holder(shop) is None


def test_short_work_of_a_process_that_died_blocks_nobody(shop: Shop) -> None:
    host = turns.this_process().split(":")[1]
    turn.take(shop, DEAD.format(host=host))
    with turn.hold(shop):
        assert str(holder(shop)).startswith(turns.this_process())


def test_who_is_busy_is_said_with_the_way_to_follow() -> None:
    assert str(turn.busy("guard", "cycle-1")) == (
        "Flow cycle-1 is improving the guard: follow it with `sutdol flows show cycle-1 --follow`,"
        " or stop it with `sutdol flows cancel`."
    )
    process = turn.busy("guard", "process:a-host:17#3f")
    assert str(process).startswith("Another process (pid 17) is improving the guard")


# Within a turn of the loop


def test_a_turn_that_would_not_wait_ends_with_who_is_busy(fought: Shop) -> None:
    turn.take(fought, "another")
    assert run(fought, "mine", wait=False) == {"busy": "another"}
    assert holder(fought) == "another"
    with fought.db.read() as tx:
        assert looks.all(tx, "guard") == []


def test_a_turn_that_waits_goes_on_when_the_other_is_over(fought: Shop) -> None:
    turn.take(fought, "another")
    told: list[Json] = []

    def tell(event: Json) -> None:
        told.append(event)
        if event["stage"] == "wait":
            turn.give_back(fought, "another")

    assert run(fought, "mine", wait=True, tell=tell)["promoted"] is True
    assert told[0] == {"stage": "wait", "for": "another"}
    assert [one["stage"] for one in told[1:]] == ["snapshot", "train", "evaluate", "promote"]
    assert holder(fought) is None


def test_the_turn_of_a_flow_that_was_cancelled_is_taken(fought: Shop) -> None:
    turn.take(fought, "gone")
    assert run(fought, "mine", wait=False)["promoted"] is True


def test_every_stage_is_done_under_the_lease_of_its_flow(fought: Shop) -> None:
    asked: list[tuple[str, str]] = []

    def lease(name: str, flow: str) -> AbstractContextManager[object]:
        asked.append((name, flow))
        return nullcontext()

    run(replace(fought, lease=lease), "mine", wait=False)
    assert set(asked) == {("improve-guard", "mine")}
    assert len(asked) == 5  # claim, train, evaluate, gate, promote


def test_a_predecessor_that_still_works_somewhere_is_waited_for(fought: Shop) -> None:
    leases: list[str] = []
    told: list[Json] = []

    @contextmanager
    def lease(name: str, flow: str) -> Iterator[None]:
        leases.append(flow)
        if len(leases) == 1:
            raise Busy("The flow that was cancelled still trains on another machine.")
        yield

    def tell(event: Json) -> None:
        told.append(event)
        if event["stage"] == "wait":  # and meanwhile anybody may be first
            assert holder(fought) is None

    assert run(replace(fought, lease=lease), "mine", wait=False, tell=tell)["promoted"] is True
    assert told[0] == {"stage": "wait", "for": "its predecessor"}
