"""Versions: immutable trained models of a role, and the names that point to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, delete, func, insert, select

from sutdol.core.errors import Busy, UnknownName, UsageError
from sutdol.storage.tables import alias as alias_table
from sutdol.storage.tables import version as table

Alias = Literal["champion", "challenger", "previous"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One trained model: never changed, never deleted, its number never given again."""

    id: str
    role: str
    parent: str | None
    snapshot: str | None
    path: str
    checksum: str
    manifest: Mapping[str, object]
    created_at: datetime

    @property
    def number(self) -> int:
        return int(self.id.removeprefix(f"{self.role}-v"))


_all = select(*(column for column in table.c if column.name != "number"))


def next_id(tx: Connection, role: str) -> str:
    """The id of the next version, such as `guard-v3`; take it and `add` in one transaction."""
    last = tx.scalar(select(func.max(table.c.number)).where(table.c.role == role)) or 0
    return f"{role}-v{last + 1}"


def add(tx: Connection, version: Version) -> None:
    if version.id != next_id(tx, version.role):
        raise Busy(f"{version.id} is not the next {version.role} version any more: try again.")
    if version.parent is not None and get(tx, version.parent).role != version.role:
        raise UsageError(f"{version.parent} is no {version.role} and cannot be a parent of one.")
    tx.execute(
        insert(table).values(
            id=version.id,
            role=version.role,
            number=version.number,
            parent=version.parent,
            snapshot=version.snapshot,
            path=version.path,
            checksum=version.checksum,
            manifest=dict(version.manifest),
            created_at=version.created_at,
        )
    )


def get(tx: Connection, id_: str) -> Version:
    row = tx.execute(_all.where(table.c.id == id_)).one_or_none()
    if row is None:
        raise UnknownName("version", id_, tx.scalars(select(table.c.id)))
    return Version(**row._asdict())


def all(tx: Connection, role: str) -> list[Version]:
    """Every version of a role, oldest first."""
    rows = tx.execute(_all.where(table.c.role == role).order_by(table.c.number))
    return [Version(**row._asdict()) for row in rows]


def alias(tx: Connection, role: str, name: Alias) -> str | None:
    """The id of the version that bears the name."""
    return aliases(tx, role).get(name)


def aliases(tx: Connection, role: str) -> dict[str, str]:
    rows = tx.execute(
        select(alias_table.c.name, alias_table.c.version).where(alias_table.c.role == role)
    )
    return {row.name: row.version for row in rows}


def point(tx: Connection, role: str, name: Alias, to: str | None) -> None:
    """Let `name` point to a version, or to none. `champion` is for `promotions.crown` alone."""
    if to is not None and get(tx, to).role != role:
        raise UsageError(f"{to} is no {role} version.")
    tx.execute(delete(alias_table).where(alias_table.c.role == role, alias_table.c.name == name))
    if to is not None:
        tx.execute(insert(alias_table).values(role=role, name=name, version=to))
