"""The hand as a process: what the worker makes of the ways in which it may die or misbehave."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from threading import Event

import pytest
from tests.flow.site import processes, until

from sutdol.flow.hand import Broken, Hand
from sutdol.flow.plan import Json, Key, Step

KEY = Key(flow="f", step="s")
STEP = Step(name="s", deed="d", args={})
LISTEN = "import json, os, signal, sys, time; sys.stdin.readline(); sys.stdin.readline(); "


def asked(program: str, work: Callable[[Hand], Awaitable[Json]], *more: str) -> Json:
    async def main() -> Json:
        hand = Hand([sys.executable, "-c", LISTEN + program, *more], {})
        try:
            return await work(hand)
        finally:
            await hand.close()

    return asyncio.run(main())


def once(hand: Hand) -> Awaitable[Json]:
    return hand.do(KEY, STEP, 1, lambda _: None)


def test_a_hand_that_dies_without_a_word_is_broken() -> None:
    with pytest.raises(Broken, match="step 's' died"):
        asked("os.kill(os.getpid(), signal.SIGKILL)", once)


def test_a_hand_that_dies_in_the_middle_of_its_answer_is_broken() -> None:
    half = 'sys.stdout.write(\'{"value": {"half\'); sys.stdout.flush(); os._exit(4)'
    with pytest.raises(Broken, match="exit code 4"):
        asked(half, once)


def test_a_hand_that_broke_is_replaced(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    die_once = (
        "p = sys.argv[1]; e = os.path.exists(p); open(p, 'w').close();"
        'e or os.kill(os.getpid(), 9); print(\'{"value": {"n": 1}}\', flush=True); time.sleep(9)'
    )

    async def twice(hand: Hand) -> Json:
        with pytest.raises(Broken):
            await once(hand)
        return await once(hand)

    assert asked(die_once, twice, str(flag)) == {"value": {"n": 1}}


def test_a_deed_that_is_broken_off_takes_its_process_along(tmp_path: Path) -> None:
    async def impatient(hand: Hand) -> Json:
        doing = asyncio.ensure_future(once(hand))
        await asyncio.to_thread(until, lambda: processes(str(tmp_path)))
        doing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await doing
        return {"left": processes(str(tmp_path))}

    assert asked("time.sleep(60)", impatient, str(tmp_path)) == {"left": []}


@pytest.mark.parametrize("moment", ["starting", "working"])
def test_a_deed_that_is_broken_off_twice_is_tidied_up_after_all_the_same(
    tmp_path: Path, moment: str
) -> None:
    tidied, works = Event(), asyncio.Event()
    work = "print('{\"told\": {}}', flush=True); time.sleep(60)"
    hand = Hand([sys.executable, "-c", LISTEN + work, str(tmp_path)], {}, tidied.set)

    async def hasty() -> bool:
        doing = asyncio.ensure_future(hand.do(KEY, STEP, 1, lambda _: works.set()))
        await (asyncio.sleep(0) if moment == "starting" else works.wait())
        for _ in range(2):
            doing.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await doing
        return await asyncio.to_thread(tidied.wait, 10)

    assert asyncio.run(hasty())
    assert processes(str(tmp_path)) == []


@pytest.mark.parametrize("moment", ["starting", "working"])
def test_a_hand_that_is_closed_starts_nothing_any_more(tmp_path: Path, moment: str) -> None:
    works = asyncio.Event()
    work = "print('{\"told\": {}}', flush=True); time.sleep(60)"
    hand = Hand([sys.executable, "-c", LISTEN + work, str(tmp_path)], {})

    async def closing() -> list[object]:
        doing = [
            asyncio.ensure_future(hand.do(KEY, STEP, 1, lambda _: works.set())) for _ in range(2)
        ]
        await (asyncio.sleep(0) if moment == "starting" else works.wait())
        await hand.close()
        assert processes(str(tmp_path)) == []
        return await asyncio.wait_for(asyncio.gather(*doing, return_exceptions=True), 5)

    assert [type(outcome) for outcome in asyncio.run(closing())] == [Broken, Broken]


def test_what_cannot_be_opened_is_told_and_tried_again(capfd: pytest.CaptureFixture[str]) -> None:
    program = """
from sutdol.core.errors import Unavailable
from sutdol.flow.hand import serve

tries = []

def deeds(greeting):
    tries.append(greeting)
    if len(tries) == 1:
        raise Unavailable("The database has no free connection: try again.")
    return {"d": lambda key, args, tell: {"tries": len(tries)}}

serve(deeds)
"""

    async def thrice() -> list[Json]:
        hand = Hand([sys.executable, "-c", program], {})
        try:
            return [await once(hand) for _ in range(3)]
        finally:
            await hand.close()

    refused, *done = asyncio.run(thrice())
    assert refused["error"]["kind"] == "Unavailable"
    assert "no free connection" in refused["error"]["message"]
    assert done == [{"value": {"tries": 2}}] * 2
    assert capfd.readouterr().err == ""


def test_answers_of_any_size_arrive() -> None:
    long = "print(json.dumps({'value': {'text': 'ㅋ' * 3_000_000}}), flush=True)"
    assert len(asked(long, once)["value"]["text"]) == 3_000_000
