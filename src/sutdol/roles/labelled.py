"""Read labelled texts: JSON Lines (also gzipped) in the shared format, or CSV by column."""

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sutdol.core.errors import BadInput, UnknownName
from sutdol.core.text.reading import key, language, read
from sutdol.core.types import Example
from sutdol.roles.categories import UNSPECIFIED, category

LONGEST = 1_000_000  # characters of one text
_SURROGATE = re.compile("[\ud800-\udfff\x00]")
_TRUE, _FALSE = {"1", "true", "yes", "violating"}, {"0", "false", "no", "ok", "none"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Where a CSV file keeps what; several label columns become categories."""

    text: str = "text"
    labels: tuple[str, ...] = ("label",)


def labelled(path: Path, columns: Columns | None = None, *, source: str = "") -> list[Example]:
    """All texts of a file; nothing is returned when any line is bad, and the error names it."""
    raw = _bytes(path)
    origin = source or _storable(f"import:{path.name.split('.')[0]}")
    records = _csv(path, raw, columns or Columns()) if _is_csv(path) else _jsonl(path, raw)
    found = [_example(path, number, record, origin) for number, record in records]
    if not found:
        raise BadInput(f"{path} holds no records: expected one JSON object a line.")
    return found


def harmless(path: Path) -> list[Example]:
    """Texts that are harmless by the user's word; a label is not needed, but may not disagree."""
    records = (
        _csv(path, _bytes(path), Columns(labels=()))
        if _is_csv(path)
        else _jsonl(path, _bytes(path))
    )
    source = f"benign:{path.name.split('.')[0]}"
    found = [
        _example(path, number, {**record, "label": record.get("label") or 0}, source)
        for number, record in records
    ]
    if not found:
        raise BadInput(f"{path} holds no texts.")
    if any(one.target for one in found):
        raise BadInput(f"{path} holds texts labelled violating; give harmless ones only.")
    return found


def _bytes(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except FileNotFoundError:
        raise BadInput(f"{path} does not exist.") from None
    except IsADirectoryError:
        raise BadInput(f"{path} is a folder: name the files in it.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path} cannot be read: {error}.") from None


def _is_csv(path: Path) -> bool:
    return path.name.removesuffix(".gz").casefold().endswith((".csv", ".tsv"))


def _jsonl(path: Path, raw: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    """Records end at a line feed only: texts hold U+2028, U+0085 and vertical tabs."""
    for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line.decode("utf-8"))
        except UnicodeDecodeError:
            raise BadInput(f"{path}:{number} is not UTF-8 text; is this JSON Lines?") from None
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{path}:{number} is not JSON: {error}.") from None
        if not isinstance(record, dict):
            raise BadInput(f"{path}:{number} is no JSON object with text and label.")
        yield number, record


def _csv(path: Path, raw: bytes, columns: Columns) -> Iterator[tuple[int, dict[str, Any]]]:
    text = _decoded(path, raw)
    delimiter = "\t" if ".tsv" in path.name.casefold() else ","
    csv.field_size_limit(LONGEST * 4)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        names = list(reader.fieldnames or ())
        for wanted in (columns.text, *columns.labels):
            if wanted not in names:
                raise UnknownName(f"column in {path.name}", wanted, names)
        for row in reader:
            yield reader.line_num, _record(row, columns, path, reader.line_num)
    except csv.Error as error:
        raise BadInput(f"{path}:{reader.line_num} is not CSV: {error}.") from None


def _decoded(path: Path, raw: bytes) -> str:
    """UTF-8, or the CP949 that Korean spreadsheets write."""
    for encoding in ("utf-8-sig", "cp949"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadInput(f"{path} is neither UTF-8 nor CP949 text; save it as CSV in UTF-8.")


def _record(
    row: dict[str, str | None], columns: Columns, path: Path, number: int
) -> dict[str, Any]:
    record = {**row, "text": row[columns.text]}
    if not columns.labels:
        return record
    if len(columns.labels) == 1:
        return {**record, "label": row[columns.labels[0]]}
    on = [name for name in columns.labels if _label(row[name], path, number)]
    first = {"category": on[0]} if on else {}
    return {**record, "label": int(bool(on)), **first}


def _label(value: object, path: Path, number: int) -> bool:
    if value is None or not str(value).strip():
        raise BadInput(f"{path}:{number} has no label; use 1 (violating) or 0 (ok).")
    word = str(value).strip().casefold().removesuffix(".0")
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise BadInput(f"{path}:{number} has the label {value!r}; use 1 (violating) or 0 (ok).")


def _example(path: Path, number: int, record: dict[str, Any], source: str) -> Example:
    missing = [name for name in ("text", "label") if name not in record]
    if missing:
        raise BadInput(f"{path}:{number} has no {missing[0]!r}; it has {', '.join(record)}.")
    text = record["text"]
    if not isinstance(text, str) or not text.strip():
        raise BadInput(f"{path}:{number} has no text.")
    if len(text) > LONGEST:
        raise BadInput(f"{path}:{number} has {len(text):,} characters; {LONGEST:,} are the most.")
    text = _storable(text)
    violating = _label(record["label"], path, number)
    named = category(str(record.get("category") or "")) if violating else ""
    group = record.get("group")
    return Example(
        input=text,
        target=named or UNSPECIFIED if violating else "",
        # as it is read, whatever the file says: what is held out goes by the language
        lang=language(read(text).normalised),
        source=source,
        group=key(text) if group in (None, "") else _storable(f"{source}#{group}"),
        part="train",  # where it really goes is decided when it is collected
        meta={"id": _storable(record["id"])} if record.get("id") else {},
    )


def _storable(value: object) -> str:
    """Neither lone surrogates nor NUL can be stored in every database."""
    return _SURROGATE.sub("\ufffd", str(value))


def columns_of(text: str | None, labels: Sequence[str]) -> Columns:
    """Columns from flags, with the usual names where none were given."""
    return Columns(text=text or "text", labels=tuple(labels) or ("label",))
