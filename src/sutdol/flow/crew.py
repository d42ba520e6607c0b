"""Who works: each worker's heartbeat, and what becomes of the flows of those who fell silent."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Table,
    case,
    cast,
    delete,
    func,
    select,
    text,
)
from sqlalchemy import insert as add
from sqlalchemy import update as change

from sutdol.flow.place import APP, VERSION, Place, attempt, worker

FORGET_MS = 60_000  # a silent worker's row is swept out after that
OWN = "here-"  # begins the name of a queue of one process


@dataclass(frozen=True, kw_only=True)
class Crew:
    """The workers on one flow database."""

    place: Place
    engine: Engine

    def beat(self, me: str) -> None:
        with self.place.begin(self.engine) as tx:
            now = _now_ms(self.place)
            done = tx.execute(change(worker).where(worker.c.id == me).values(beat_ms=now))
            if done.rowcount == 0:
                tx.execute(add(worker).values(id=me, beat_ms=now))
            tx.execute(delete(worker).where(worker.c.beat_ms < now - FORGET_MS))

    def leave(self, me: str) -> None:
        with self.place.begin(self.engine) as tx:
            tx.execute(delete(worker).where(worker.c.id == me))

    def alive(self) -> set[str]:
        """The ids of all workers that were heard of lately."""
        with self.place.begin(self.engine) as tx:
            return set(tx.scalars(_alive(self.place)))

    def running(self, me: str) -> set[str]:
        """The ids of the flows that this worker runs by the engine's record."""
        from dbos._schemas.system_database import SystemSchema

        flow = SystemSchema.workflow_status
        own = flow.c.status == "PENDING", flow.c.executor_id == me
        with self.place.begin(self.engine) as tx:
            return set(_dbos(self.place, tx).scalars(select(flow.c.workflow_uuid).where(*own)))

    def hand_over(self, queues: dict[str, str], *, of: str | None = None) -> int:
        """Put the running flows of the dead (or those `of` one worker) back into their queues.

        How many. A worker that only seemed dead is fenced: DBOS refuses its records, and its
        effects are there already or not, by their key. One statement, so that two who do this at
        once do it once. DBOS's own recovery goes by a list of dead executors and keeps the queue
        a flow was started on, which may have died with its process.
        """
        from dbos._schemas.system_database import SystemSchema

        flow = SystemSchema.workflow_status
        alive = _alive(self.place)
        dead = (
            flow.c.executor_id == of if of else func.coalesce(flow.c.executor_id, "").not_in(alive)
        )
        running = flow.c.status == "PENDING", flow.c.application_name == APP, dead
        ours = flow.c.application_version == VERSION
        queued = _queue_for(flow, queues) | {"updated_at": _now_ms(self.place)}
        back = {"status": "ENQUEUED", "owner_xid": None, "started_at_epoch_ms": None, **queued}
        nobodys = func.substr(flow.c.queue_name, len(OWN) + 1).not_in(alive)
        with self.place.begin(self.engine) as tx:
            db = _dbos(self.place, tx)
            # what another release began may not fill up a queue's limit for ever
            db.execute(change(flow).where(*running, ~ours).values(queue_name=None))
            # what waits for a process that is gone
            waiting = flow.c.status == "ENQUEUED", flow.c.queue_name.startswith(OWN), nobodys
            db.execute(change(flow).where(*waiting, ours).values(**queued))
            return int(db.execute(change(flow).where(*running, ours).values(**back)).rowcount)

    def begin_step(self, flow: str, step: str) -> int:
        """The how-manieth time this step is begun."""
        mine = attempt.c.flow == flow, attempt.c.step == step
        with self.place.begin(self.engine) as tx:
            done = tx.execute(change(attempt).where(*mine).values(times=attempt.c.times + 1))
            if done.rowcount == 0:
                tx.execute(add(attempt).values(flow=flow, step=step, times=1))
            return int(tx.scalar(select(attempt.c.times).where(*mine)) or 1)

    def forgive(self, flow: str) -> None:
        """Forget how often the steps of a flow and of its children were begun."""
        own = attempt.c.flow == flow
        children = attempt.c.flow.startswith(f"{flow}.", autoescape=True)
        with self.place.begin(self.engine) as tx:
            tx.execute(delete(attempt).where(own | children))


def _queue_for(flow: Table, queues: dict[str, str]) -> dict[str, Any]:
    """The queue of a kind; a flow within a flow waits where no limit is, for its parent holds a
    place already, and would wait for it for ever.
    """
    usual = case(queues, value=flow.c.name, else_="flows")
    return {"queue_name": case((flow.c.parent_workflow_id.is_not(None), "cycles"), else_=usual)}


def _alive(place: Place) -> Any:
    since = _now_ms(place) - int(place.silence * 1000)
    return select(worker.c.id).where(worker.c.beat_ms >= since)


def _now_ms(place: Place) -> Any:
    """The database's clock: workers on several machines need no common one."""
    if place.is_file:
        return cast(text("(julianday('now') - 2440587.5) * 86400000"), BigInteger)
    return cast(text("extract(epoch from clock_timestamp()) * 1000"), BigInteger)


def _dbos(place: Place, tx: Connection) -> Connection:
    """A connection in which DBOS's tables are found."""
    from dbos._schemas import SCHEMA_PLACEHOLDER

    schema = None if place.is_file else "dbos"
    names = {SCHEMA_PLACEHOLDER: schema, None: schema}
    return tx.execution_options(schema_translate_map=names)
