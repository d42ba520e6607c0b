"""Score a file of texts, chunk by chunk, so that its size does not matter."""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from sutdol.core.errors import BadInput
from sutdol.roles.categories import CATEGORIES
from sutdol.roles.classifier import Classifier
from sutdol.roles.texts import WINDOW

CHUNK = 1_000


def unlabelled(path: Path) -> Iterator[tuple[str, str]]:
    """Id and text of each record; the line number stands in for a missing id."""
    try:
        with _open(path) as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _record(path, number, line)
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or error
        raise BadInput(f"{path} cannot be read: {why}.") from None


def _open(path: Path) -> Any:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if packed else path.open("rb")


def _record(path: Path, number: int, line: bytes) -> tuple[str, str]:
    try:
        record = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}:{number} is not JSON in UTF-8: {error}.") from None
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise BadInput(
            f'{path}:{number} has no text; each line must be {{"id": ..., "text": ...}}.'
        )
    return str(record.get("id", number)), record["text"]


def scored(guard: Classifier, records: Iterable[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """One answer per record, in order."""
    records = iter(records)
    while chunk := list(islice(records, CHUNK)):
        scores, flags = guard.judge([text for _, text in chunk])
        for (name, text), score, flagged in zip(chunk, scores, flags, strict=True):
            yield {
                "id": name,
                "score": round(float(score), 6),
                "flagged": bool(flagged),
                "categories": categories(guard, text, float(score)),
            }


def categories(guard: Classifier, text: str, score: float) -> dict[str, float]:
    """Category scores; for a long text those of the window that decides."""
    piece = text if len(text) <= WINDOW else guard.worst_window(text)[1]
    kinds = guard.kinds(guard.read(piece), score)
    return {name: round(kinds[name], 6) for name in CATEGORIES}
