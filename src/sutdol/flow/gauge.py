"""How many flows wait, run or lost their worker: a look that makes nothing and waits for nobody."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Column, Engine, MetaData, Table, Text, create_engine, event, func, select
from sqlalchemy import inspect as inspected

from sutdol.flow.crew import Crew
from sutdol.flow.desk import State, state_of
from sutdol.flow.place import APP, SCHEMA, Place, attempt

WATCHED: tuple[State, ...] = ("waiting", "running", "orphaned", "stale")
PATIENCE = 2  # seconds for a connection, or for a lock

# What is read of DBOS's table. Its own description comes with the whole engine, some 40 MB.
_flow = Table(
    "workflow_status",
    MetaData(),
    *(Column(name, Text) for name in ("status", "executor_id")),
    *(Column(name, Text) for name in ("application_name", "application_version")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """Flows that are not over, by state, and the number of workers alive."""

    flows: Mapping[State, int]
    workers: int


def gauge(place: Place) -> Gauge:
    """Zeros where no flow was ever kept."""
    found: Counter[State] = Counter(dict.fromkeys(WATCHED, 0))
    if place.is_file and not Path(str(place.url.database)).exists():
        return Gauge(flows=found, workers=0)
    engine = _reader(place)
    try:
        with place.clear_faults():
            if not inspected(engine).has_table(attempt.name, None if place.is_file else SCHEMA):
                return Gauge(flows=found, workers=0)
            alive = Crew(place=place, engine=engine).alive()
            for status, version, executor, count in _unfinished(place, engine):
                found[state_of(status, version, alive=executor in alive)] += count
    finally:
        engine.dispose()
    return Gauge(flows=found, workers=len(alive))


def _unfinished(place: Place, engine: Engine) -> list[tuple[str, str | None, str | None, int]]:
    columns = _flow.c.status, _flow.c.application_version, _flow.c.executor_id
    ours = _flow.c.application_name == APP, _flow.c.status.in_(("PENDING", "ENQUEUED", "DELAYED"))
    with place.begin(engine) as tx:
        rows = tx.execute(select(*columns, func.count()).where(*ours).group_by(*columns))
        return [(row[0], row[1], row[2], row[3]) for row in rows]


def _reader(place: Place) -> Engine:
    """The engine of a place begins every transaction as a writer; this one does not."""
    if not place.is_file:
        options = f"{place.url.query.get('options', '')} -c lock_timeout={1000 * PATIENCE}"
        return create_engine(
            place.url, connect_args={"connect_timeout": PATIENCE, "options": options.strip()}
        )
    made = create_engine(place.url, connect_args={"timeout": PATIENCE, "isolation_level": None})
    event.listen(made, "connect", lambda one, _: one.execute("PRAGMA query_only=ON"))
    event.listen(made, "begin", lambda tx: tx.exec_driver_sql("BEGIN"))
    return made
