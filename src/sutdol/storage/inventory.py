"""What the rows of a database rely on: which models, reports and uploads have to be there."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Select, func, inspect, select

from sutdol.core.errors import Corrupted
from sutdol.storage import files, prune, uploads
from sutdol.storage.server_tables import upload
from sutdol.storage.tables import look, metadata, verdict, version

_MODEL = re.compile(r"models/(?!\.)[^/\\]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """`models` gives each version's folder and checksum, `reports` the folder of each verdict.

    In the folders `waiting` lie scores that no gate has judged yet, or nothing. `uploads` gives the
    file of each upload.
    """

    models: Mapping[str, tuple[str, str]]
    reports: Mapping[str, str]
    waiting: Sequence[str]
    uploads: Mapping[str, Path]

    def missing(self, home: Path, *, held: Path | None = None) -> list[str]:
        """What is gone or not what was written, as in `model guard-v3`.

        Where uploads are `held` elsewhere, they are looked for there.
        """
        models = [
            f"model {id_}"
            for id_, (path, checksum) in self.models.items()
            if not _whole(home / path, checksum)
        ]
        reports = [
            f"report {id_}"
            for id_, path in self.reports.items()
            if not (home / path / "report.json.gz").is_file()
        ]
        sent = [
            f"file {id_}"
            for id_, path in self.uploads.items()
            if uploads.wrong((held or home) / path)
        ]
        return models + reports + sent

    def folders(self) -> list[str]:
        """Those of models and reports, each once."""
        models = {path for path, _ in self.models.values()}
        return sorted(models | set(self.reports.values()) | set(self.waiting))


def inventory(tx: Connection) -> Inventory:
    """Pruned versions need no model any more."""
    gone = prune.pruned(tx)
    known = tx.execute(select(version.c.id, version.c.path, version.c.checksum)).all()
    for id_, path, _ in known:
        if not _MODEL.fullmatch(path):
            raise Corrupted(f"The row of {id_} names {path!r}, which is no model folder.")
    return Inventory(
        models={id_: (path, checksum) for id_, path, checksum in known if id_ not in gone},
        reports={id_: f"reports/{id_}" for id_ in tx.scalars(select(verdict.c.id))},
        waiting=[f"reports/{role}-{key[:12]}" for role, key in tx.execute(_not_judged())],
        uploads=_uploads(tx),
    )


def rows(tx: Connection) -> dict[str, int]:
    """How many rows each of our tables has that are there."""
    there = set(inspect(tx).get_table_names())
    return {
        table.name: tx.scalar(select(func.count()).select_from(table)) or 0
        for table in metadata.sorted_tables
        if table.name in there
    }


def _not_judged() -> Select[str, str]:
    judged = select(verdict.c.id).where(verdict.c.look == look.c.key).exists()
    return select(look.c.role, look.c.key).where(~judged)


def _uploads(tx: Connection) -> dict[str, Path]:
    if upload.name not in inspect(tx).get_table_names():  # a database of an earlier release
        return {}
    return {one.id: uploads.path(Path(), one) for one in uploads.everyone(tx)}


def _whole(folder: Path, checksum: str) -> bool:
    try:
        files.verify(folder, checksum)
    except Corrupted:
        return False
    return True
