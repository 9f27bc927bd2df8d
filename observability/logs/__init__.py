"""Logging: our own records and those of libraries go through one formatter.

    log = get_logger(__name__)
    log.info("AI call retried", operation="chat", attempt=2, duration=234)

A fixed event, then fields of the closed list redaction.FIELDS. Durations are in milliseconds.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Literal, cast

import structlog
from concurrent_log_handler import ConcurrentTimedRotatingFileHandler

from observability.logs import log_format, third_party

# Only these packages may log at debug. At debug, libraries print what they process: queries, bodies, prompts.
_OWN_PACKAGES = ("bff", "chat", "health", "observability")

structlog.configure(
    processors=[structlog.stdlib.filter_by_level, log_format.to_log_record],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)

_handlers: list[logging.Handler] = []


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name).bind()  # else bound again for each line
    return bound


def configure(*, level: str, format: str, file: str) -> None:  # noqa: A002 - the setting's own name
    """Send all log records of this process to stdout, and to `file` unless it is empty. May be called again.

    `level` applies to our own records; libraries log at info or above. `format` is `json` or `console` and applies to
    stdout; the file is always JSON. Its folder exists. It is rotated at midnight UTC, 14 old files are kept, and any
    number of processes may write to it.
    """
    console = _Console()
    console.setFormatter(log_format.console_formatter() if format == "console" else log_format.json_formatter())
    _replace_handlers([console, _rotating(file)] if file else [console])
    _set_levels(level.upper())
    _disable_unused_record_attributes()
    third_party.capture_warnings()
    _log_uncaught_exceptions()


def use_stderr() -> None:
    """Write to stderr in place of stdout from now on, in a program whose stdout is for its output."""
    _Console.stream = "stderr"


class _Console(logging.Handler):
    """Writes to the current sys.stdout, or sys.stderr. One write per line, because all workers share it."""

    stream: ClassVar[Literal["stdout", "stderr"]] = "stdout"

    def emit(self, record: logging.LogRecord) -> None:
        try:
            stream = getattr(sys, self.stream)
            stream.write(self.format(record) + "\n")
            stream.flush()
        except Exception:  # noqa: BLE001 - it is closed: logging must not stop the request
            self.handleError(record)


def leave_to_owner_of_folder(file: str) -> None:
    """Root leaves a file that it has begun to the user and group of the folder, whose programs write to it as well.

    Without the right to do so, as in some containers and on some network shares, it keeps the file.
    """
    if owner := _owner(Path(file).parent):
        with suppress(OSError):
            shutil.chown(file, *owner)


def _owner(path: Path) -> tuple[str, str] | None:
    """User and group; None for others than root, who can't leave files to them, and if they have no names here."""
    if os.geteuid() == 0:
        with suppress(KeyError, FileNotFoundError):
            return path.owner(), path.group()
    return None


def _rotating(file: str) -> logging.Handler:
    owner = _owner(Path(file))  # the handler gives it to the file at every opening, to its lock and to the next file
    handler = ConcurrentTimedRotatingFileHandler(
        file, when="midnight", utc=True, backupCount=14, encoding="utf-8", owner=owner
    )
    handler.setFormatter(log_format.json_formatter())
    return cast("logging.Handler", handler)


def _replace_handlers(new: list[logging.Handler]) -> None:
    root = logging.getLogger()
    for handler in _handlers:
        root.removeHandler(handler)
        handler.close()
    _handlers[:] = new
    for handler in new:
        handler.addFilter(third_party.filter_record)
        root.addHandler(handler)


def _set_levels(level: str) -> None:
    logging.getLogger().setLevel("INFO" if level == "DEBUG" else level)
    for name in _OWN_PACKAGES:
        logging.getLogger(name).setLevel(level)
    logging.getLogger("psycopg").setLevel(max(logging.getLogger().level, logging.WARNING))  # sets itself to WARNING
    logging.getLogger("django.server").setLevel("ERROR")  # hides runserver's access log, which duplicates ours


def _disable_unused_record_attributes() -> None:
    """Don't collect record attributes that no line shows (Python's logging HOWTO, "Optimization")."""
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # the caller of each logging method
    # Logging would print its own errors to stderr, with the record's unredacted arguments.
    logging.raiseExceptions = False


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


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        get_logger(__name__).error("Uncaught exception in a thread", exc_info=args.exc_value)


def _unraisable(args: sys.UnraisableHookArgs) -> None:
    if args.exc_value is not None:
        get_logger(__name__).error("Exception where none can be raised", exc_info=args.exc_value)
