"""All upstreams together: which serve a model, who is well, and asking until one answers."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from time import monotonic, perf_counter
from typing import Any

import orjson

from sutdol.chat.breaker import Breaker
from sutdol.chat.routing import Served, Way, names, ways
from sutdol.core import meters
from sutdol.core.errors import EngineError, SutdolError, Unavailable
from sutdol.models.upstream import Answer, Connections, Line, Silent, Unreached

PASSING = {408, 409, 425, 429, 500, 502, 503, 504, 529}
"""Statuses that another try, or another upstream, may cure."""
PAUSE = 0.1  # seconds before the second try at an upstream, doubled with each one more
LOOK = 60.0  # seconds after which an upstream is asked again what it serves
LOOK_SOON = 5.0  # the same where it did not say


BLANK: Mapping[str, Any] = {"id": "", "object": "model", "created": 0, "owned_by": "sutdol"}


class NoUpstream(Unavailable):
    """Nobody is there to answer; `retry`: seconds after which somebody may be."""

    retry: float | None = 1.0


class NotConfigured(NoUpstream):
    """Nor will anybody be until the operator does something."""

    retry = None


@dataclass(slots=True, kw_only=True)
class Member:
    """An upstream with all that is known of it; `prices` by pattern, per million tokens."""

    line: Line
    served: Served
    prices: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    counts: bool = True  # whether it may be asked for the usage of streams
    breaker: Breaker = field(default_factory=Breaker)
    listed_at: float = -1.0
    trouble: str = ""
    models: list[dict[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.line.name

    @property
    def secret(self) -> bytes:
        """The key it asks for, which some repeat in their errors."""
        return self.line.headers.get("authorization", "").removeprefix("Bearer ").encode()

    def health(self) -> dict[str, Any]:
        state = "resting" if self.breaker.is_open else "troubled" if self.trouble else "ok"
        return {
            "name": self.name,
            "state": state,
            "trouble": self.trouble or None,
            "models": names([self.served]),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An answer's head, who gave it, and the seconds that were spent waiting for upstreams."""

    answer: Answer
    member: Member
    way: Way
    waited: float = 0.0


class Trouble:
    """What went wrong so far: within the block, that an upstream was not reached is noted.

    The last bad answer stays open until a next one is there: it may be the best there is.
    """

    def __init__(self) -> None:
        self.told = ""
        self.left: set[str] = set()
        self.last: Found | None = None

    def answered(self, found: Found) -> None:
        self.close()
        self.last = found
        if found.answer.status == 429:  # asking again makes it worse
            self.left.add(found.member.name)

    def close(self) -> None:
        if self.last is not None:
            self.last.answer.close()

    def lets(self, member: Member) -> bool:
        """Whether it is worth asking this upstream."""
        if member.name in self.left:
            return False
        if member.breaker.allows():
            return True
        self.left.add(member.name)
        self.told = self.told or f"{member.name} failed too often and rests. {member.trouble}"
        return False

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        self.told = str(error) if isinstance(error, Unreached) else self.told
        return isinstance(error, Unreached)


