"""`sutdol doctor`: what is there, what is missing, and how to get it."""

import os
import platform
import shutil
import sys
from typing import Any

from sutdol.cli.output import Json, opened, say, write_json


def doctor(*, json: Json = None) -> None:
    """What there is and what is missing; the help stands in root.py."""
    from sutdol.checkup import checkup

    with opened() as sutdol:
        checks = [*_machine(), *checkup(sutdol)]
    write_json(checks, json)
    if json != "-":
        for check in checks:
            say(f"{check['state']:8} {check['name']:22} {check['text']}")
    if any(check["state"] == "broken" for check in checks):
        raise SystemExit(1)


def _machine() -> list[dict[str, Any]]:
    gpu = shutil.which("nvidia-smi")
    return [
        _ok("python", f"{platform.python_version()} at {sys.executable}"),
        _ok("machine", f"{platform.machine()}, {os.cpu_count()} processors"),
        _ok("gpu", gpu) if gpu else _absent("gpu", "none found; nothing here needs one"),
    ]


def _ok(name: str, text: str) -> dict[str, Any]:
    return {"name": name, "state": "ok", "text": text}


def _absent(name: str, text: str) -> dict[str, Any]:
    return {"name": name, "state": "absent", "text": text}
