"""Errors as values, so that they cross processes and stay readable in the database for years."""

from collections.abc import Mapping
from typing import Any

from sutdol.core import errors
from sutdol.core.errors import FlowFailed, SutdolError


def packed(error: Exception) -> dict[str, str]:
    """An error as JSON; what is no error of ours keeps its type's name."""
    if isinstance(error, SutdolError):
        return {"kind": type(error).__name__, "message": str(error)}
    return {"kind": "FlowFailed", "message": f"{type(error).__name__}: {error}"}


def unpacked(failure: Mapping[str, Any]) -> SutdolError:
    """The error again, of its own kind where this release knows it."""
    kind = getattr(errors, str(failure["kind"]), FlowFailed)
    if not (isinstance(kind, type) and issubclass(kind, SutdolError)):
        kind = FlowFailed
    error = kind.__new__(kind)  # some kinds make their message from parts that are gone
    Exception.__init__(error, str(failure["message"]))
    return error
