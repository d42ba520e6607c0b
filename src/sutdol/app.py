"""Sutdol.open(settings): the only place that knows every concrete class."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self, TypeVar

from sutdol.arena.campaign import Arena, Campaign
from sutdol.arena.cast import Plan, cast, frozen_of, require_model
from sutdol.arena.fight import Rewrite
from sutdol.arena.fixed import by_family, exam_disguises, readable
from sutdol.arena.guarded import Judged
from sutdol.arena.llm import Writer
from sutdol.arena.panel import measure
from sutdol.arena.rehearse import rehearse
from sutdol.arena.report import curve
from sutdol.arena.search import Budget
from sutdol.arena.strategy import strategy
from sutdol.core.errors import NotReady, SutdolError, UnknownName
from sutdol.core.settings import Settings
from sutdol.core.text.reading import key
from sutdol.core.types import Disguised, Example
from sutdol.flow.desk import Desk
from sutdol.flow.place import Place
from sutdol.loop import cycle, examine, promote
from sutdol.loop.collect import Collected, collect, take_in
from sutdol.loop.live import Live, load
from sutdol.loop.parts import on_panel
from sutdol.loop.role import Lesson, Role
from sutdol.loop.snapshot import snapshot
from sutdol.loop.trigger import Triggers
from sutdol.loop.workshop import Workshop
from sutdol.models.llm import Llm
from sutdol.roles.bootstrap import bootstrap
from sutdol.roles.classifier import Classifier
from sutdol.roles.decisions import Decisions
from sutdol.roles.guard import GuardRole
from sutdol.roles.labelled import Columns, labelled
from sutdol.roles.selftest import Refusal, selftest
from sutdol.roles.texts import Texts
from sutdol.storage import examples, mlflow, requests, sessions, turns, uploads, versions
from sutdol.storage.bus import Bus
from sutdol.storage.cache import Memory, Shared
from sutdol.storage.database import Database
from sutdol.storage.effects import Tx
from sutdol.storage.follower import Mirror
from sutdol.storage.leases import lease
from sutdol.storage.redis import Redis

M = TypeVar("M")


class Sutdol:
    """Everything, wired together; close it, or use it in `with`."""

    def __init__(self, settings: Settings, db: Database, now: Callable[[], datetime]) -> None:
        self.settings, self.db = settings, db
        self.guard_role = GuardRole(exam_disguises, rehearse, fpr=settings.guard.fpr)
        self.guard = self._workshop(self.guard_role, now)
        self.live = Live(self.guard)

    @classmethod
    def open(cls, settings: Settings, now: Callable[[], datetime] | None = None) -> Self:
        """Open home and database, created where missing."""
        db = Database.open(settings.database_url, settings.home, wait=settings.database_wait)
        return cls(settings, db, now or _utc)

    def _workshop(self, role: Role[M], now: Callable[[], datetime]) -> Workshop[M]:
        """A workshop of this home."""
        return Workshop(
            db=self.db,
            home=self.settings.home,
            role=role,
            now=now,
            over=self._over,
            lease=lambda name, holder: lease(self.redis, name, holder),
        )

    @property
    def workshops(self) -> dict[str, Workshop[Any]]:
        """One workshop a role."""
        return {shop.role.name: shop for shop in (self.guard,)}

    def workshop(self, role: str) -> Workshop[Any]:
        """The workshop of a role by its name."""
        if role not in self.workshops:
            raise UnknownName("role", role, self.workshops)
        return self.workshops[role]

    @cached_property
    def redis(self) -> Redis | None:
        """What processes share besides the database; None where no Redis is set."""
        if self.settings.redis_url is None:
            return None
        # Deployments with other databases may use the same Redis.
        space = sha256(self.db.where.encode()).hexdigest()[:12]
        return Redis.open(self.settings.redis_url, space=space)

    @cached_property
    def bus(self) -> Bus:
        """Tells readers in all processes that something happened."""
        return Bus(self.redis)

    def decisions(self, live: Callable[[], Classifier]) -> Decisions:
        """What a live guard decides, kept here and, where it pays, in Redis."""
        return Decisions(live, Memory(), Shared(self.redis) if self.redis else None)

    @property
    def place(self) -> Place:
        """Where the flows are kept."""
        settings = self.settings
        return Place(
            database_url=settings.database_url, home=settings.home, silence=settings.worker.silence
        )

    def _over(self, holder: str) -> bool:
        """Whether the flow or the process that holds a turn has come to its end."""
        if turns.is_process(holder):
            return turns.is_dead_process(holder)
        with Desk(self.place) as desk:
            flow = desk.find(holder)
        return flow is None or flow.over

    def triggers(self) -> Triggers:
        """When a role is improved though nobody asked."""
        chosen = self.settings.loop
        return Triggers(
            after_examples=chosen.after_examples,
            detection=chosen.detection,
            cooldown=timedelta(seconds=chosen.cooldown),
        )

    def plan(
        self,
        *,
        rounds: int = 10,
        attack_strategy: str = "mixed",
        seed: int = 0,
        independent: Path | None = None,
        texts: int | None = None,
    ) -> Plan:
        """A battle as the settings have it; what cannot be fought is refused before any work."""
        chosen = self.settings.battle
        plan = Plan(
            rounds=rounds,
            attack_strategy=attack_strategy,
            seed=seed,
            texts=texts or chosen.texts,
            budget=Budget(queries=chosen.queries, edits=chosen.edits),
            trigger=chosen.trigger,
            independent=independent.absolute() if independent else None,
        )
        require_model(strategy(attack_strategy, plan.languages), self.rewrite())
        return plan

    @cached_property
    def campaign(self) -> Campaign:
        """The deeds of battles around the live guard."""
        texts = self.guard_role.texts
        arena = Arena(
            guard=lambda: Standing(self.live(), texts),
            version=lambda name: Standing(self._version(name), texts),
            learn=self._learn,
            way_back=self._way_back,
        )
        return Campaign(self.db, arena, self.guard.now, self.rewrite())

    def _version(self, name: str) -> Classifier:
        with self.db.read() as tx:
            version = versions.get(tx, name)
        return load(self.guard, version)

    def _way_back(self, reason: str) -> Callable[[Tx], object]:
        wish = promote.way_back(self.guard, reason)
        return lambda tx: promote.crown(self.guard, tx, wish)

    def take_in(self, files: Sequence[Path], columns: Columns | None = None) -> Collected:
        """Labelled files of the operator: their labels count as reviewed."""
        read = [one for path in files for one in labelled(path, columns)]
        return collect(self.guard, read, kind="data", reviewed=True)

    def take_in_bundled(self) -> Collected:
        """The texts that come with Sutdol."""
        return collect(self.guard, bundled(), kind="data", reviewed=True)

    def crown_first(self, *, seed: int) -> None:
        """Train the first guard where there is none."""
        if not self.reigns():
            cycle.found(self.guard, seed=seed)

    def reigns(self) -> bool:
        """Whether there is a guard; `NotReady` when there is none and nothing to train one on."""
        with self.db.read() as tx:
            reigns = versions.alias(tx, self.guard.role.name, "champion")
            empty = examples.count(tx, self.guard.role.name) == 0
        if empty and not reigns:
            raise NotReady("There is no guard and no data: give --data FILE, or try `sutdol demo`.")
        return reigns is not None

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

    def _learn(self, tx: Tx, evasions: Sequence[Example], twins: Sequence[Example]) -> int:
        new = take_in(tx, self.guard, evasions, kind="evasion", reviewed=True).new
        return new + take_in(tx, self.guard, twins, kind="twin", reviewed=True).new

    def evaluate(self) -> dict[str, Any]:
        """The reigning guard's figures on its panel, attacked as in a battle."""
        with self.db.read() as tx:
            known = examples.find(tx, self.guard.role.name, kinds=["data"], reviewed=True)
        standing = Standing(self.live(), self.guard_role.texts)
        watched = cast("", self.plan(rounds=1), frozen_of(known), self.rewrite())
        return {"version": standing.version, **measure(watched.panel, standing).json()}

    def tidy(self) -> None:
        """Delete what is past its time: sessions, uploaded files, requests on record.

        Each by itself; the first error is raised when all were tried.
        """
        now, kept = self.guard.now(), timedelta(days=self.settings.server.keep_days)
        parts: tuple[Callable[[], int], ...] = (
            lambda: self._sweep_sessions(now),
            lambda: uploads.sweep(self.db, self.settings.home, now),
            lambda: requests.prune(self.db, now - kept),
        )
        errors: list[SutdolError] = []
        for part in parts:
            try:
                part()
            except SutdolError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def _sweep_sessions(self, now: datetime) -> int:
        with self.db.write() as tx:
            return sessions.sweep(tx, now)

    def mirror(self) -> Mirror:
        """What tells the MLflow server of the settings about this home."""
        uri = self.settings.mlflow_tracking_uri
        if uri is None:
            raise NotReady(f"No MLflow server is set: {mlflow.START} in MLFLOW_TRACKING_URI.")
        return Mirror(
            db=self.db,
            home=self.settings.home,
            target=mlflow.target(uri),
            where=mlflow.shown(uri),
            registry=lambda: mlflow.connect(uri),
            now=self.guard.now,
            draw=curve,
        )

    def mirroring(self, stop: Event) -> Thread | None:
        """A thread that keeps the mirror up to date until `stop`; None where there is none."""
        if self.settings.mlflow_tracking_uri is None:
            return None
        thread = Thread(target=self.mirror().follow, args=(stop,), name="mirror", daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        if bus := vars(self).get("bus"):
            bus.close()
        if opened := vars(self).get("redis"):  # only if something asked for it
            opened.close()
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


def _utc() -> datetime:
    return datetime.now(UTC)
