"""Where a role is improved: its database, its home, its clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Generic, TypeVar

from sutdol.loop.role import Role
from sutdol.storage.database import Database

M = TypeVar("M")


@dataclass(frozen=True, kw_only=True)
class Workshop(Generic[M]):
    """Everything the stages need besides their own arguments."""

    db: Database
    home: Path
    role: Role[M]
    now: Callable[[], datetime]
    actor: str = "local"
