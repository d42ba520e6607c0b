"""All command groups under one roof; each is imported only when it is used."""

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter, UnknownOptionError, UnusedCliTokensError

from sutdol import __version__
from sutdol.cli.output import discard
from sutdol.core.errors import SutdolError, UsageError

EXAMPLES = """Examples:

    sutdol demo
    sutdol guard train --data mine.jsonl
    sutdol guard check "some text"
    sutdol arena battle --data mine.jsonl --rounds 10 --json battle.json
    sutdol loop status
"""
INTERRUPTED = 130

DEMO = """Train a guard on the bundled texts and let it fight ten rounds.

Leaves report.html and curve.svg in .sutdol/demo; your own guard is not touched.

Example: sutdol demo
"""
DOCTOR = """Look at everything Sutdol needs and can use.

Exits with 1 when something it needs is broken.

Example: sutdol doctor
"""
# said here, not in their docstrings: to list them is not to import them

app = App(
    name="sutdol",
    help="Sutdol (숫돌): self-hosted AI that sharpens itself, and proves it.",
    help_epilogue=EXAMPLES,
    help_format="plaintext",
    version=__version__,
    version_flags=["--version"],
    default_parameter=Parameter(negative=()),
    suppress_keyboard_interrupt=False,  # `run` says what became of the work
)
app.command("sutdol.cli.demo:demo", name="demo", help=DEMO, help_epilogue="")
app.command("sutdol.cli.guard:app", name="guard", help="Train, ask and measure the guard.")
app.command("sutdol.cli.arena:app", name="arena", help="Let attackers fight the guard.")
app.command("sutdol.cli.feedback:app", name="feedback", help="Take in labels from people.")
app.command("sutdol.cli.loop:app", name="loop", help="Improve, judge, promote, go back.")
app.command("sutdol.cli.doctor:doctor", name="doctor", help=DOCTOR, help_epilogue="")


def run(tokens: Sequence[str] | None = None) -> int:
    """Run one command line; its exit code."""
    try:
        app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
        code = 0
    except CycloptsError as error:
        code = _fail(UsageError(_plain(error)))
    except SutdolError as error:
        code = _fail(error)
    except KeyboardInterrupt:
        print("Interrupted; what was finished is kept.", file=sys.stderr)
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader went away, as `head` does: not an error.
        for stream in (sys.stdout, sys.stderr):
            discard(stream)
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    return code


def _fail(error: SutdolError) -> int:
    print(f"sutdol: {error}", file=sys.stderr)
    return error.code


def _plain(error: CycloptsError) -> str:
    """The parser's message in one line, with the way out."""
    way = "See --help."
    if isinstance(error, UnusedCliTokensError):
        way = "Put a text of several words in quotes."
    if isinstance(error, UnknownOptionError):
        way = "See --help; before a text that begins with a dash put --."
    return f"{' '.join(str(error).split())} {way}"
