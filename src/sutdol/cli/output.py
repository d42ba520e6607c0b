"""What a command prints: the answer on stdout, all else on stderr, JSON where it is asked for."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from sutdol.core.errors import BadInput

if TYPE_CHECKING:
    from rich.console import Console

    from sutdol.app import Sutdol

Files = Annotated[list[Path], Parameter(consume_multiple=True)]
Names = Annotated[list[str], Parameter(consume_multiple=True)]
Json = Annotated[str | None, Parameter(help="Write JSON to this file; - for standard output.")]


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
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{target} cannot be written: {error.strerror}.") from None


def say(line: str, *, to_stderr: bool = False) -> None:
    """One flushed line."""
    print(line, file=sys.stderr if to_stderr else sys.stdout, flush=True)


def note(line: str) -> None:
    """One flushed line beside the answer."""
    say(line, to_stderr=True)


def console(*, to_stderr: bool = False) -> "Console":
    from rich.console import Console

    return Console(stderr=to_stderr, highlight=False)


def is_terminal(*, to_stderr: bool = False) -> bool:
    return (sys.stderr if to_stderr else sys.stdout).isatty()


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}%"
