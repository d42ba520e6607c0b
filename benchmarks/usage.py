"""What a command costs: wall and CPU seconds, and the most memory it held."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Of one finished process and the children it waited for."""

    wall: float
    cpu: float
    peak_mb: float


def run(command: Sequence[str], settings: Mapping[str, str] | None = None) -> Usage:
    """Run to the end, its output unseen; whoever measures memory should be small itself.

    Linux counts what the parent held when it started the command as the child's peak.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        env=os.environ | dict(settings or {}),  # noqa: TID251, handed on and no setting of ours
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Usage(
        wall=time.perf_counter() - start,
        cpu=used.ru_utime + used.ru_stime,
        peak_mb=used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10),
    )
