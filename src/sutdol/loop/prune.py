"""Delete models and snapshots of a role that nothing needs any more; its history stays whole."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from sutdol.loop import turn
from sutdol.loop.workshop import Workshop
from sutdol.storage.prune import Waste, discard, drop, record, size, sweep, waste

M = TypeVar("M")

NEWEST = 5
GRACE = timedelta(days=7)  # a turn of the loop that was broken off may still want its snapshot


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """What went, or would go; `bytes` of model files, `rows` of snapshots."""

    versions: list[str]
    bytes: int
    snapshots: list[str]
    rows: int
    drafts: int = 0


def prune(shop: Workshop[M], *, keep: int = NEWEST, dry_run: bool = False) -> Pruned:
    """Delete what `waste` finds; the rows of versions and verdicts, and all lineage, stay.

    Nobody trains, judges or calibrates meanwhile. It is put on record first, and the files go
    within a transaction that looks once more: no alias can move to a model that is being deleted.
    """
    home, role, before = shop.home, shop.role.name, shop.now() - GRACE
    if dry_run:
        with shop.db.read() as tx:
            return _sum(shop, waste(tx, home, role, newest=keep, before=before))
    with turn.hold(shop):
        with shop.db.write() as tx:
            found = waste(tx, home, role, newest=keep, before=before)
            record(tx, found, actor=shop.actor, now=shop.now())
            drop(tx, found.snapshots)
        with shop.db.write() as tx:
            again = waste(tx, home, role, newest=keep, before=before).models
            marked = {one.id for one in found.models}
            gone = replace(found, models=tuple(one for one in again if one.id in marked))
            done = _sum(shop, gone)
            discard(home, {one.path for one in gone.models})
        return replace(done, drafts=sweep(home, role))


def _sum(shop: Workshop[M], found: Waste) -> Pruned:
    folders = {shop.home / one.path for one in found.models}
    return Pruned(
        versions=[one.id for one in found.models],
        bytes=sum(map(size, folders)),
        snapshots=[one.hash for one in found.snapshots],
        rows=sum(one.rows for one in found.snapshots),
    )
