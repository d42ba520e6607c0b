"""The desk: ask for flows, watch them, stop them and let them go on, without being a worker."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar
from uuid import uuid4

from sutdol.core.errors import NotReady, Refused, Settled, SutdolError, UnknownName
from sutdol.flow.crew import Crew
from sutdol.flow.failure import unpacked
from sutdol.flow.place import APP, SCHEMA, VERSION, Place, quieten
from sutdol.flow.plan import Json

State = Literal["waiting", "running", "orphaned", "done", "failed", "cancelled", "stale"]
STATES: dict[str, State] = {
    "SUCCESS": "done",
    "CANCELLED": "cancelled",
    "PENDING": "running",
    "ENQUEUED": "waiting",
    "DELAYED": "waiting",
}
OVER = ("done", "failed", "cancelled", "stale")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A flow as a user sees it; `error` says why it failed.

    Orphaned is one whose worker died and whom no other has taken over yet; stale one that another
    release of Sutdol began and this one cannot go on with.
    """

    id: str
    kind: str
    state: State
    step: str
    started: datetime
    updated: datetime
    args: Json
    result: Json | None
    error: str | None
    worker: str | None
    parent: str | None

    @property
    def over(self) -> bool:
        return self.state in OVER

    def json(self) -> dict[str, Any]:
        times = {"started": self.started.isoformat(), "updated": self.updated.isoformat()}
        return asdict(self) | times | {"args": dict(self.args)}


P = ParamSpec("P")
R = TypeVar("R")


def _clearly(method: "Callable[Concatenate[Desk, P], R]") -> "Callable[Concatenate[Desk, P], R]":
    """The method, whose database faults are errors for the user."""

    @wraps(method)
    def clear(desk: "Desk", /, *args: P.args, **kwargs: P.kwargs) -> R:
        with desk.place.clear_faults():
            return method(desk, *args, **kwargs)

    return clear


