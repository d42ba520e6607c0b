"""What is noted about one exchange, and the rows it becomes."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fnmatch import fnmatchcase
from time import perf_counter
from typing import Any

from sutdol.chat.pool import Found
from sutdol.chat.shield import Ruling
from sutdol.core import meters
from sutdol.core.caller import Caller
from sutdol.storage import decisions, requests
from sutdol.storage.decisions import Decided, Side
from sutdol.storage.requests import Request
from sutdol.storage.writer import Row

MOST = 2**31 - 1  # tokens of one exchange, the size of a column
GONE = 499
"""Status of a request whose client did not wait, as nginx notes it."""


@dataclass(slots=True, kw_only=True)
class Log:
    """One exchange; `waited` are the seconds that an upstream took."""

    id: str
    caller: Caller
    route: str
    model: str
    at: datetime
    stream: bool = False
    start: float = field(default_factory=perf_counter)
    waited: float = 0.0
    upstream: str | None = None
    status: int = 200
    error: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    estimated: bool = False
    cost: float | None = None
    first: float | None = None
    decided: list[Decided] = field(default_factory=list)

    def answered_by(self, found: Found) -> None:
        self.upstream, self.status = found.member.name, found.answer.status
        self.waited += found.waited

    def failed(self, status: int, error: str) -> None:
        self.status, self.error = status, error[:64]

    def gone(self) -> None:
        """The client did not wait."""
        self.failed(GONE, "client_gone")
        meters.GONE.inc()

    def ruled(self, side: Side, ruling: Ruling, digest: str) -> None:
        """Note a ruling that blocks what it flags; of an answer that was read piece by piece, the
        worst one.
        """
        known = next((one for one in self.decided if one.side == side), None)
        if known is not None:
            if (known.flagged, known.score) >= (ruling.flagged, ruling.score):
                return
            self.decided.remove(known)
        decided = self.decision(side, side, ruling, digest)
        self.decided.append(replace(decided, blocked=ruling.flagged))

    def decision(self, name: str, side: Side, ruling: Ruling, digest: str) -> Decided:
        """A ruling that kept nobody from passing; `name` tells it from others of this request."""
        return Decided(
            id=f"{self.id}-{name}",
            request=self.id,
            side=side,
            digest=digest,
            version=ruling.version,
            flagged=ruling.flagged,
            blocked=False,
            score=ruling.score,
            categories={name: share for name, share in ruling.categories.items() if share},
            created_at=self.at,
        )

    def used(self, usage: dict[str, Any] | None, *, read: int, written: int) -> None:
        """The upstream's count of tokens, else our estimates."""
        counts = usage or {}
        prompt, completion = counts.get("prompt_tokens"), counts.get("completion_tokens", 0)
        self.estimated = not (_is_count(prompt) and _is_count(completion))
        self.prompt_tokens = read if self.estimated else prompt
        self.completion_tokens = written if self.estimated else completion

    @property
    def tokens(self) -> int:
        return (self.prompt_tokens or 0) + (self.completion_tokens or 0)

    def priced(self, found: Found) -> None:
        """What the exchange cost, where the price of the model is known."""
        for pattern, (read, written) in found.member.prices.items():
            if fnmatchcase(found.way.model, pattern) or fnmatchcase(self.model, pattern):
                spent = (self.prompt_tokens or 0) * read + (self.completion_tokens or 0) * written
                self.cost = spent / 1e6
                return

    def count(self) -> None:
        """Add it to what this process tells of itself."""
        if self.upstream is not None:
            meters.tokens(self.upstream, "read").inc(self.prompt_tokens or 0)
            meters.tokens(self.upstream, "written").inc(self.completion_tokens or 0)
        for one in self.decided:
            outcome = "blocked" if one.blocked else "flagged" if one.flagged else "passed"
            meters.guard_decisions(one.side, outcome).inc()

    def rows(self) -> Sequence[Row]:
        """The row of the request, and those of what the guard decided."""
        request = Request(
            id=self.id,
            user=self.caller.user,
            key=self.caller.key,
            route=self.route,
            model=self.model,
            upstream=self.upstream,
            status=self.status,
            error=self.error,
            stream=self.stream,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            estimated=self.estimated,
            cost=self.cost,
            milliseconds=1000 * (perf_counter() - self.start),
            first_milliseconds=None if self.first is None else 1000 * self.first,
            created_at=self.at,
        )
        return [requests.row(request), *(decisions.row(one) for one in self.decided)]


def _is_count(found: object) -> bool:
    return isinstance(found, int) and not isinstance(found, bool) and 0 <= found <= MOST
