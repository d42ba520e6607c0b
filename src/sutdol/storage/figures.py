"""Counts of what stands in the database, read in one go for whoever watches the server."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select, text

from sutdol.core.errors import NotReady
from sutdol.storage import counts, feedback, looks, versions
from sutdol.storage.battles import Round
from sutdol.storage.tables import battle, example, promotion, round_, verdict

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfRole:
    """Where a role stands: `champion` is the number of its version, `looks` those since the last
    gate promotion; `last_round` is the round that was finished last, of whatever battle.
    """

    champion: int | None
    looks: int
    verdicts: Counts  # by decision
    promotions: Counts  # by kind
    examples: Counts  # living ones by part
    last_round: Round | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """`feedback` and `battles` by state, `size` in bytes."""

    roles: Mapping[str, OfRole]
    feedback: Mapping[feedback.State, int]
    battles: Counts
    size: int


def figures(tx: Connection, roles: Iterable[str]) -> Figures:
    return Figures(
        roles={role: _of(tx, role) for role in roles},
        feedback=feedback.counts(tx),
        battles=counts.by(tx, battle.c.state),
        size=size(tx),
    )


def size(tx: Connection) -> int:
    """Bytes on the disk of the database's server; `NotReady` where a file was taken away."""
    if tx.dialect.name != "sqlite":
        return int(tx.scalar(text("SELECT pg_database_size(current_database())")) or 0)
    path = Path(str(tx.engine.url.database))
    log = path.with_name(f"{path.name}-wal")
    if not path.exists():  # what is open goes on working, and is gone with this process
        raise NotReady(f"{path} is gone: stop Sutdol and restore a backup.")
    return path.stat().st_size + (log.stat().st_size if log.exists() else 0)


def _of(tx: Connection, role: str) -> OfRole:
    champion = versions.alias(tx, role, "champion")
    return OfRole(
        champion=versions.get(tx, champion).number if champion else None,
        looks=looks.position(tx, role),
        verdicts=counts.by(tx, verdict.c.decision, role=role),
        promotions=counts.by(tx, promotion.c.kind, role=role),
        examples=counts.by(tx, example.c.part, role=role, forgotten_at=None),
        last_round=_last_round(tx, role),
    )


def _last_round(tx: Connection, role: str) -> Round | None:
    order = round_.c.created_at.desc(), round_.c.battle.desc(), round_.c.number.desc()
    rows = select(round_).join(battle, battle.c.id == round_.c.battle).where(battle.c.role == role)
    found = tx.execute(rows.order_by(*order).limit(1)).one_or_none()
    return None if found is None else Round(**found._asdict())
