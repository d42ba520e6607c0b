"""`sutdol up`: the web server and a worker, kept alive until they are told to stop."""

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from sutdol.cli.output import note

Port = Annotated[int | None, Parameter(validator=Number(gte=0, lte=65535))]
Processes = Annotated[int, Parameter(validator=Number(gte=1, lte=256))]


def up(
    *, host: str | None = None, port: Port = None, workers: Processes = 1, no_worker: bool = False
) -> None:
    """Run until stopped; the help stands in root.py.

    Parameters
    ----------
    host
        Address to listen at; another than this machine's own asks for keys.
    port
        Port to listen at; 0 takes any free one.
    workers
        Processes that answer requests.
    no_worker
        Run no worker of flows beside them: others do, with `sutdol worker`.
    """
    from sutdol.cli.supervisor import Supervisor
    from sutdol.cli.upstart import prepared

    plan = prepared(host=host, port=port, flows=not no_worker)
    with plan.listening, Supervisor(plan, workers=workers, flows=not no_worker) as supervisor:
        for line in plan.told:
            note(line)
        supervisor.run()
