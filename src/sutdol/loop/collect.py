"""Take in labelled texts: each text gets its group and part once, whatever comes later."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from sutdol.core.types import Example, Part
from sutdol.loop.parts import part_of
from sutdol.loop.workshop import Workshop
from sutdol.storage import examples
from sutdol.storage.effects import Tx

M = TypeVar("M")


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """How many texts were new, and how many were there before."""

    new: int
    known: int


def collect(
    shop: Workshop[M],
    texts: Iterable[Example],
    *,
    kind: examples.Kind,
    reviewed: bool,
    part: Part | None = None,
) -> Collected:
    """Keep texts for the loop; `part` places new groups, else their hash does.

    Only reviewed labels can ever stand in an exam; feedback that is not reviewed can at most be
    trained on, so that nobody writes the exam by clicking.
    """
    with shop.db.write() as tx:
        return take_in(tx, shop, texts, kind=kind, reviewed=reviewed, part=part)


def take_in(
    tx: Tx,
    shop: Workshop[M],
    texts: Iterable[Example],
    *,
    kind: examples.Kind,
    reviewed: bool,
    part: Part | None = None,
) -> Collected:
    """The same as part of a transaction."""
    role = shop.role.name
    placed = [replace(one, part=part or part_of(role, one.group)) for one in texts]
    new = examples.add(tx, role, placed, kind=kind, reviewed=reviewed, now=shop.now())
    return Collected(new=new, known=len(placed) - new)
