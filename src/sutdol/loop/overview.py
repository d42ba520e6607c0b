"""Where a role stands, what happened to it, where a version comes from, and how to forget."""

from typing import Any, TypeVar

from sutdol.core.errors import UnknownName
from sutdol.loop import past
from sutdol.loop.gate import alpha
from sutdol.loop.workshop import Workshop
from sutdol.storage import (
    audit,
    examples,
    exams,
    feedback,
    lineage,
    looks,
    snapshots,
    versions,
)
from sutdol.storage.audit import Event
from sutdol.storage.effects import Tx

M = TypeVar("M")


def status(shop: Workshop[M]) -> dict[str, Any]:
    """Champion, challenger, examples, and the error budget."""
    role = shop.role.name
    with shop.db.read() as tx:
        names = versions.aliases(tx, role)
        position = looks.position(tx, role)
        exam = exams.current(tx, role)
        return {
            "champion": names.get("champion"),
            "challenger": names.get("challenger"),
            "previous": names.get("previous"),
            "examples": examples.count(tx, role),
            "budget": {"position": position, "next_alpha": alpha(position + 1)},
            "exam": {"id": exam.id, "texts": exams.size(tx, exam.id), "looks": exam.looks}
            if exam
            else None,
        }


def history(shop: Workshop[M]) -> list[dict[str, Any]]:
    """Verdicts and changes of champion, oldest first."""
    happened, _ = past.happenings(shop)
    return [{"at": one.at.isoformat(), "what": one.what, "text": one.text} for one in happened]


def descent(shop: Workshop[M], version: str) -> dict[str, Any]:
    """Every snapshot behind a version, and the id of every example in them."""
    with shop.db.read() as tx:
        line = lineage.lineage(tx, version)
        return {
            "version": version,
            "ancestors": [
                {
                    "version": one.version,
                    "snapshot": one.snapshot,
                    "rows": sum(origin.rows for origin in one.origins),
                    "origins": [
                        {"source": o.source, "kind": o.kind, "rows": o.rows} for o in one.origins
                    ],
                    "examples": snapshots.ids(tx, one.snapshot) if one.snapshot else [],
                }
                for one in line
            ],
        }


def forget(shop: Workshop[M], source: str) -> dict[str, Any]:
    """Erase a source's texts; the versions that learned from them, to be trained again.

    What it said as feedback, to whatever role and reviewed or not, is erased with them. A text that
    it said so and that was accepted counts as both.
    """
    with shop.db.write() as tx:
        gone = _erased(tx, shop, source)
        heirs = lineage.versions_with(tx, gone)
        unheard = feedback.forget(tx, source)
        event = Event(
            actor=shop.actor,
            action="forget",
            subject=source,
            body={"examples": len(gone), "feedback": unheard, "retrain": heirs},
            created_at=shop.now(),
        )
        audit.add(tx, event)
    return {"source": source, "forgotten": len(gone), "feedback": unheard, "retrain": heirs}


def _erased(tx: Tx, shop: Workshop[M], source: str) -> list[str]:
    """The examples that went; a source may have none yet, but for its feedback."""
    try:
        return examples.forget(tx, shop.role.name, source, shop.now())
    except UnknownName:
        if not feedback.has(tx, source):
            raise
        return []
