"""Following flows: one reader for all who listen, nothing lost, nothing told twice."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from sutdol.api.events import READERS, Heard, Hub, Page, kind
from sutdol.core.errors import Busy
from sutdol.flow.plan import Json
from sutdol.storage.bus import Bus

T = TypeVar("T")
LONG = 30.0
FLOW = "battle-1"


@dataclass
class Fake:
    """What flows have told, as a database would know it."""

    told: list[str] = field(default_factory=list)
    over: bool = False
    looks: int = 0
    trouble: list[Exception] = field(default_factory=list)

    def read(self, flow: str, after: int) -> Page:
        self.looks += 1
        if self.trouble:
            raise self.trouble.pop()
        over, told = self.over, list(self.told)
        new = [
            Heard(number=number, kind="stage", body={"stage": one})
            for number, one in enumerate(told[after:], after + 1)
        ]
        end = Heard(number=len(told), kind="end", body={"state": "done"}) if over else None
        return Page(told=new, end=end)


def run(
    test: Callable[[Hub, Fake, Bus], Awaitable[T]],
    fake: Fake | None = None,
    *,
    stopping: Callable[[], bool] = lambda: False,
    every: float = 0.01,
    beat: float = LONG,
) -> T:
    found, bus = fake or Fake(), Bus()

    async def main() -> T:
        hub = Hub(found.read, bus.subscribe, stopping, every=every, beat=beat)
        try:
            async with asyncio.timeout(LONG):
                return await test(hub, found, bus)
        finally:
            hub.close()

    return asyncio.run(main())


async def heard(hub: Hub, after: int = 0) -> list[tuple[int, str]]:
    """All that is told until the end."""
    return [
        (one.number, str(one.body.get("stage", one.kind)))
        async for one in hub.follow(FLOW, after)
        if one is not None
    ]


async def until(true: Callable[[], object]) -> None:
    for _ in range(10_000):
        if true():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it did not come true")


def test_all_is_told_in_order_and_how_it_ended() -> None:
    async def test(hub: Hub, fake: Fake, bus: Bus) -> list[tuple[int, str]]:
        listening = asyncio.create_task(heard(hub))
        for stage in "abcd":
            await asyncio.sleep(0.02)
            fake.told.append(stage)
        fake.over = True
        return await listening

    assert run(test) == [(1, "a"), (2, "b"), (3, "c"), (4, "d"), (4, "end")]


@pytest.mark.parametrize("after", range(6))
def test_who_comes_back_hears_exactly_the_rest(after: int) -> None:
    async def test(hub: Hub, fake: Fake, bus: Bus) -> list[tuple[int, str]]:
        return await heard(hub, after)

    whole = [(1, "a"), (2, "b"), (3, "c"), (4, "d")]
    assert run(test, Fake(told=list("abcd"), over=True)) == [*whole[after:], (4, "end")]


def test_all_listeners_of_a_flow_share_one_reader() -> None:
    async def test(hub: Hub, fake: Fake, bus: Bus) -> None:
        listening = [asyncio.create_task(heard(hub, after)) for after in (0, 1, 2) * 300]
        await until(lambda: fake.looks > 3)
        before = fake.looks
        fake.told += "xyz"
        fake.over = True
        found = await asyncio.gather(*listening)
        assert fake.looks - before <= 2, "no more than for one listener"
        whole = [(1, "x"), (2, "y"), (3, "z"), (3, "end")]
        assert found == [whole[after:] for after in (0, 1, 2) * 300]

    run(test)


def test_idle_listeners_of_many_flows_hold_no_threads() -> None:
    async def test(hub: Hub, fake: Fake, bus: Bus) -> int:
        tales = [hub.follow(f"battle-{number % 20}") for number in range(400)]
        waiting = [asyncio.ensure_future(anext(one)) for one in tales]
        await until(lambda: fake.looks > 50)
        threads = sum(one.name.startswith("flow-reader") for one in threading.enumerate())
        assert len(hub.followed) == 20
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return threads

    assert 1 <= run(test) <= READERS


def test_the_bus_wakes_a_reader_at_once() -> None:
    async def test(hub: Hub, fake: Fake, bus: Bus) -> list[tuple[int, str]]:
        listening = asyncio.create_task(heard(hub))
        await until(lambda: fake.looks)
        await asyncio.sleep(0.05)
        fake.told, fake.over = ["a"], True
        bus.publish("flow:battle-2", {})
        await asyncio.sleep(0.05)
        assert fake.looks == 1, "another flow is none of its business"
        await asyncio.to_thread(bus.publish, f"flow:{FLOW}", {"stage": "a"})
        return await listening

    assert run(test, every=LONG) == [(1, "a"), (1, "end")]


def test_a_sign_of_life_is_given_where_nothing_happens() -> None:
    async def test(hub: Hub, fake: Fake, bus: Bus) -> None:
        async with aclosing(hub.follow(FLOW)) as tale:
            assert [await anext(tale), await anext(tale)] == [None, None]
            fake.told.append("a")
            while (one := await anext(tale)) is None:
                pass
            assert one.number == 1

    run(test, beat=0.02)


def test_who_goes_away_is_forgotten_at_once() -> None:
    async def test(hub: Hub, fake: Fake, bus: Bus) -> None:
        first, second = (asyncio.create_task(heard(hub)) for _ in range(2))
        await until(lambda: fake.looks)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert list(hub.followed) == [FLOW]
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert not hub.followed
        await asyncio.sleep(0.05)
        looks = fake.looks
        await asyncio.sleep(0.05)
        assert fake.looks == looks, "nobody listens, so nobody looks"

    run(test)


def test_listeners_are_let_go_when_the_server_stops() -> None:
    stop = threading.Event()

    async def test(hub: Hub, fake: Fake, bus: Bus) -> list[tuple[int, str]]:
        listening = asyncio.create_task(heard(hub))
        await until(lambda: fake.looks > 1)
        stop.set()
        return await listening

    assert run(test, Fake(told=["a"]), stopping=stop.is_set) == [(1, "a")]


def test_a_database_that_is_away_loses_nothing() -> None:
    away = Fake(told=["a", "b"], over=True, trouble=[Busy("away")] * 3)
    assert run(lambda hub, *_: heard(hub), away) == [(1, "a"), (2, "b"), (2, "end")]
    assert away.looks == 4


def test_a_reader_that_breaks_leaves_nobody_waiting() -> None:
    async def test(hub: Hub, fake: Fake, bus: Bus) -> None:
        with pytest.raises(ZeroDivisionError):
            await heard(hub)
        assert not hub.followed

    run(test, Fake(trouble=[ZeroDivisionError()]))


def test_a_flow_that_goes_on_after_its_end_is_read_anew() -> None:
    async def test(hub: Hub, fake: Fake, bus: Bus) -> None:
        async with aclosing(hub.follow(FLOW)) as slow:
            assert (await anext(slow)) is not None
            await asyncio.sleep(0.05)  # its end was read, though it was not told to this one yet
            fake.told.append("b")
            assert await heard(hub, 1) == [(2, "b"), (2, "end")]
            rest = [one async for one in slow]
            assert [one and one.kind for one in rest] == ["end"]

    run(test, Fake(told=["a"], over=True))


def test_a_piece_is_what_event_sources_read() -> None:
    one = Heard(number=7, kind="stage", body={"stage": "싸움\n"})
    assert one.piece.decode() == 'id: 7\nevent: stage\ndata: {"stage":"싸움\\n"}\n\n'


def test_the_kinds_of_what_flows_tell() -> None:
    told: list[Json] = [
        {"stage": "fight", "round": 1},
        {"battle": "1", "round": 1},
        {"battle": "1", "rounds": 10},
        {"new": 3, "known": 0},
    ]
    assert [kind(one) for one in told] == ["stage", "round", "told", "told"]
