"""What the graphics processors of this machine are doing, as `nvidia-smi` tells; none is fine."""

import shutil
import subprocess
from dataclasses import dataclass

ASKED = ("index", "memory.used", "memory.total", "utilization.gpu")
PATIENCE = 2.0  # seconds
MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """Memory in bytes, `busy` as a share of time; None where the driver does not say."""

    index: str
    used: float | None
    total: float | None
    busy: float | None


def gpus() -> list[Gpu]:
    """Empty where there is no `nvidia-smi`, or it fails."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    command = [program, f"--query-gpu={','.join(ASKED)}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(  # noqa: S603  a program of the driver, with our words only
            command, capture_output=True, timeout=PATIENCE, check=True, encoding="utf-8"
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return []
    rows = [[cell.strip() for cell in line.split(",")] for line in done.stdout.splitlines()]
    return [_gpu(*row) for row in rows if len(row) == len(ASKED)]


def _gpu(index: str, used: str, total: str, busy: str) -> Gpu:
    return Gpu(
        index=index,
        used=_number(used, MIB),
        total=_number(total, MIB),
        busy=_number(busy, 0.01),
    )


def _number(told: str, unit: float) -> float | None:
    """Partitioned ones answer `[N/A]`."""
    try:
        return float(told) * unit
    except ValueError:
        return None
