"""A worker: runs flows, each step once, and takes over those of workers that died."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any
from uuid import uuid4

from dbos import DBOS, DBOSClient, DBOSConfig, SetWorkflowID
from dbos._serialization import DBOSPortableJSON

from sutdol.core.errors import FlowFailed, NotReady, UsageError
from sutdol.flow.crew import OWN, Crew
from sutdol.flow.doing import Doing
from sutdol.flow.failure import packed, unpacked
from sutdol.flow.hand import Doer
from sutdol.flow.place import APP, SCHEMA, VERSION, Place, quieten
from sutdol.flow.plan import Child, Json, Key, Kind, Pause, Planner, Step, Told, Want

log = logging.getLogger("sutdol.flow")

Heard = Callable[[str, Json], None]

CONNECTIONS = 4  # of one worker to PostgreSQL, which usually allows a hundred in all
ENDLESS = 1_000_000  # we count by step: a long flow may well outlive a hundred workers


@dataclass(frozen=True, kw_only=True)
class Shift:
    """How a worker works. `queues` it takes flows from; a flow begun here needs none."""

    queues: tuple[str, ...] = ("flows", "cycles")
    slots: int = 1  # flows of the queue "flows" at once in this process
    most: int | None = None  # and in all processes
    attempts: int = 10  # times a step may be begun: a poisonous one must not loop for ever
    beat: float = 1.0  # seconds
    poll: float = 0.5  # seconds between two looks into a queue


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Start a flow of this kind by a cron expression of five or six fields (seconds first)."""

    name: str
    cron: str
    kind: str
    args: Json


