"""Fix for each group of texts what it may be used for, when it is first seen."""

from collections.abc import Callable, Iterable
from hashlib import sha256

from sqlalchemy import Connection, insert, select, update

from sutdol.core.types import Part
from sutdol.storage.batches import batches
from sutdol.storage.tables import group_part


def assign(
    tx: Connection, role: str, groups: Iterable[str], choose: Callable[[str], Part]
) -> dict[str, Part]:
    """The part of each group; `choose` is asked for groups never seen before, once for ever."""
    parts: dict[str, Part] = {}
    for batch in batches(dict.fromkeys(groups)):
        known = _known(tx, role, batch)
        fresh = {group: choose(group) for group in batch if group not in known}
        if fresh:
            rows = [
                {"role": role, "group_key": _key(group), "part": part}
                for group, part in fresh.items()
            ]
            tx.execute(insert(group_part), rows)
        parts |= known | fresh
    return parts


def move(tx: Connection, role: str, groups: Iterable[str], to: Part) -> None:
    """Give `groups` another part: only for texts whose exam is over."""
    for batch in batches(groups):
        keys = [_key(group) for group in batch]
        tx.execute(
            update(group_part)
            .where(group_part.c.role == role, group_part.c.group_key.in_(keys))
            .values(part=to)
        )


def _known(tx: Connection, role: str, groups: list[str]) -> dict[str, Part]:
    by_key = {_key(group): group for group in groups}
    found = tx.execute(
        select(group_part.c.group_key, group_part.c.part).where(
            group_part.c.role == role, group_part.c.group_key.in_(by_key)
        )
    )
    return {by_key[key]: part for key, part in found}


def _key(group: str) -> str:
    return sha256(group.encode()).hexdigest()
