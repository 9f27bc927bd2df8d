"""From a log record, ours or a library's, to the one line that is written."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from observability import correlation, libraries, privacy
from observability.timestamps import iso


class Lines(structlog.stdlib.ProcessorFormatter):
    """Formats every record as one line: `timestamp level message correlationId logger`, then its fields."""

    def format(self, record: logging.LogRecord) -> str:
        try:
            return super().format(record)
        except Exception:  # noqa: BLE001 - a library's record may hold anything; its line must not vanish unseen
            return _to_json(None, "", _head(record, "A log record was malformed"))


def as_json() -> Lines:
    return _lines(_shape, _to_json)


def for_the_console() -> Lines:
    """For the eyes of who develops: coloured where the terminal can."""
    human = structlog.dev.ConsoleRenderer(event_key="message", sort_keys=False, colors=sys.stdout.isatty())
    return _lines(_shape, _readable_exception, human, _encodable)


def _lines(*processors: Processor) -> Lines:
    # What a library says is put together by us: see libraries.py.
    return Lines(processors=processors, use_get_message=False, pass_foreign_args=True)


def _shape(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The line's keys in the line's order. Only our own records have fields, and only those of the closed list."""
    record: logging.LogRecord = event.pop("_record")
    ours: bool = event.pop("_from_structlog")
    args = event.pop("positional_args", ())
    said = event.pop("event") if ours else libraries.message(record, args)
    line = _head(record, privacy.redact(said))
    exc_info = _exc_info(event.pop("exc_info", None))
    if ours:
        line |= privacy.allowed(event)
    if exc_info:
        line["exception"] = privacy.exception(exc_info)
    return line


def _head(record: logging.LogRecord, message: str) -> dict[str, Any]:
    here = correlation.current()
    traced = {"traceId": here.trace} if isinstance(here, correlation.CorrelationId) and here.is_collected else {}
    return {
        "timestamp": iso(record.created),
        "level": record.levelname.lower(),
        "message": message,
        "correlationId": here,
        **traced,
        "logger": record.name,
    }


def _exc_info(value: object) -> privacy.ExcInfo | None:
    """What logging lets callers say: an exception, the triple of one, or True for the one being handled."""
    match value:
        case BaseException():
            return type(value), value, value.__traceback__
        case (type(), BaseException(), _):
            return value  # type: ignore[return-value]  # matched just now
        case True:
            return _exc_info(sys.exc_info())
        case _:
            return None


def _to_json(_logger: WrappedLogger, _method: str, line: EventDict) -> str:
    try:
        return orjson.dumps(line).decode()
    except orjson.JSONEncodeError:  # half a surrogate pair, or an integer of more than 64 bits
        return json.dumps(line, separators=(",", ":"))


def _readable_exception(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    if "exception" in line:
        line["exception"] = "\n".join(
            "\n  ".join([f"{raised['type']}: {raised['message']}", *raised["frames"]]) for raised in line["exception"]
        )
    return line


def _encodable(_logger: WrappedLogger, _method: str, line: Any) -> str:
    return str(line).encode("utf-8", "backslashreplace").decode()
