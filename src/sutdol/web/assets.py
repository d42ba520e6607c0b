"""Style sheets, modules and pictures: read once, sent compressed, kept by browsers for good."""

import gzip
import json
import re
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
IMPORTED = re.compile(r"""^import\b[^;]*?"\./([\w.-]+\.js)";""", re.MULTILINE)
KOREAN = "ko.js"


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
    read = {one.name: one.read_text(encoding="utf-8") for one in sorted(FOLDER.iterdir())}
    read["chart.js"] = chart.COMPONENT.read_text(encoding="utf-8")
    read[KOREAN] = _korean(read)
    return {name: _asset(name, text) for name, text in read.items()}


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
    """A module and all that it imports, each once, so that a browser may ask for them at once."""
    found = [module]
    for name in found:
        found += [one for one in all()[name].imports if one not in found]
    return found


def _asset(name: str, text: str) -> Asset:
    body = text.encode()
    return Asset(
        kind=KINDS[Path(name).suffix],
        body=body,
        packed=gzip.compress(body, mtime=0),
        imports=tuple(dict.fromkeys(IMPORTED.findall(text))) if name.endswith(".js") else (),
    )


def _korean(modules: dict[str, str]) -> str:
    """The Korean of all that modules say, as one more module."""
    said = {
        one for name, text in modules.items() if name.endswith(".js") for one in words.said_in(text)
    }
    told = {one: words.korean()[one] for one in sorted(said) if one in words.korean()}
    return f"export default {json.dumps(told, ensure_ascii=False)};\n"
