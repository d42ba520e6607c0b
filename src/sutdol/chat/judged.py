"""Texts that a client wants judged and not passed on: what the guard says, and what is kept."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sutdol.chat import shield
from sutdol.chat.exchange import Exchange, told
from sutdol.chat.shield import Ruling
from sutdol.core import meters
from sutdol.storage.secrets import digest

KEPT = 32
"""Texts of one request whose decisions are kept; those beyond are only counted."""


async def judge(exchange: Exchange, texts: Sequence[str]) -> Sequence[Ruling]:
    """What the guard says of each text, in order; noted for the rows of the exchange."""
    await exchange.room()
    rulings = await shield.ask(exchange.tools.judge, texts)
    if not rulings:
        return rulings
    worst, log = shield.worst(rulings), exchange.log
    exchange.guarded = told(worst, blocked=False)
    log.model = worst.version
    pepper = exchange.tools.pepper
    log.decided = [
        log.decision(str(number), "moderation", rulings[number], digest(pepper, text))
        for number, text in enumerate(texts[:KEPT])
    ]
    for ruling in rulings[KEPT:]:
        OUTCOMES[ruling.flagged].inc()
    return rulings


@contextmanager
def ended(exchange: Exchange) -> Iterator[Exchange]:
    """Hand the rows over when the block ends, however it ends."""
    try:
        yield exchange
    except BaseException as error:
        exchange.failed(error)
        raise
    finally:
        exchange.end()


def identity(request: str, number: int) -> str | None:
    """The id of the decision about one of the texts; none where it is not kept."""
    return f"{request}-{number}" if number < KEPT else None


OUTCOMES = {
    flagged: meters.GUARD_DECISIONS.labels("moderation", "flagged" if flagged else "passed")
    for flagged in (True, False)
}
