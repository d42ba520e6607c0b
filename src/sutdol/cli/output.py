"""What a command prints: the answer on stdout, all else on stderr, JSON where it is asked for."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

from cyclopts import Parameter
from cyclopts.validators import Number

from sutdol.core.errors import NotReady

if TYPE_CHECKING:
    from rich.console import Console

    from sutdol.app import Sutdol


def _file(_: object, target: Path) -> None:
    """Refuse before the work what could not be written after it."""
    if target.is_dir():
        raise ValueError("It is a folder: name a file.")
    if not target.absolute().parent.is_dir():
        raise ValueError("Its folder does not exist.")


def _file_or_stdout(_: object, target: str | None) -> None:
    if target is None or target == "-":
        return
    if target.startswith("-"):
        raise ValueError("Name a file, or - for standard output.")
    _file(_, Path(target))


def _folder(_: object, target: Path | None) -> None:
    places = [] if target is None else [target.absolute(), *target.absolute().parents]
    existing = next((place for place in places if place.exists()), None)
    if existing is not None and not existing.is_dir():
        raise ValueError(f"{existing} is a file: name a folder.")


Files = Annotated[list[Path], Parameter(consume_multiple=1)]
Names = Annotated[list[str], Parameter(consume_multiple=1)]
Output = Annotated[Path, Parameter(validator=_file)]
Folder = Annotated[Path | None, Parameter(validator=_folder)]
Count = Annotated[int, Parameter(validator=Number(gte=1))]
Seed = Annotated[
    int, Parameter(validator=Number(gte=0, lt=2**31), help="Equal seeds give equal results.")
]
Json = Annotated[
    str | None,
    Parameter(
        help="Write JSON to this file; - for standard output.",
        allow_leading_hyphen=True,
        validator=_file_or_stdout,
    ),
]


def opened(**flags: Any) -> "Sutdol":
    """Sutdol with the settings of this process."""
    from sutdol.app import Sutdol
    from sutdol.core.settings import Settings

    return Sutdol.open(Settings.load(**flags))


def write_json(value: Any, target: str | None) -> None:
    """Write to the file, or to stdout for "-"; nothing without a target."""
    if target is None:
        return
    text = json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    if target == "-":
        _print(text, sys.stdout)
        return
    with writing(Path(target)) as file:
        file.write(text)


@contextmanager
def writing(path: Path) -> Iterator[TextIO]:
    """A file to write text to: the old one stays until the new one is whole.

    A lone surrogate is written as the JSON escape it came from.
    """
    from sutdol.storage import files

    with _clear_faults(str(path)), files.replacing(path) as raw:
        text = TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace")
        yield text
        text.flush()
        text.detach()  # the raw file is not ours to close


@contextmanager
def _clear_faults(name: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        why = f"{name} cannot be written: {error.strerror}"
        raise NotReady(f"{why}. Free some space or name another place.") from None


def say(line: str, *, to_stderr: bool = False) -> None:
    """One flushed line."""
    _print(f"{line}\n", sys.stderr if to_stderr else sys.stdout)


def note(line: str) -> None:
    """One flushed line beside the answer."""
    say(line, to_stderr=True)


def _print(text: str, stream: TextIO) -> None:
    try:
        with _clear_faults("Standard error" if stream is sys.stderr else "Standard output"):
            stream.write(text)
            stream.flush()
    except NotReady:
        discard(stream)
        raise


def discard(stream: TextIO) -> None:
    """Send what Python still holds for the stream nowhere: else it fails again at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def console(*, to_stderr: bool = False) -> "Console":
    from rich.console import Console

    return Console(stderr=to_stderr, highlight=False)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Something that moves on a terminal while long work goes on."""
    if not is_terminal(to_stderr=True):
        yield
        return
    with console(to_stderr=True).status(f"{what}…"):
        yield


def is_terminal(*, to_stderr: bool = False) -> bool:
    return (sys.stderr if to_stderr else sys.stdout).isatty()


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}%"
