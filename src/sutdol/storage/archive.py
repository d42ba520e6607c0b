"""What stands in a backup: a manifest, the databases, and the files that their rows refer to."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sutdol.core.errors import BadInput, NotReady, Refused
from sutdol.storage import migrations

FORMAT = 1
MANIFEST, DATABASE, FLOWS = "manifest.json", "sutdol.db", "flows.db"
Progress = Callable[[int, int], None]
"""Called with the bytes that are done, and how many there will be."""
MOST_MANIFEST = 1 << 28  # bytes: about a million files

# What may be written below a home, whatever a manifest says.
_NAME = re.compile(r"(models|reports|uploads)(/(?!\.\.?(/|$))[^/\\]+){2,}")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """One file of a backup."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """`rows` counts the rows of each table; `missing` names what was damaged or gone already."""

    sutdol: str
    revision: str
    created_at: datetime
    rows: Mapping[str, int]
    files: Mapping[str, Packed]
    missing: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of all files, unpacked."""
        return sum(one.size for one in self.files.values())

    def count(self, shelf: str) -> int:
        """How many folders a shelf has."""
        return len({name.split("/")[1] for name in self.files if name.startswith(f"{shelf}/")})

    def json(self) -> dict[str, object]:
        return {
            "format": FORMAT,
            "sutdol": self.sutdol,
            "revision": self.revision,
            "created_at": self.created_at.isoformat(),
            "rows": dict(self.rows),
            "missing": list(self.missing),
            "files": {name: asdict(one) for name, one in self.files.items()},
        }

    def bytes(self) -> bytes:
        return json.dumps(self.json(), ensure_ascii=False).encode()


def manifest(content: bytes, where: str) -> Manifest:
    """The manifest of the backup `where`, if this release can restore it."""
    try:
        found = json.loads(content)
        made = None if found["format"] > FORMAT else _made(found)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError):
        raise BadInput(f"{where} is no backup of Sutdol: its manifest cannot be read.") from None
    if made is None or made.revision not in migrations.revisions():
        raise NotReady(
            f"{where} was written by a newer Sutdol; upgrade this one: pip install --upgrade sutdol"
        )
    _require_plain(made, where)
    return made


def _made(found: Any) -> Manifest:
    return Manifest(
        sutdol=str(found["sutdol"]),
        revision=str(found["revision"]),
        created_at=datetime.fromisoformat(found["created_at"]),
        rows={str(name): int(count) for name, count in found["rows"].items()},
        missing=tuple(str(name) for name in found["missing"]),
        files={
            str(name): Packed(size=int(one["size"]), sha256=str(one["sha256"]))
            for name, one in found["files"].items()
        },
    )


def _require_plain(made: Manifest, where: str) -> None:
    """Refuse a manifest that no backup of ours can have."""
    for name, one in made.files.items():
        known = name in (DATABASE, FLOWS) or (_NAME.fullmatch(name) and name.isprintable())
        if not known or one.size < 0 or not _HASH.fullmatch(one.sha256):
            raise Refused(f"{where} is no honest backup: it holds {name!r}. Nothing was restored.")
    if DATABASE not in made.files:
        raise BadInput(f"{where} is no backup of Sutdol: it holds no {DATABASE}.")
