"""The log of the server: one JSON object a line, on standard error, without what anybody said."""

import logging
import re
import sys
import threading
from collections.abc import Iterator
from traceback import extract_tb
from types import TracebackType
from typing import Any

import orjson
import structlog
from structlog.processors import ExceptionRenderer, JSONRenderer
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, ExcInfo, WrappedLogger

from sutdol.core.errors import Busy, Corrupted, NotReady, SutdolError, Unavailable

OURS = (NotReady, Corrupted, Busy, Unavailable)
"""Errors about this machine and its files: what they say holds nothing that a user sent."""


def set_up(*, level: int = logging.INFO, text: bool = False) -> None:
    """For structlog's loggers and for those of libraries alike. With `text`, what any error says
    stands in the log: a driver repeats the row that it refuses, a parser what it read.
    """
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    errors = ExceptionRenderer() if text else ExceptionRenderer(_wordless)
    structlog.configure(
        processors=[*shared, errors, JSONRenderer(_json)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    as_json = JSONRenderer(lambda value, **_: _json(value).decode())
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[*shared, _named] if text else [*shared, _named, _short],
            processors=[ProcessorFormatter.remove_processors_meta, errors, as_json],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook, threading.excepthook = _died, _thread_died


def traced(error: BaseException | None) -> Iterator[str]:
    """An error and what led to it: kinds and places, and no words but those of our own."""
    while error is not None:
        said = f": {error}" if isinstance(error, OURS) else ""
        yield f"{type(error).__module__}.{type(error).__qualname__}{said}"
        for frame in extract_tb(error.__traceback__):
            yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
        before = None if error.__suppress_context__ else error.__context__
        error = error.__cause__ or before


def _wordless(exc_info: ExcInfo) -> str:
    return "\n".join(traced(exc_info[1]))


def _named(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Say whose line it is."""
    record = event.get("_record")
    if isinstance(record, logging.LogRecord):
        event["logger"] = record.name
    return event


def _short(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A library says what happened in its first line; asyncio's goes on with the error's words."""
    ends = "[\n(]" if event.get("logger") == "asyncio" else "\n"
    event["event"] = re.split(ends, str(event.get("event", "")), maxsplit=1)[0]
    return event


def _died(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Nobody caught it, so that the process ends."""
    why = str(error) if isinstance(error, SutdolError) else None
    structlog.get_logger("sutdol.serve").critical("died", error=why, exc_info=error)


def _thread_died(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is not None and not isinstance(told.exc_value, SystemExit):
        name = told.thread.name if told.thread else None
        log = structlog.get_logger("sutdol.serve")
        log.critical("a thread died", thread=name, exc_info=told.exc_value)


def _json(value: Any, **_: Any) -> bytes:
    return orjson.dumps(value, default=str)
