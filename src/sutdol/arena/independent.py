"""Another attacker's texts: the curve nobody here could have trained for."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sutdol.core.errors import BadInput
from sutdol.storage.examples import StoredExample


def independent(path: Path, known: Sequence[StoredExample]) -> list[str]:
    """Another attacker's texts whose originals no model was trained on."""
    trained = {one.meta.get("id") for one in known if one.part == "train"} - {None}
    texts = []
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        record = _record_of(path, number, line)
        if str(record["original_id"]) not in trained:  # as imported ids are kept
            texts.append(record["text"])
    if not texts:
        raise BadInput(f"{path} holds no text whose original is kept out of training.")
    return texts


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split(b"\n")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from None


def _record_of(path: Path, number: int, line: bytes) -> Mapping[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        raise BadInput(f"{path}:{number} is not JSON.") from None
    if not isinstance(record, dict) or "original_id" not in record or not _is_text(record):
        raise BadInput(f"{path}:{number} needs id, original_id and text.")
    return record


def _is_text(record: Mapping[str, Any]) -> bool:
    text = record.get("text")
    return isinstance(text, str) and bool(text.strip())
