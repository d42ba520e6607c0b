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
WORKER = """Run the flows that others start, take over those of workers that died, keep the clock.

Any number of workers may run on one database. Stopping one loses nothing.

Example: sutdol worker
"""
UP = """Start the web server and a worker.

OpenAI's API at /v1, moderation at /v1/moderations and /v1alpha1, our own at /api/v1. At another
address than this machine's own, keys are asked for: `sutdol keys create`.

Example: sutdol up --port 8080
"""
DOCTOR = """Look at everything Sutdol needs and can use.

Exits with 1 when something it needs is broken.

Example: sutdol doctor
"""
BACKUP = """Write everything into one file, while others go on working.

Rows, models and reports as they are at one moment; with SQLite the flows too. Exits with 1 when a
model or report was gone or damaged before: the rest is in the file.

Example: sutdol backup /mnt/backups/sutdol.tar.gz
"""
RESTORE = """Put a backup in the place of an empty home, or of any home with --force.

Every file is proven before anything changes. An older backup is brought to this release. With
PostgreSQL the rows go to DATABASE_URL, which must name an empty database.

Example: sutdol restore /mnt/backups/sutdol.tar.gz
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
app.command("sutdol.cli.users:app", name="users", help="Let users in, or shut them out.")
app.command("sutdol.cli.keys:app", name="keys", help="Make, list and revoke keys.")
app.command("sutdol.cli.db:app", name="db", help="Upgrade, check and copy the database.")
app.command("sutdol.cli.mlflow:app", name="mlflow", help="Mirror what happened to MLflow.")
app.command("sutdol.cli.backup:backup", name="backup", help=BACKUP, help_epilogue="")
app.command("sutdol.cli.backup:restore", name="restore", help=RESTORE, help_epilogue="")
app.command("sutdol.cli.flows:app", name="flows", help="Look after long work.")
app.command("sutdol.cli.up:up", name="up", help=UP, help_epilogue="")
app.command("sutdol.cli.worker:worker", name="worker", help=WORKER, help_epilogue="")
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
