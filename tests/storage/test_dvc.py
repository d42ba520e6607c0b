"""Pointers are what `dvc add` of DVC 3.67 writes for the same file."""

from pathlib import Path

import pytest

from sutdol.storage.dvc import point

PLAIN = """outs:
- md5: 76c9aff1b03d0b248c6797fb24154bff
  size: 8
  hash: md5
  path: NAME
"""
# Read as a number, this digest would not be the same.
QUOTED = """outs:
- md5: '630334416415623642455915400846e6'
  size: 7
  hash: md5
  path: NAME
"""
SHORT, LONG = "a" * 63 + ".jsonl.gz", "a" * 64 + ".jsonl.gz"
FOLDED = PLAIN.replace("path: NAME", "path: \n    NAME")


@pytest.mark.parametrize(
    ("content", "name", "pointer"),
    [
        (b"one row\n", SHORT, PLAIN),
        (b"574565\n", "rows.jsonl.gz", QUOTED),
        (b"one row\n", LONG, FOLDED),
    ],
    ids=["plain", "number", "long name"],
)
def test_a_pointer_is_what_dvc_writes(
    content: bytes, name: str, pointer: str, tmp_path: Path
) -> None:
    file = tmp_path / name
    file.write_bytes(content)

    assert point(file) == tmp_path / f"{name}.dvc"
    assert (tmp_path / f"{name}.dvc").read_text() == pointer.replace("NAME", name)
