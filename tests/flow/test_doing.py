"""A step is begun only when that is on record."""

import asyncio
from typing import Any

from sqlalchemy.exc import OperationalError

from sutdol.flow.doing import Doing
from sutdol.flow.plan import Json, Key, Step, Tell


class Forgetful:
    """A crew whose database is away at first."""

    def __init__(self, away: int) -> None:
        self.away = away

    def begin_step(self, flow: str, step: str) -> int:
        self.away -= 1
        if self.away >= 0:
            raise OperationalError("UPDATE", {}, Exception("the server closed the connection"))
        return 1


class Doer:
    """Does nothing, and counts how often."""

    times = 0

    async def do(self, key: Key, step: Step, attempt: int, tell: Tell) -> Json:
        self.times += 1
        return {"value": attempt}

    def kill(self) -> None:
        """There is nothing to break off."""

    async def close(self) -> None:
        """There is nothing to close."""


def test_without_its_database_a_step_waits_to_be_begun() -> None:
    crew: Any = Forgetful(away=1)
    doer = Doer()
    doing = Doing(doer, crew, attempts=3, leaving=lambda: False)
    step = Step(name="s", deed="d", args={})

    async def main() -> Json:
        return await doing.done(Key(flow="f", step="s"), step, lambda _: None)

    assert asyncio.run(main()) == {"value": 1}
    assert doer.times == 1
