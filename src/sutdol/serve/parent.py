"""End together with the process that started this one, so that nobody is left holding the port."""

import ctypes
import os
import signal
import sys

PDEATHSIG = 1  # PR_SET_PDEATHSIG, see prctl(2)


def leave_with(parent: int) -> None:
    """Be told to stop when the parent dies, where the kernel can; leave now if it is dead."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit(1)
