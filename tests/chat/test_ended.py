"""A stream is ended once, whoever stops reading and when."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import pytest

from sutdol.chat.ended import Ended


async def three(*, fails: bool = False) -> AsyncGenerator[bytes, None]:
    yield b"1"
    if fails:
        raise RuntimeError("in the middle")
    yield b"2"
    yield b"3"


def trial(read: int, *, fails: bool = False) -> tuple[list[bytes], list[str]]:
    """Read so many pieces, then close: what was read, and what was called."""
    told: list[str] = []

    async def run() -> list[bytes]:
        async def unread() -> None:
            told.append("unread")

        pieces = Ended(three(fails=fails), lambda: told.append("end"), unread)
        found: list[bytes] = []
        with suppress(StopAsyncIteration, RuntimeError):
            while len(found) < read:
                found += [await anext(pieces)]
        await pieces.aclose()
        await pieces.aclose()
        return found

    return asyncio.run(run()), told


@pytest.mark.parametrize(
    ("read", "told"), [(0, ["unread", "end"]), (1, ["end"]), (3, ["end"]), (9, ["end"])]
)
def test_however_far_it_is_read(read: int, told: list[str]) -> None:
    assert trial(read) == ([b"1", b"2", b"3"][:read], told)


def test_an_error_ends_it_too() -> None:
    assert trial(3, fails=True) == ([b"1"], ["end"])


def test_a_response_whose_client_left_before_its_first_event_lets_the_chat_go() -> None:
    from sutdol.api.responses import closing
    from sutdol.chat.responding import events

    told: list[str] = []

    async def unread() -> None:
        told.append("unread")

    async def run() -> None:
        chat = Ended(three(), lambda: told.append("end"), unread)
        response = Ended(events(chat, {"id": "resp_1"}), lambda: None, closing(chat))
        await response.aclose()

    asyncio.run(run())
    assert told == ["unread", "end"]
