"""Sutdol.open(settings): the only place that knows every concrete class."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from sutdol.arena.battle import Arena
from sutdol.arena.fight import Rewrite
from sutdol.arena.fixed import exam_disguises
from sutdol.arena.guarded import Judged
from sutdol.core.errors import NotReady, UnknownName
from sutdol.core.settings import Settings
from sutdol.core.types import Example
from sutdol.loop import cycle, promote
from sutdol.loop.collect import collect
from sutdol.loop.live import Live
from sutdol.loop.workshop import Workshop
from sutdol.roles.classifier import Classifier, Texts
from sutdol.roles.guard import GuardRole
from sutdol.storage.database import Database


class Sutdol:
    """Everything, wired together; close it, or use it in `with`."""

    def __init__(self, settings: Settings, db: Database, now: Callable[[], datetime]) -> None:
        self.settings, self.db = settings, db
        self.guard_role = GuardRole(exam_disguises, fpr=settings.guard.fpr)
        self.guard: Workshop[Classifier] = Workshop(
            db=db, home=settings.home, role=self.guard_role, now=now
        )
        self.live = Live(self.guard)

    @classmethod
    def open(cls, settings: Settings, now: Callable[[], datetime] | None = None) -> Self:
        """Open home and database, created where missing."""
        db = Database.open(settings.database_url, settings.home)
        return cls(settings, db, now or _utc)

    def workshop(self, role: str) -> Workshop[Any]:
        """The workshop of a role by its name."""
        known = {self.guard.role.name: self.guard}
        if role not in known:
            raise UnknownName("role", role, known)
        return known[role]

    def arena(self, *, seed: int) -> Arena:
        """The arena around the live guard."""
        return Arena(
            guard=lambda: Standing(self.live(), self.guard_role.texts),
            learn=self._learn,
            improve=lambda: self._improve(seed),
            go_back=lambda reason: _nothing(promote.rollback(self.guard, reason=reason)),
        )

    def rewrite(self) -> Rewrite | None:
        """LLM attacks through the configured endpoint; None without one."""
        return None

    def _learn(self, evasions: Sequence[Example], twins: Sequence[Example]) -> int:
        new = collect(self.guard, evasions, kind="evasion", reviewed=True).new
        return new + collect(self.guard, twins, kind="twin", reviewed=True).new

    def _improve(self, seed: int) -> Mapping[str, Any] | None:
        try:
            stored = cycle.improve(self.guard, seed=seed).verdict
        except NotReady:
            return None
        return {
            "id": stored.id,
            "role": stored.role,
            "champion": stored.champion,
            "challenger": stored.challenger,
            "snapshot": stored.snapshot,
            **stored.body,
        }

    def close(self) -> None:
        self.db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Standing:
    """A classifier that stands in the arena; how it read the panel is kept between rounds."""

    def __init__(self, classifier: Classifier, texts: Texts) -> None:
        self._classifier, self._texts = classifier, texts
        self.version = classifier.version

    def judge(self, texts: Sequence[str]) -> Judged:
        return self._classifier.judge(texts)

    def judge_again(self, texts: Sequence[str]) -> Judged:
        return self._classifier.judge_known(texts, self._texts)


def _utc() -> datetime:
    return datetime.now(UTC)


def _nothing(_: object) -> None:
    return None
