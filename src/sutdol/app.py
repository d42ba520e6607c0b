"""Sutdol.open(settings): the only place that knows every concrete class."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sutdol.arena.battle import Arena
from sutdol.arena.campaign import Campaign, Plan
from sutdol.arena.fight import Rewrite
from sutdol.arena.fixed import by_family, exam_disguises, readable
from sutdol.arena.guarded import Judged
from sutdol.arena.llm import Writer
from sutdol.arena.rehearse import rehearse
from sutdol.arena.search import Budget
from sutdol.arena.strategy import strategy
from sutdol.core.errors import NotReady, SutdolError, UnknownName
from sutdol.core.settings import Settings
from sutdol.core.text.reading import key
from sutdol.core.types import Disguised, Example
from sutdol.loop import cycle, examine, overview, promote
from sutdol.loop.collect import Collected, collect
from sutdol.loop.live import Live
from sutdol.loop.parts import on_panel
from sutdol.loop.role import Lesson
from sutdol.loop.snapshot import snapshot
from sutdol.loop.workshop import Workshop
from sutdol.models.llm import Llm
from sutdol.roles.bootstrap import bootstrap
from sutdol.roles.categories import CATEGORIES
from sutdol.roles.classifier import Classifier
from sutdol.roles.guard import GuardRole
from sutdol.roles.labelled import Columns, labelled
from sutdol.roles.selftest import Refusal, selftest
from sutdol.roles.texts import Texts
from sutdol.storage import examples, versions
from sutdol.storage.database import Database


class Sutdol:
    """Everything, wired together; close it, or use it in `with`."""

    def __init__(self, settings: Settings, db: Database, now: Callable[[], datetime]) -> None:
        self.settings, self.db = settings, db
        self.guard_role = GuardRole(exam_disguises, rehearse, fpr=settings.guard.fpr)
        self.guard: Workshop[Classifier] = Workshop(
            db=db, home=settings.home, role=self.guard_role, now=now
        )
        self.live = Live(self.guard)

    @classmethod
    def open(cls, settings: Settings, now: Callable[[], datetime] | None = None) -> Self:
        """Open home and database, created where missing."""
        db = Database.open(settings.database_url, settings.home, wait=settings.database_wait)
        return cls(settings, db, now or _utc)

    @property
    def workshops(self) -> dict[str, Workshop[Any]]:
        """One workshop a role."""
        return {shop.role.name: shop for shop in (self.guard,)}

    def workshop(self, role: str) -> Workshop[Any]:
        """The workshop of a role by its name."""
        if role not in self.workshops:
            raise UnknownName("role", role, self.workshops)
        return self.workshops[role]

    def arena(self, *, seed: int) -> Arena:
        """The arena around the live guard."""
        return Arena(
            guard=lambda: Standing(self.live(), self.guard_role.texts),
            learn=self._learn,
            improve=lambda: self._improve(seed),
            go_back=lambda reason: _nothing(promote.rollback(self.guard, reason=reason)),
        )

    def campaign(
        self,
        files: Sequence[Path],
        *,
        rounds: int = 10,
        attack_strategy: str = "mixed",
        seed: int = 0,
        independent: Path | None = None,
        texts: int | None = None,
    ) -> Campaign:
        """A battle ready to fight; with no champion yet, one is trained from `files` first."""
        chosen = self.settings.battle
        plan = Plan(
            rounds=rounds,
            attack_strategy=attack_strategy,
            seed=seed,
            texts=texts or chosen.texts,
            budget=Budget(queries=chosen.queries, edits=chosen.edits),
            trigger=chosen.trigger,
            independent=independent,
        )
        strategy(attack_strategy, plan.languages)  # a bad name is refused before any work
        self.take_in(files)
        self.crown_first(seed=seed)
        return Campaign(
            db=self.db,
            arena=self.arena(seed=seed),
            plan=plan,
            now=self.guard.now,
            rewrite=self.rewrite(),
        )

    def take_in(self, files: Sequence[Path], columns: Columns | None = None) -> Collected:
        """Labelled files of the operator: their labels count as reviewed."""
        read = [one for path in files for one in labelled(path, columns)]
        return collect(self.guard, read, kind="data", reviewed=True)

    def take_in_bundled(self) -> Collected:
        """The texts that come with Sutdol."""
        return collect(self.guard, bundled(), kind="data", reviewed=True)

    def crown_first(self, *, seed: int) -> None:
        """Train the first guard where there is none."""
        with self.db.read() as tx:
            reigns = versions.alias(tx, self.guard.role.name, "champion")
            empty = examples.count(tx, self.guard.role.name) == 0
        if reigns:
            return
        if empty:
            raise NotReady("There is no guard and no data: give --data FILE, or try `sutdol demo`.")
        cycle.found(self.guard, seed=seed)

    def selftest(self, *, seed: int) -> list[Refusal]:
        """Put the cheats before the gate."""
        _, exam = examine.current(self.guard)
        frozen = snapshot(self.guard)
        with self.db.read() as tx:
            dev = examples.find(tx, self.guard.role.name, part="dev", kinds=["data"], reviewed=True)
        dev = [one for one in dev if not on_panel(self.guard.role.name, one.group)]
        lesson = Lesson(train=frozen.rows, dev=dev, seed=seed)
        return selftest(self.guard_role, lesson, exam, _every_family)

    def rewrite(self) -> Rewrite | None:
        """LLM attacks through the configured endpoint; None without one."""
        settings = self.settings
        if settings.openai_base_url is None:
            return None
        key = settings.openai_api_key
        llm = Llm(
            base_url=settings.openai_base_url,
            model=settings.llm_model,
            api_key=key.get_secret_value() if key else "",
        )
        writer = Writer(llm.complete_many, model=settings.llm_model)
        return lambda name, texts, seed: writer.generate(name, texts, seed=seed)

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

    def checkup(self) -> list[dict[str, str]]:
        """What `doctor` says of home, database, guard and endpoint."""
        settings, state = self.settings, overview.status(self.guard)
        endpoint = settings.openai_base_url
        found = [
            _line("ok", "home", str(settings.home)),
            _line("ok", "database", self.db.where),
            _line("ok", "guard examples", str(state["examples"])),
            _line(
                "ok" if endpoint else "absent",
                "llm endpoint",
                endpoint or "not set: LLM attacks need OPENAI_BASE_URL",
            ),
        ]
        if state["champion"] is None:
            return [*found, _line("absent", "guard", "none yet: `sutdol guard train` or `demo`")]
        try:
            model = self.live()
        except SutdolError as error:
            return [*found, _line("broken", "guard", str(error))]
        missing = [name for name in CATEGORIES if name not in model.shares]
        return [
            *found,
            _line("ok", "guard", f"{state['champion']} loads"),
            _line("ok", "trained categories", ", ".join(sorted(model.shares)) or "none"),
            _line("absent", "untrained categories", ", ".join(missing) + " (always 0)"),
        ]

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


def bundled() -> list[Example]:
    """The bundled texts as examples, split text by text.

    So the demo measures new texts out of known templates, and says so; real data do better.
    """
    return [
        Example(
            input=one.text,
            target=one.category,
            lang=one.lang,
            source="import:bundled",
            group=key(one.text),
            part="train",
            meta={"id": f"bundled-{number}"},
        )
        for number, one in enumerate(bootstrap(0))
    ]


def _every_family(example: Example) -> list[Disguised]:
    return by_family(example.input, readable(example.lang, unseen=False), "selftest")


def _line(state: str, name: str, text: str) -> dict[str, str]:
    return {"name": name, "state": state, "text": text}


def _utc() -> datetime:
    return datetime.now(UTC)


def _nothing(_: object) -> None:
    return None