class Pool:
    """To be used within the event loop in which its connections were made."""

    def __init__(
        self, members: Sequence[Member], connections: Connections, *, attempts: int = 2
    ) -> None:
        self.members = {one.name: one for one in members}
        self._connections, self._attempts = connections, attempts
        self._looking = asyncio.Lock()
        self._look: asyncio.Task[None] | None = None

    async def ways(self, model: str) -> list[Way]:
        """Who may answer for the model, first choice first."""
        if not self.members:
            raise NotConfigured(
                "No model server is configured, so there is nobody to answer: set"
                " OPENAI_BASE_URL=http://127.0.0.1:11434/v1 (Ollama, vLLM, llama.cpp, any"
                " OpenAI-compatible server) or `upstreams` in sutdol.yaml, and start again."
            )
        await self._known()
        return ways(model, self._table())

    async def models(self) -> list[dict[str, Any]]:
        """All models as `/v1/models` lists them."""
        await self._known()
        told = {str(one["id"]): one for each in self.members.values() for one in each.models}
        return [{**BLANK, **told.get(name, {}), "id": name} for name in names(self._table())]

    async def model(self, name: str) -> dict[str, Any]:
        """One model that somebody serves, listed or not; `UnknownName` where nobody does."""
        known = {str(one["id"]): one for one in await self.models()}
        if name not in known:
            await self.ways(name)
        return known.get(name) or {**BLANK, "id": name}

    async def ask(
        self, path: str, wanted: Sequence[Way], body: Callable[[Way, Member], bytes]
    ) -> Found:
        """The first good answer, or the last bad one. Nothing has been passed on at that point."""
        start, trouble = perf_counter(), Trouble()
        try:
            for way, attempt in [(way, n) for way in wanted for n in range(self._attempts)]:
                member = self.members[way.upstream]
                if not trouble.lets(member):
                    continue
                if attempt:
                    await asyncio.sleep(PAUSE * 2 ** (attempt - 1))
                with trouble:
                    answer = await self._try(member, path, body(way, member))
                    trouble.answered(Found(answer=answer, member=member, way=way))
                    if answer.status not in PASSING:
                        break
        except BaseException:
            trouble.close()
            raise
        if trouble.last is None:
            raise NoUpstream(f"No model server answers: {trouble.told} Try again in a moment.")
        return replace(trouble.last, waited=perf_counter() - start)

    async def _try(self, member: Member, path: str, body: bytes) -> Answer:
        start = perf_counter()
        try:
            answer = await self._connections.ask(member.line, "POST", path, body=body)
        except (Unreached, Silent) as error:
            self._count(member, "unreached" if isinstance(error, Unreached) else "silent", error)
            raise
        meters.upstream_seconds(member.name).observe(perf_counter() - start)
        bad = answer.status >= 500
        told = EngineError(f"it answered HTTP {answer.status}") if bad else None
        self._count(member, str(answer.status), told)
        return answer

    def _count(self, member: Member, outcome: str, trouble: SutdolError | None) -> None:
        meters.upstream_requests(member.name, outcome).inc()
        if trouble is None:
            member.breaker.worked()
        else:
            member.breaker.failed()
        member.trouble = str(trouble or "")

    async def look(self) -> None:
        """Ask those that were not asked lately what they serve; those who come meanwhile wait for
        the same answer.
        """
        async with self._looking:
            due = [one for one in self.members.values() if _is_due(one)]
            await asyncio.gather(*(self._list(one) for one in due))

    async def _known(self) -> None:
        """Wait for a first look; later ones happen beside the requests."""
        if any(one.listed_at < 0 for one in self.members.values()):
            await asyncio.shield(self._looks())  # whoever leaves takes nobody's answer along
        elif any(_is_due(one) for one in self.members.values()):
            self._looks()

    def _looks(self) -> "asyncio.Task[None]":
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self.look())
        return self._look

    async def _list(self, member: Member) -> None:
        try:
            async with asyncio.timeout(self._connections.patience.connect):
                found = await self._models_of(member)
        except (SutdolError, TimeoutError, ValueError) as error:
            member.trouble = str(error) or "it did not say in time what it serves"
            return
        finally:
            member.listed_at = monotonic()
        member.trouble = ""
        member.models = found
        listed = frozenset(str(one["id"]) for one in found)
        member.served = replace(member.served, listed=listed)

    async def _models_of(self, member: Member) -> list[dict[str, Any]]:
        answer = await self._connections.ask(member.line, "GET", "/models")
        raw = await answer.body(16 << 20)
        if answer.status != 200:
            raise EngineError(f"{member.name} answered HTTP {answer.status} when asked for models.")
        with suppress(KeyError, TypeError):
            return [
                {key: one[key] for key in ("id", "object", "created", "owned_by") if key in one}
                for one in orjson.loads(raw)["data"]
                if isinstance(one["id"], str)
            ]
        raise EngineError(f"{member.name} lists its models in a form that nobody knows.")

    def _table(self) -> list[Served]:
        return [one.served for one in self.members.values()]


def _is_due(member: Member) -> bool:
    wait = LOOK if member.served.listed is not None and not member.trouble else LOOK_SOON
    return monotonic() - member.listed_at >= wait
