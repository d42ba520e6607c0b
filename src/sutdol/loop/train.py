"""Train a challenger on a snapshot; the same snapshot and seed are trained once."""

from typing import Any, TypeVar

from sutdol.loop import live
from sutdol.loop.parts import on_panel
from sutdol.loop.role import Lesson
from sutdol.loop.snapshot import Frozen
from sutdol.loop.workshop import Workshop
from sutdol.storage import examples, files, versions
from sutdol.storage.versions import Version

M = TypeVar("M")


def train(shop: Workshop[M], frozen: Frozen, *, parent: str | None, seed: int) -> Version:
    """The version trained on this snapshot; an existing one is not trained again.

    A model file is written whole under its checksum before the version's row refers to it.
    """
    role = shop.role.name
    with shop.db.read() as tx:
        known = versions.all(tx, role)
        for version in known:
            if _is_of(version, frozen, seed) and live.loads(shop, version):
                return version
        dev = examples.find(tx, role, part="dev", kinds=["data"], reviewed=True)
    lesson = Lesson(
        train=frozen.rows,
        dev=[one for one in dev if not on_panel(role, one.group)],
        seed=seed,
    )
    manifest: dict[str, Any] = {"seed": seed, "near_duplicates_dropped": frozen.dropped}
    shelved = files.shelve(
        shop.home, "models", lambda folder: manifest.update(shop.role.train(lesson, folder))
    )
    with shop.db.write() as tx:
        # another worker may have taken over while this one slept, and finished first
        for other in versions.all(tx, role)[len(known) :]:
            if _is_of(other, frozen, seed) and other.checksum == shelved.checksum:
                return other
        version = Version(
            id=versions.next_id(tx, role),
            role=role,
            parent=parent,
            snapshot=frozen.hash,
            path=str(shelved.path.relative_to(shop.home)),
            checksum=shelved.checksum,
            manifest=manifest,
            created_at=shop.now(),
        )
        versions.add(tx, version)
        versions.point(tx, role, "challenger", version.id)
    return version


def _is_of(version: Version, frozen: Frozen, seed: int) -> bool:
    """Whether it was trained on this snapshot with this seed."""
    return version.snapshot == frozen.hash and version.manifest.get("seed") == seed
