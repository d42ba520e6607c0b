"""Style sheets, modules and pictures: read once, sent compressed, kept by browsers for good."""

import gzip
import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from sutdol.core import chart
from sutdol.web import words

FOLDER = Path(__file__).parent / "static"
KINDS = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
}
IMPORTED = re.compile(r"""^(?:import|export)\b[^;"]*?"(\.{1,2}/[\w./-]+\.js)";""", re.MULTILINE)
SHELL = "shell.js"
KOREAN = "ko/"
"""Before the name of a module: what that page says in Korean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file as it is sent; `imports` are the modules that it needs at once."""

    kind: str
    body: bytes
    packed: bytes
    imports: tuple[str, ...]


@cache
def all() -> dict[str, Asset]:
    """Every file by name."""
    files = sorted(one for one in FOLDER.rglob("*") if one.is_file())
    read = {one.relative_to(FOLDER).as_posix(): one.read_text(encoding="utf-8") for one in files}
    read["chart.js"] = chart.COMPONENT.read_text(encoding="utf-8")
    found = {name: _asset(name, lean(text)) for name, text in read.items()}
    modules = [name for name in found if name.endswith(".js")]
    return found | {KOREAN + one: _asset("", _korean(found, one)) for one in modules}


@cache
def version() -> str:
    """Changes with any of them: the address of a file is new when its content may be."""
    told = sha256()
    for name, asset in all().items():
        told.update(name.encode() + b"\0" + asset.body)
    return told.hexdigest()[:12]


def url(name: str) -> str:
    """Where a file is; one that there is not is a mistake of ours."""
    assert name in all(), name
    return f"/static/{version()}/{name}"


def needed(module: str) -> list[str]:
    """A page's module, the shell's and all that they import, so that a browser may ask at once."""
    return _needed(all(), module)


def _needed(assets: Mapping[str, Asset], module: str) -> list[str]:
    found = list(dict.fromkeys([SHELL, module]))
    for name in found:
        found += [one for one in assets[name].imports if one not in found]
    return found


def lean(text: str) -> str:
    """Without comments that have a line to themselves, and indentation: a fifth of the bytes.

    They are for those who read the source; no text of ours goes over several lines.
    """
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(one for one in lines if one and not one.startswith("//"))


def _asset(name: str, text: str) -> Asset:
    body, folder = text.encode(), posixpath.dirname(name)
    imports = [posixpath.normpath(posixpath.join(folder, one)) for one in IMPORTED.findall(text)]
    return Asset(
        kind=KINDS[Path(name or SHELL).suffix],
        body=body,
        packed=gzip.compress(body, mtime=0),
        imports=tuple(dict.fromkeys(imports)),
    )


def _korean(modules: Mapping[str, Asset], page: str) -> str:
    """The Korean of all that the modules of a page say, as one more module."""
    texts = (modules[one].body.decode() for one in _needed(modules, page))
    said = {one for text in texts for one in words.said_in(text)}
    told = {one: words.korean()[one] for one in sorted(said) if one in words.korean()}
    return f"export default {json.dumps(told, ensure_ascii=False)};\n"
