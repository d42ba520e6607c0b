"""Where a role is improved: its database, its home, its clock."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Generic, TypeVar

from sutdol.loop.role import Role
from sutdol.storage.database import Database
from sutdol.storage.turns import is_dead_process

M = TypeVar("M")


@dataclass(frozen=True, kw_only=True)
class Workshop(Generic[M]):
    """Everything the stages need besides their own arguments.

    `over` says whether a flow, or a process, that holds a turn has come to its end; `lease` is the
    lock over all machines, by name and holder, where Redis gives one.
    """

    db: Database
    home: Path
    role: Role[M]
    now: Callable[[], datetime]
    actor: str = "local"
    over: Callable[[str], bool] = is_dead_process
    lease: Callable[[str, str], AbstractContextManager[object]] = lambda *_: nullcontext()
