"""Freeze what a challenger may learn from: all training texts that repeat no hold-out text."""

from dataclasses import dataclass
from typing import TypeVar

from sutdol.core.errors import NotReady
from sutdol.loop.leaks import near_duplicates
from sutdol.loop.workshop import Workshop
from sutdol.storage import examples, exams, snapshots
from sutdol.storage.examples import StoredExample

M = TypeVar("M")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """A snapshot: its hash, its rows, and how many texts were dropped as near-duplicates."""

    hash: str
    rows: list[StoredExample]
    dropped: int


def snapshot(shop: Workshop[M]) -> Frozen:
    """Take the snapshot; the same texts give the same hash."""
    role = shop.role.name
    with shop.db.read() as tx:
        train = examples.find(tx, role, part="train")
        exam = exams.current(tx, role)
        cases = exams.cases(tx, exam.id) if exam else []
    # the copy leaves the training set, never the exam: else anyone could close the gate
    copies = set(leaks(shop, train, cases))
    rows = [one for index, one in enumerate(train) if index not in copies]
    if not rows:
        raise NotReady(f"There are no {role} texts to learn from: import labelled texts.")
    manifest = {"rows": len(rows), "near_duplicates_dropped": len(copies)}
    with shop.db.write() as tx:
        root = snapshots.put(tx, role, [one.id for one in rows], manifest, shop.now())
    return Frozen(hash=root, rows=rows, dropped=len(copies))


def leaks(shop: Workshop[M], train: list[StoredExample], cases: list[StoredExample]) -> list[int]:
    """Indices of training rows that nearly repeat an exam text."""
    key = shop.role.key
    return near_duplicates([key(one.input) for one in train], [key(one.input) for one in cases])
