"""Programs on a database of a test, to be killed or to get in each other's way."""

import os
import subprocess
import sys
from pathlib import Path

PRELUDE = """
import os, resource, sys, time
from datetime import UTC, datetime
from pathlib import Path
from sutdol.core.errors import SutdolError
from sutdol.core.types import Example
from sutdol.storage import examples, looks
from sutdol.storage.copy import copy
from sutdol.storage.database import Database
url, home, now = sys.argv[1], Path(sys.argv[2]), datetime(2026, 1, 1, tzinfo=UTC)
"""


def start(script: str, url: str, home: Path, *more: str) -> subprocess.Popen[str]:
    """Run a script that finds `url`, `home` and `now` set; `more` follows in `sys.argv`."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PRELUDE + script, url, str(home), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


def finish(process: subprocess.Popen[str]) -> str:
    """What it printed; it must end well."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


def heard(process: subprocess.Popen[str]) -> str:
    """The next line that it prints."""
    assert process.stdout
    return process.stdout.readline()
