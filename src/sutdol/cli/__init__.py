"""The `sutdol` command: one file per command group."""

import sys
from io import TextIOWrapper


def main() -> None:
    """Run the command line of this process."""
    from sutdol.cli.root import run

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what the terminal cannot show must not end us
            stream.reconfigure(errors="backslashreplace")
    raise SystemExit(run())
