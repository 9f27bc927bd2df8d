"""Logging for the whole program: our own records and every library's leave through one formatter.

    log = get_logger(__name__)
    log.info("AI call retried", operation="chat", attempt=2, duration=234)

A fixed event, then fields of the closed list in privacy.py; durations in milliseconds.
"""

from __future__ import annotations

import logging
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import cast

import structlog
from concurrent_log_handler import ConcurrentTimedRotatingFileHandler

from observability import libraries, lines

# The packages whose debug lines we vouch for. Libraries at debug print what they handle: queries, bodies, prompts.
_OURS = ("bff", "chat", "health", "observability")

structlog.configure(
    processors=[structlog.stdlib.filter_by_level, lines.hand_over],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)

_handlers: list[logging.Handler] = []


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    return structlog.stdlib.get_logger(name)


def configure(*, level: str, format: str, file: str) -> None:  # noqa: A002 - the setting's own name
    """Send every record of this process to stdout, and to `file` if one is named. May be called again.

    `level` is that of our own records, libraries speak from info up. `format` is `json` or `console`, for stdout alone:
    the file is always JSON. It turns over each night (UTC), 14 old ones are kept, and any number of processes write.
    """
    stdout = _Stdout()
    stdout.setFormatter(lines.for_the_console() if format == "console" else lines.as_json())
    _replace_handlers([stdout, _rotating(file)] if file else [stdout])
    _set_levels(level.upper())
    _be_lean()
    libraries.take_warnings()
    _log_uncaught_exceptions()


class _Stdout(logging.Handler):
    """Whatever stdout is at the moment, one write a line: workers share it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stdout.write(self.format(record) + "\n")
            sys.stdout.flush()
        except Exception:  # noqa: BLE001 - nobody reads us any more; the work goes on
            self.handleError(record)


def _rotating(file: str) -> logging.Handler:
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    handler = ConcurrentTimedRotatingFileHandler(file, when="midnight", utc=True, backupCount=14, encoding="utf-8")
    handler.setFormatter(lines.as_json())
    return cast("logging.Handler", handler)


def _replace_handlers(new: list[logging.Handler]) -> None:
    root = logging.getLogger()
    for handler in _handlers:
        root.removeHandler(handler)
        handler.close()
    _handlers[:] = new
    for handler in new:
        handler.addFilter(libraries.sort)
        root.addHandler(handler)


def _set_levels(level: str) -> None:
    logging.getLogger().setLevel("INFO" if level == "DEBUG" else level)
    for name in _OURS:
        logging.getLogger(name).setLevel(level)
    logging.getLogger("django.server").setLevel("ERROR")  # runserver's access lines, beside ours


def _be_lean() -> None:
    """What no line of ours shows need not be found out for each record (Python's logging HOWTO, "Optimization")."""
    logging._srcfile = None  # the documented switch for it
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.raiseExceptions = False  # logging's own errors go to stderr with the record's raw arguments


def _log_uncaught_exceptions() -> None:
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _uncaught
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _uncaught_in_thread
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _unraisable


def _uncaught(kind: type[BaseException], raised: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, raised, trace)
    else:
        get_logger(__name__).critical("Uncaught exception", exc_info=(kind, raised, trace))


def _uncaught_in_thread(found: threading.ExceptHookArgs) -> None:
    if found.exc_value is not None and not isinstance(found.exc_value, SystemExit):
        get_logger(__name__).error("Uncaught exception in a thread", exc_info=found.exc_value)


def _unraisable(found: sys.UnraisableHookArgs) -> None:
    if found.exc_value is not None:
        get_logger(__name__).error("Exception where none can be raised", exc_info=found.exc_value)
