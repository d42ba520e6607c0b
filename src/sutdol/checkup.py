"""What `doctor` says: what is there, what is missing or broken, and what to do."""

import asyncio
import os
import platform
import shutil
import sys
from typing import Any, Literal

from sutdol.app import Sutdol
from sutdol.chat.configured import members
from sutdol.chat.pool import Member, Pool
from sutdol.core.addresses import bare
from sutdol.core.errors import SutdolError
from sutdol.core.settings import Settings
from sutdol.flow.desk import Desk
from sutdol.loop import overview
from sutdol.models.upstream import Connections, Patience
from sutdol.roles.categories import CATEGORIES
from sutdol.storage import keys
from sutdol.storage.redis import reachable

State = Literal["ok", "absent", "broken"]
Line = dict[str, str]


def checkup(sutdol: Sutdol) -> list[Line]:
    """Machine, home, database, flows, Redis, MLflow, endpoint and guard; no password in any."""
    settings = sutdol.settings
    endpoint, (redis, said) = settings.openai_base_url, reachable(settings.redis_url)
    return [
        *_machine(),
        _line("ok", "home", str(settings.home)),
        _line("ok", "database", sutdol.db.where),
        _flows(sutdol),
        {"name": "redis", "state": redis, "text": said},
        _mirrored(sutdol),
        _line("ok", "llm endpoint", bare(endpoint) or "set")
        if endpoint
        else _line("absent", "llm endpoint", "not set: LLM attacks need OPENAI_BASE_URL"),
        *_upstreams(sutdol.settings),
        _keys(sutdol),
        *_guard(sutdol),
    ]


def _machine() -> list[Line]:
    gpu = shutil.which("nvidia-smi")
    return [
        _line("ok", "python", f"{platform.python_version()} at {sys.executable}"),
        _line("ok", "machine", f"{platform.machine()}, {os.cpu_count()} processors"),
        _line("ok", "gpu", gpu)
        if gpu
        else _line("absent", "gpu", "none found; nothing here needs one"),
    ]


def _upstreams(settings: Settings) -> list[Line]:
    """Each model server behind the gateway, asked what it serves."""
    try:
        found = members(settings)
    except SutdolError as error:
        return [_line("broken", "upstreams", str(error))]
    if not found:
        return [_line("absent", "upstreams", "none: chats need OPENAI_BASE_URL or `upstreams`")]
    return [
        _line("broken", f"upstream {one['name']}", one["trouble"])
        if one["trouble"]
        else _line("ok", f"upstream {one['name']}", f"serves {len(one['models'])} models")
        for one in asyncio.run(_asked(found, settings.gateway.connect))
    ]


async def _asked(found: list[Member], wait: float) -> list[dict[str, Any]]:
    connections = Connections(Patience(connect=wait))
    try:
        pool = Pool(found, connections)
        await pool.look()
        return [one.health() for one in pool.members.values()]
    finally:
        await connections.close()


def _keys(sutdol: Sutdol) -> Line:
    with sutdol.db.read() as tx:
        now = sutdol.guard.now()
        valid = [one for one in keys.all(tx) if one.state(now) == "valid"]
    if valid:
        return _line("ok", "keys", f"{len(valid)} valid")
    return _line("absent", "keys", "none: other machines need one, `sutdol keys create`")


def _flows(sutdol: Sutdol) -> Line:
    try:
        with Desk(sutdol.place) as desk:
            workers = len(desk.workers())
            states = [one.state for one in desk.unfinished()]
    except SutdolError as error:
        return _line("broken", "flows", str(error))
    told = f"{states.count('running')} running, {states.count('waiting')} waiting"
    if workers:
        return _line("ok", "flows", f"{told}; {workers} workers")
    orphaned = states.count("orphaned")
    if orphaned or "waiting" in states:
        why = f"{told}, {orphaned} orphaned, and no worker: start `sutdol worker`"
        return _line("absent", "flows", why)
    return _line("ok", "flows", "none under way; commands run their own, others need a worker")


def _mirrored(sutdol: Sutdol) -> Line:
    if sutdol.settings.mlflow_tracking_uri is None:
        return _line("absent", "mlflow", "not set: the mirror needs MLFLOW_TRACKING_URI")
    try:
        state = sutdol.mirror().state()
    except SutdolError as error:
        return _line("broken", "mlflow", str(error))
    if state.trouble:
        return _line("broken", "mlflow", state.trouble)
    return _line("ok", "mlflow", f"{state.where}, {state.left} behind")


def _guard(sutdol: Sutdol) -> list[Line]:
    state = overview.status(sutdol.guard)
    examples = _line("ok", "guard examples", str(state["examples"]))
    if state["champion"] is None:
        return [examples, _line("absent", "guard", "none yet: `sutdol guard train` or `demo`")]
    try:
        model = sutdol.live()
    except SutdolError as error:
        return [examples, _line("broken", "guard", str(error))]
    missing = [name for name in CATEGORIES if name not in model.shares]
    return [
        examples,
        _line("ok", "guard", f"{state['champion']} loads"),
        _line("ok", "trained categories", ", ".join(sorted(model.shares)) or "none"),
        _line("absent", "untrained categories", ", ".join(missing) + " (always 0)"),
    ]


def _line(state: State, name: str, text: str) -> Line:
    return {"name": name, "state": state, "text": text}