class Desk:
    """Use it in `with`. It never runs a flow, and makes the flow database where there is none."""

    def __init__(self, place: Place) -> None:
        self.place = place

    @_clearly
    def __enter__(self) -> "Desk":
        from dbos import DBOSClient
        from dbos._serialization import DBOSPortableJSON

        quieten("CRITICAL")  # what goes wrong here is raised
        if not self.place.exists():
            self.place.migrate()
        self._engine = self.place.engine()
        self._crew = Crew(place=self.place, engine=self._engine)
        self._client = DBOSClient(
            system_database_engine=self._engine,
            dbos_system_schema=SCHEMA,
            serializer=DBOSPortableJSON,
            application_name=APP,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._client.destroy()
        self._engine.dispose()

    @_clearly
    def ask(self, kind: str, args: Json, *, flow: str | None = None) -> str:
        """Put a flow into the queue for a worker to take; its id."""
        id_ = flow or new_id(kind)
        self._client.enqueue(
            {
                "workflow_name": kind,
                "queue_name": "flows",
                "workflow_id": id_,
                "app_version": VERSION,
            },
            dict(args),
        )
        return id_

    @_clearly
    def all(self, *, limit: int = 50, kind: str | None = None) -> list[Flow]:
        """Flows, newest first."""
        named = [kind, "scheduled"] if kind else None
        found = self._client.list_workflows(
            limit=None if kind else limit, sort_desc=True, name=named
        )
        wanted = [one for one in found if kind in (None, _asked(one)[0])][:limit]
        alive = self._crew.alive()
        return [self._flow(one, alive) for one in wanted]

    @_clearly
    def unfinished(self, kind: str | None = None) -> list[Flow]:
        """The flows (of a kind) that are not over, oldest first."""
        found = self._client.list_workflows(
            name=kind, status=["PENDING", "ENQUEUED", "DELAYED"], sort_desc=False
        )
        alive = self._crew.alive()
        return [self._flow(one, alive) for one in found]

    @_clearly
    def get(self, id_: str) -> Flow:
        found = self._client.list_workflows(workflow_ids=[id_])
        if not found:
            raise UnknownName("flow", id_, [one.id for one in self.all(limit=5)])
        return self._flow(found[0], self._crew.alive())

    @_clearly
    def find(self, id_: str) -> Flow | None:
        found = self._client.list_workflows(workflow_ids=[id_])
        return self._flow(found[0], self._crew.alive()) if found else None

    @_clearly
    def workers(self) -> set[str]:
        """The ids of all workers alive."""
        return self._crew.alive()

    @_clearly
    def steps(self, id_: str) -> list[dict[str, Any]]:
        """The finished steps of a flow, in order."""
        rows = self._client.list_workflow_steps(id_)
        return [
            {
                "step": one["function_name"],
                "flow": (child := one["child_workflow_id"]),
                "started": _moment(one["started_at_epoch_ms"]),
                "ended": None if child else _moment(one["completed_at_epoch_ms"]),
            }
            for one in rows
            if not one["function_name"].startswith("DBOS.")
        ]

    @_clearly
    def cancel(self, id_: str) -> Flow:
        """Stop a flow and its children; what its finished steps did stays done."""
        flow = self.get(id_)
        if flow.over:
            raise Settled(f"{id_} is {flow.state} already: there is nothing to cancel.")
        self._client.cancel_workflow(id_, cancel_children=True)
        return self.get(id_)

    @_clearly
    def resume(self, id_: str, *, queue: str = "flows") -> Flow:
        """Let a flow go on where it stopped, by whoever takes it from the queue."""
        flow = self.get(id_)
        if flow.state in ("done", "failed"):
            raise Settled(f"{id_} is {flow.state}: start a new one instead.")
        if flow.state == "stale":
            raise NotReady(f"{id_} was begun by another release of Sutdol: start a new one.")
        if flow.state == "running":
            return flow
        self._crew.forgive(id_)
        halted = self._halted_in(id_)
        if halted:
            self._client.resume_workflows(halted, queue_name="cycles")
        self._client.resume_workflow(id_, queue_name=queue)
        return self.get(id_)

    def _halted_in(self, id_: str) -> list[str]:
        """The cancelled flows within a flow, however deep."""
        children = self._client.list_workflows(parent_workflow_id=id_)
        halted = [one.workflow_id for one in children if one.status == "CANCELLED"]
        return halted + [deeper for one in halted for deeper in self._halted_in(one)]

    @_clearly
    def prune(self, before: datetime) -> int:
        """Forget the records of flows that were over before then; how many. What they did stays."""
        gone = 0
        while True:
            old = self._client.list_workflows(
                status=["SUCCESS", "ERROR", "CANCELLED"],
                completed_before=before.isoformat(),
                limit=500,
            )
            if not old:
                return gone
            self._client.delete_workflows([one.workflow_id for one in old])
            gone += len(old)

    def events(
        self, id_: str, *, after: int = 0, poll: float = 0.1, patience: float | None = None
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """Every event from number `after` on, each with the number a next reader may begin at.

        It waits for more until the flow is over, or for `patience` seconds without an event.
        """
        from dbos._error import DBOSStreamTimeoutError

        values = self._client.read_stream(
            id_, "events", offset=after, polling_interval_sec=poll, timeout_seconds=patience
        )
        with suppress(DBOSStreamTimeoutError):
            yield from enumerate(values, after + 1)

    @_clearly
    def outcome(self, id_: str) -> Json:
        """What a finished flow ended with, or its error raised."""
        flow = self.get(id_)
        if flow.state == "cancelled":
            raise Refused(f"Flow {id_} was cancelled.")
        if not flow.over:
            raise NotReady(f"Flow {id_} is {flow.state}: wait for it with `sutdol flows show`.")
        status = self._client.list_workflows(workflow_ids=[id_])[0]
        failure = _failure(status)
        if failure is not None:
            raise failure
        return flow.result or {}

    def _flow(self, status: Any, alive: set[str]) -> Flow:
        kind, args = _asked(status)
        failure = _failure(status)
        output = status.output if isinstance(status.output, dict) else {}
        step = self._client.get_event(status.workflow_id, "step", timeout_seconds=0)
        return Flow(
            id=status.workflow_id,
            kind=kind,
            state="failed"
            if failure is not None
            else state_of(status.status, status.app_version, alive=status.executor_id in alive),
            step=str(step or ""),
            started=_at(status.created_at),
            updated=_at(status.updated_at),
            args=args,
            result=output.get("value"),
            error=str(failure) if failure else None,
            worker=status.executor_id,
            parent=status.parent_workflow_id,
        )


def new_id(kind: str) -> str:
    return f"{kind}-{uuid4().hex[:12]}"


def _asked(status: Any) -> tuple[str, Json]:
    """The kind and the arguments; a scheduled flow carries both in its context."""
    given = status.input.get("args", ()) if isinstance(status.input, dict) else ()
    given = [one for one in given if isinstance(one, dict)]
    if status.name == "scheduled" and given:
        return str(given[0]["kind"]), given[0]["args"]
    return str(status.name), given[0] if given else {}


def _failure(status: Any) -> SutdolError | None:
    if isinstance(status.output, dict) and "error" in status.output:
        return unpacked(status.output["error"])
    if status.error is not None:
        return unpacked({"kind": "FlowFailed", "message": str(status.error)})
    return None


def state_of(status: str, version: str | None, *, alive: bool) -> State:
    """What the engine's word for it means, where its worker is `alive` or not."""
    state = STATES.get(status, "failed")
    if state in ("running", "waiting") and version not in (VERSION, None):
        return "stale"
    return "orphaned" if state == "running" and not alive else state


def _at(epoch_ms: int | None) -> datetime:
    return datetime.fromtimestamp((epoch_ms or 0) / 1000, UTC)


def _moment(epoch_ms: int | None) -> str | None:
    return None if epoch_ms is None else _at(epoch_ms).isoformat()
