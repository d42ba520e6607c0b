"""Put together what one process of the server works with, and take it apart again."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime

import structlog

from sutdol.api.door import Door
from sutdol.api.hall import Hall
from sutdol.app import Sutdol
from sutdol.chat.configured import members
from sutdol.chat.exchange import Tools
from sutdol.chat.gateway import Gateway
from sutdol.chat.overflow import Overflow
from sutdol.chat.pool import Pool
from sutdol.chat.quota import Quota
from sutdol.core.caller import Caller
from sutdol.core.errors import NotReady, SutdolError, Unavailable
from sutdol.loop.live import Held
from sutdol.models.upstream import Connections, Patience
from sutdol.roles.decisions import Decision, Decisions
from sutdol.storage import keys, requests, secrets, sessions
from sutdol.storage.limits import Limits
from sutdol.storage.writer import Writer

log = structlog.get_logger("sutdol.serve")


async def build(
    sutdol: Sutdol,
    stack: AsyncExitStack,
    *,
    is_open: bool,
    local: bool,
    stopping: Callable[[], bool],
) -> Hall:
    """Everything, within the running event loop; the stack closes it in the right order."""
    settings, now = sutdol.settings, sutdol.guard.now
    chosen = settings.gateway
    writer = Writer(sutdol.db)
    stack.callback(writer.close)
    overflow = Overflow(writer)
    stack.callback(overflow.close)
    connections = Connections(
        Patience(connect=chosen.connect, first=chosen.first, idle=chosen.idle)
    )
    stack.push_async_callback(connections.close)
    pool = Pool(members(settings), connections, attempts=chosen.attempts)
    limits = Limits(sutdol.redis)
    quota = Quota(limits, lambda key, since: _spent(sutdol, key, since), now)
    held = Held(sutdol.live, lambda guard: decisions.prepare(guard))
    decisions = sutdol.decisions(held)
    judge = _ready(decisions)
    try:
        held.look()
    except NotReady:
        pass  # the first one is being trained
    except SutdolError as error:  # what does not load judges nothing: the rest can still be done
        log.warning("no guard", error=str(error))
    pepper = secrets.pepper(sutdol.db, now())
    tools = Tools(
        db=sutdol.db,
        writer=writer,
        overflow=overflow,
        pool=pool,
        quota=quota,
        judge=judge,
        chosen=chosen,
        pepper=pepper,
        now=now,
        log_text=settings.server.log_text,
    )
    hall = Hall(
        sutdol=sutdol,
        writer=writer,
        limits=limits,
        quota=quota,
        pool=pool,
        gateway=Gateway(tools),
        tools=tools,
        door=door(sutdol, pepper),
        guard=held,
        judge=judge,
        pepper=pepper,
        now=now,
        is_open=is_open,
        local=local,
        stopping=stopping,
    )
    stack.callback(hall.close)
    return hall


def door(sutdol: Sutdol, pepper: bytes) -> Door:
    now = sutdol.guard.now

    def find_key(plain: str) -> Caller | None:
        with sutdol.db.read() as tx:
            return keys.find(tx, pepper, plain, now())

    def find_session(cookie: str) -> Caller | None:
        with sutdol.db.read() as tx:
            return sessions.find(tx, pepper, cookie, now())

    return Door(find_key, find_session, now)


def _spent(sutdol: Sutdol, key: str, since: datetime) -> int:
    with sutdol.db.read() as tx:
        return requests.tokens_since(tx, key, since)


def _ready(decisions: Decisions) -> Callable[[Sequence[str]], list[Decision]]:
    def judge(texts: Sequence[str]) -> list[Decision]:
        try:
            return decisions(texts)
        except NotReady:
            raise Unavailable(
                "There is no guard yet, so nothing passes. On an empty home `sutdol up` and a"
                " worker train the first one in about half a minute; else run"
                " `sutdol guard train --data FILE`."
            ) from None

    return judge