class Engine:
    """One a process. Use it in `with`; `start` begins a flow here, `serve` takes what is queued."""

    def __init__(
        self,
        place: Place,
        kinds: Mapping[str, Kind],
        doer: Doer,
        shift: Shift | None = None,
        heard: Heard = lambda *_: None,
    ) -> None:
        """`heard` is told each event once it is written, to wake those who wait for it."""
        self.me = f"worker-{uuid4().hex[:12]}"
        self._place, self._kinds, self._doer = place, kinds, doer
        self._shift, self._heard = shift or Shift(), heard
        self._flows: dict[str, Callable[..., Any]] = {}
        self._stop = threading.Event()
        self._silent_since: float | None = None
        self._why = ""
        self._pulse: threading.Thread | None = None

    @property
    def _level(self) -> str:
        """What DBOS may say: a command raises what goes wrong, a worker has only its log."""
        return "ERROR" if "flows" in self._shift.queues else "CRITICAL"

    @property
    def own_queue(self) -> str:
        """Flows in it are done by this process and no other."""
        return f"{OWN}{self.me}"

    def __enter__(self) -> "Engine":
        with self._place.clear_faults():
            self._open()
        return self

    def _open(self) -> None:
        quieten(self._level)
        self._place.migrate()
        self._engine = self._place.engine()
        self._crew = Crew(place=self._place, engine=self._engine)
        self._doing = Doing(
            self._doer, self._crew, attempts=self._shift.attempts, leaving=self._stop.is_set
        )
        self._crew.beat(self.me)  # before the first flow: the silent count as dead
        self._queues_made()
        DBOS.destroy(destroy_registry=True)
        DBOS(config=self._config())
        for name, kind in self._kinds.items():
            self._flows[name] = self._registered(name, kind.plan)
        self._timed = self._registered_timer()
        DBOS.listen_queues([*self._shift.queues, self.own_queue])
        DBOS.launch()
        self._pulse = threading.Thread(target=self._beating, name="heartbeat", daemon=True)
        self._pulse.start()

    def __exit__(self, *_: object) -> None:
        """Hand all running flows over at once, then leave."""
        self._stop.set()
        self._doer.kill()
        if self._pulse is not None:
            self._pulse.join()
        with suppress(Exception):
            self._on_loop(self._doer.close())
        DBOS.destroy(destroy_registry=True)  # first: else it might take its own flows again
        with suppress(Exception):  # the database may be what failed
            self._crew.leave(self.me)
            self._crew.hand_over(self._queue_of(), of=self.me)
        with suppress(Exception), _Client(self._place, self._engine) as client:
            client.delete_queue(self.own_queue)
        self._engine.dispose()

    def start(self, kind: str, args: Json, *, flow: str) -> None:
        """Begin a flow in this process; one that exists under this id is left as it is."""

        async def begin() -> None:
            with SetWorkflowID(flow):
                await DBOS.start_workflow_async(self._flows[kind], dict(args))

        self._on_loop(begin())

    def schedule(self, wanted: Iterable[Schedule], *, timezone: str | None = None) -> None:
        """Have exactly these schedules, whichever worker fires them."""
        wanted = list(wanted)
        for one in wanted:
            if not is_cron(one.cron):
                raise UsageError(
                    f"'{one.cron}', the time of {one.name}, is no cron expression: write one such"
                    " as '0 4 * * *' for four in the morning, or off."
                )
        names = {one.name for one in wanted}
        for known in DBOS.list_schedules():
            if known["schedule_name"] not in names:
                DBOS.delete_schedule(known["schedule_name"])
        DBOS.apply_schedules(
            [
                {
                    "schedule_name": one.name,
                    "workflow_fn": self._timed,
                    "schedule": one.cron,
                    "context": {"kind": one.kind, "args": dict(one.args)},
                    "cron_timezone": timezone,
                    "queue_name": "flows",
                }
                for one in wanted
            ]
        )

    def stopped(self, timeout: float) -> bool:
        return self._stop.wait(timeout)

    def _config(self) -> DBOSConfig:
        return {
            "name": APP,
            "system_database_url": self._place.url.render_as_string(hide_password=False),
            "system_database_engine": self._engine if self._place.is_file else None,
            "dbos_system_schema": SCHEMA,
            "run_migrations": False,
            "sys_db_pool_size": CONNECTIONS,
            "application_version": VERSION,
            "executor_id": self.me,
            "serializer": DBOSPortableJSON,
            "log_level": self._level,
            "notification_listener_polling_interval_sec": self._shift.poll,
            "scheduler_polling_interval_sec": 1.0,
        }

    def _queues_made(self) -> None:
        shift = self._shift
        with _Client(self._place, self._engine) as client:
            client.register_queue(
                "flows",
                worker_concurrency=shift.slots,
                global_concurrency=shift.most,
                polling_interval_sec=shift.poll,
            )
            client.register_queue("cycles", polling_interval_sec=shift.poll)
            client.register_queue(self.own_queue, polling_interval_sec=shift.poll)
            alive = {f"{OWN}{one}" for one in self._crew.alive()}
            for queue in client.list_queues():
                if queue.name.startswith(OWN) and queue.name not in alive:
                    client.delete_queue(queue.name)

    def _registered(self, name: str, planner: Planner) -> Callable[..., Any]:
        async def flow(args: dict[str, Any]) -> dict[str, Any]:
            return await self._outcome(planner, args)

        flow.__qualname__ = flow.__name__ = name
        return DBOS.workflow(name=name, max_recovery_attempts=ENDLESS)(flow)

    async def _outcome(self, planner: Planner, args: Json) -> dict[str, Any]:
        """Drive a plan: each want becomes a recorded step, known answers come from the record."""
        flow = str(DBOS.workflow_id)
        plan = planner(flow, args)
        try:
            want = next(plan)
            while True:
                outcome = await self._fulfilled(flow, want)
                if "error" in outcome:
                    want = plan.throw(unpacked(outcome["error"]))
                else:
                    want = plan.send(outcome["value"])
        except StopIteration as end:
            return {"value": dict(end.value)}
        except Exception as error:
            if type(error).__module__.startswith("dbos"):
                raise  # cancelled, or no longer ours
            return {"error": packed(error)}

    async def _fulfilled(self, flow: str, want: Want) -> Json:
        match want:
            case Step():
                return await self._step(flow, want)
            case Child():
                return await self._child(flow, want)
            case Told():
                await DBOS.write_stream_async("events", dict(want.event))
                self._heard(flow, want.event)
            case Pause():
                await DBOS.sleep_async(want.seconds)
        return {"value": None}

    async def _step(self, flow: str, step: Step) -> Json:
        await DBOS.set_event_async("step", step.name)
        return await DBOS.run_step_async(
            {"name": step.name, "preemptible": True}, self._done, flow, step
        )

    async def _done(self, flow: str, step: Step) -> dict[str, Any]:
        told: asyncio.Queue[Json | None] = asyncio.Queue()
        teller = asyncio.create_task(self._write(flow, told))
        try:
            key = Key(flow=flow, step=step.name)
            return dict(await self._doing.done(key, step, told.put_nowait))
        finally:
            told.put_nowait(None)
            await teller

    async def _write(self, flow: str, told: "asyncio.Queue[Json | None]") -> None:
        """Write events in the order they were told; one that cannot be written costs no step."""
        while (event := await told.get()) is not None:
            try:
                await DBOS.write_stream_async("events", dict(event))
                self._heard(flow, event)
            except Exception as error:  # noqa: BLE001
                log.warning("an event was not written: %s", error)

    async def _child(self, flow: str, child: Child) -> Json:
        with SetWorkflowID(f"{flow}.{child.name}"):
            handle = await DBOS.start_workflow_async(self._flows[child.kind], dict(child.args))
        try:
            outcome: Json = await handle.get_result(polling_interval_sec=self._shift.poll)
        except Exception as error:
            if "cancelled" not in type(error).__name__.lower() and "cancel" not in str(error):
                raise
            return {"error": packed(FlowFailed(f"Flow {flow}.{child.name} was cancelled."))}
        return outcome

    def _registered_timer(self) -> Callable[..., Any]:
        async def scheduled(at: Any, context: Any) -> dict[str, Any]:
            return await self._outcome(self._kinds[context["kind"]].plan, context["args"])

        return DBOS.workflow(name="scheduled", max_recovery_attempts=ENDLESS)(scheduled)

    def _beating(self) -> None:
        while not self._stop.wait(self._shift.beat):
            try:
                self._crew.beat(self.me)
                self._doing.keep(lambda: self._crew.running(self.me))
                taken = self._crew.hand_over(self._queue_of())
                self._silent_since, self._why = None, ""
                if taken:
                    log.warning("taken over from workers that died: %d", taken)
            except Exception as error:  # noqa: BLE001  the next beat may find the database again
                self._silent_since = self._silent_since or monotonic()
                self._why = str(getattr(error, "orig", None) or error).partition("\n")[0]
                log.warning("no heartbeat: %s", self._why)

    def require_heard(self) -> None:
        """Raise when nothing could be written for so long that others take this worker for dead."""
        since = self._silent_since
        if since is not None and monotonic() - since > 2 * self._place.silence:
            raise NotReady(
                f"The flows cannot be written ({self._why}): free some space or look after the"
                " database, then try again. What was finished is kept."
            )

    def _queue_of(self) -> dict[str, str]:
        return {name: kind.queue for name, kind in self._kinds.items()}

    def _on_loop(self, work: Any) -> Any:
        from dbos._dbos import _get_dbos_instance

        return _get_dbos_instance()._background_event_loop.submit_coroutine(work)


class _Client(DBOSClient):
    """DBOS's client on our engine, closed at the end of `with`."""

    def __init__(self, place: Place, engine: Any) -> None:
        super().__init__(
            system_database_engine=engine,
            dbos_system_schema=SCHEMA,
            serializer=DBOSPortableJSON,
            application_name=APP,
        )

    def __enter__(self) -> "_Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.destroy()


def is_cron(text: str) -> bool:
    """Whether it is a cron expression of five fields, or of six with the seconds first."""
    from croniter import croniter

    return bool(croniter.is_valid(text, second_at_beginning=True))
