"""Pass a chat on: read, guard, route, ask, guard the answer, count and keep."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from time import perf_counter
from typing import Any

import orjson

from sutdol.chat import said, stream, talk
from sutdol.chat.asked import Body, Chat, Embedding, parsed, taken
from sutdol.chat.ended import Ended
from sutdol.chat.exchange import Exchange, Tools
from sutdol.chat.log import Log
from sutdol.chat.passed import Passed, passed, written
from sutdol.chat.pool import Found, Member
from sutdol.chat.quota import OverLimit, estimate
from sutdol.chat.routing import Way
from sutdol.chat.shield import Blocked, texts_of
from sutdol.core.caller import Caller
from sutdol.core.errors import EngineError, Refused, UnknownName
from sutdol.storage.requests import BLOCKED

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Who asks under which request id, and which conversation a header names."""

    id: str
    caller: Caller
    conversation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Either a `body` or a stream of `pieces`; whoever stops reading those closes them."""

    status: int = 200
    headers: Headers = field(default_factory=dict)
    body: bytes = b""
    pieces: AsyncIterator[bytes] | None = None


class Gateway:
    """All chats of one process."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._under_way = 0

    async def chat(self, raw: bytes, visit: Visit, *, route: str = "chat") -> Reply:
        """Answer a chat, whole or as a stream. When cancelled, the upstream is broken off."""
        body = parsed(raw)
        asked = taken(Chat, body)
        exchange = self._exchange(asked.model, visit, route, stream=bool(asked.stream))
        exchange.asked = asked
        size = len(raw)
        return await self._ending(exchange, lambda: self._chat(body, asked, size, visit, exchange))

    async def embed(self, raw: bytes, visit: Visit) -> Reply:
        """Vectors for texts."""
        body = parsed(raw)
        asked = taken(Embedding, body)
        exchange = self._exchange(asked.model, visit, "embeddings", stream=False)
        return await self._ending(exchange, lambda: self._embed(body, asked, len(raw), exchange))

    async def models(self, caller: Caller) -> list[dict[str, Any]]:
        """The models that the caller may ask for."""
        known = await self._tools.pool.models()
        return [one for one in known if may(caller, str(one["id"]))]

    async def model(self, name: str, caller: Caller) -> dict[str, Any]:
        """One of them."""
        await self._ways(name, caller)
        return await self._tools.pool.model(name)

    def _exchange(self, model: str, visit: Visit, route: str, *, stream: bool) -> Exchange:
        most = self._tools.chosen.in_flight
        if self._under_way >= most:
            raise OverLimit(f"{most} chats are under way here: try again in a moment.", 1.0)
        log = Log(
            id=visit.id,
            caller=visit.caller,
            route=route,
            model=model,
            at=self._tools.now(),
            stream=stream,
        )
        return Exchange(tools=self._tools, log=log)

    async def _ending(self, exchange: Exchange, work: Callable[[], Any]) -> Reply:
        """Do the work; a stream that it began ends by itself."""
        self._under_way += 1
        streams = False
        try:
            await exchange.room()
            reply: Reply = await work()
            streams = reply.pieces is not None
        except BaseException as error:
            exchange.failed(error)
            raise
        finally:
            if not streams:
                self._under_way -= 1
                exchange.end()
        return reply

    async def _chat(
        self, body: Body, asked: Chat, size: int, visit: Visit, exchange: Exchange
    ) -> Reply:
        chosen = self._tools.chosen
        wanted = await self._ways(asked.model, visit.caller)
        exchange.talk = await self._talk(asked, visit)
        size += exchange.talk.size if exchange.talk else 0
        tokens = estimate(size, asked.most_tokens, asked.n or 1)
        exchange.reserved = await self._tools.quota.reserve(visit.caller, tokens)
        try:
            if chosen.guard_input:
                await exchange.guard("input", texts_of(asked, chosen.guard_roles))
        except Blocked as blocked:
            if chosen.blocked == "error":
                raise
            return await self._refusal(asked, exchange, blocked)
        sent: dict[str, Passed] = {}

        def made(way: Way, member: Member) -> bytes:
            before = exchange.talk.before if exchange.talk else ()
            one = passed(body, asked, model=way.model, before=before, count=member.counts)
            sent[member.name] = one
            return one.body

        exchange.asks("chat")
        found = await self._tools.pool.ask("/chat/completions", wanted, made)
        exchange.log.answered_by(found)
        if found.answer.status == 200 and found.answer.is_stream:
            strip = sent[found.member.name].strip_usage
            pieces = stream.relay(exchange, found, read=size // 4, strip_usage=strip)
            exchange.named = True
            headers = exchange.head(found) | STREAM
            return Reply(headers=headers, pieces=self._counted(exchange, pieces, found))
        return await self._whole(size, found, exchange)

    def _counted(
        self, exchange: Exchange, pieces: AsyncGenerator[bytes, None], found: Found | None = None
    ) -> Ended:
        """A stream that counts as under way until it ends."""

        def end() -> None:
            self._under_way -= 1

        async def unread() -> None:
            exchange.failed(asyncio.CancelledError())
            exchange.end()
            if found is not None:
                found.answer.close()

        return Ended(pieces, end, unread)

    async def _whole(self, size: int, found: Found, exchange: Exchange) -> Reply:
        """An answer that came in one piece."""
        body = await _body(found, exchange)
        if found.answer.status != 200:
            return _failure(found, body, exchange)
        answer = said.parse(body, found.member.name)
        texts = said.texts(answer)
        exchange.count(
            found, answer.get("usage"), read=size // 4, written=sum(map(len, texts)) // 4
        )
        if self._tools.chosen.guard_output:
            try:
                await exchange.guard("output", texts)
            except Blocked as blocked:
                if self._tools.chosen.blocked == "error":
                    raise
                answer = said.refused(answer, blocked)
                body, exchange.log.error = orjson.dumps(answer), BLOCKED
        exchange.answer = said.first(answer)
        exchange.end()
        await exchange.kept()
        return Reply(headers=exchange.head(found) | JSON, body=body)

    async def _refusal(self, asked: Chat, exchange: Exchange, blocked: Blocked) -> Reply:
        """An answer of our own that says no."""
        answer = said.refusal(exchange.log.id, asked.model, blocked, exchange.log.at)
        exchange.log.error, exchange.talk = BLOCKED, None  # what was blocked is not kept either
        if not asked.stream:
            return Reply(headers=exchange.head() | JSON, body=orjson.dumps(answer))
        exchange.end()
        events = said.as_stream(answer)

        async def pieces() -> AsyncGenerator[bytes, None]:
            for event in events:
                yield event

        return Reply(headers=exchange.head() | STREAM, pieces=self._counted(exchange, pieces()))

    async def _embed(self, body: Body, asked: Embedding, size: int, exchange: Exchange) -> Reply:
        wanted = await self._ways(asked.model, exchange.log.caller)
        tokens = estimate(size, 0)
        exchange.reserved = await self._tools.quota.reserve(exchange.log.caller, tokens)

        def made(way: Way, member: Member) -> bytes:
            return written({**body, "model": way.model})

        exchange.asks("embeddings")
        found = await self._tools.pool.ask("/embeddings", wanted, made)
        exchange.log.answered_by(found)
        answer = await _body(found, exchange)
        if found.answer.status != 200:
            return _failure(found, answer, exchange)
        exchange.count(found, said.usage_at_end(answer), read=size // 4, written=0)
        return Reply(headers=exchange.head(found) | JSON, body=answer)

    async def _ways(self, model: str, caller: Caller) -> list[Way]:
        """Who may answer; a key's patterns are about models, whatever upstream is named before."""
        try:
            wanted = await self._tools.pool.ways(model)
        except UnknownName as error:
            _require_model(caller, model)  # whoever may not use it learns not even that it is not
            known = [one for one in error.known if may(caller, one)]
            raise UnknownName(error.kind, model, known) from None
        for way in wanted:
            _require_model(caller, way.asked)
        return wanted

    async def _talk(self, asked: Chat, visit: Visit) -> talk.Talk | None:
        """The conversation that is gone on with, or a new one where chats are kept."""
        id_ = asked.conversation or visit.conversation
        if id_ is not None:
            return await asyncio.to_thread(self._known_talk, id_, visit.caller.user)
        keeps = self._tools.chosen.store if asked.store is None else asked.store
        return talk.begin(asked, visit.caller.user, self._tools.now()) if keeps else None

    def _known_talk(self, id_: str, user: str) -> talk.Talk:
        with self._tools.db.read() as tx:
            return talk.go_on(tx, id_, user)


JSON = {"content-type": "application/json"}
STREAM = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}


def may(caller: Caller, model: str) -> bool:
    """Whether the key of the caller is for this model too."""
    return not caller.models or any(fnmatchcase(model, each) for each in caller.models)


def _require_model(caller: Caller, model: str) -> None:
    if not may(caller, model):
        raise Refused(f"This key may not use the model '{model}': ask for one of `/v1/models`.")


async def _body(found: Found, exchange: Exchange) -> bytes:
    start = perf_counter()
    body = await found.answer.body()
    exchange.log.waited += perf_counter() - start
    return body


def _failure(found: Found, body: bytes, exchange: Exchange) -> Reply:
    """What an upstream said when it failed, in its own words where they are OpenAI's form."""
    status = found.answer.status
    if status in (401, 403):
        raise EngineError(
            f"{found.member.name} refuses the key that this server has for it (HTTP {status}):"
            " the operator must correct it."
        )
    error = said.error_of(said.without(found.member.secret, body))
    exchange.log.failed(status if status >= 400 else 502, f"upstream_{status}")
    if exchange.talk is not None and exchange.talk.is_new:
        exchange.talk = None  # which is not kept, so nobody is told of it
    if error is None or status < 400:
        raise EngineError(f"{found.member.name} answered HTTP {status} in a form nobody knows.")
    headers = exchange.head(found) | JSON
    for name in ("retry-after", "retry-after-ms"):
        if name in found.answer.headers:
            headers[name] = found.answer.headers[name]
    return Reply(status=status, headers=headers, body=orjson.dumps({"error": error}))
