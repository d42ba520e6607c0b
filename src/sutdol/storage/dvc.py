"""Pointers for DVC: the small file beside a large one by which a team's DVC tracks it."""

import re
from hashlib import md5
from pathlib import Path

from sutdol.storage import files

NUMBER = re.compile(r"\d+(e\d+)?")
WIDTH = 80


def point(file: Path) -> Path:
    """Write `<file>.dvc`, byte for byte as `dvc add` of DVC 3 does."""
    content = file.read_bytes()
    digest = md5(content, usedforsecurity=False).hexdigest()
    pointer = file.with_name(f"{file.name}.dvc")
    files.write(pointer, _outs(digest, len(content), file.name).encode())
    return pointer


def _outs(digest: str, size: int, name: str) -> str:
    # Its YAML writer quotes a digest that reads as a number, and folds lines; so a team's
    # `dvc add` changes nothing here.
    shown = f"'{digest}'" if NUMBER.fullmatch(digest) else digest
    path = f"  path: {name}"
    if len(path) > WIDTH:
        path = f"  path: \n    {name}"
    return f"outs:\n- md5: {shown}\n  size: {size}\n  hash: md5\n{path}\n"
