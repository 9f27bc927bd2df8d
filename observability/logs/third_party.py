"""Filters the log records of libraries, which may quote what people wrote."""

from __future__ import annotations

import logging
import warnings

# Loggers whose arguments hold no user data. gunicorn's lines about requests are replaced by our own
# (gunicorn_logger.py, bff/server/malformed_requests.py).
_TRUSTED_LOGGERS = ("gunicorn.error", "opentelemetry", "psycopg.pool", "py.warnings", "urllib3")

# Their messages quote hosts, paths and file names. The logger's name gives the cause: django.security.DisallowedHost.
_DJANGO = ("django.request", "django.security")
_DJANGO_MESSAGES = {
    "django.request": "Request failed",
    "django.security.DisallowedHost": "Host is not in ALLOWED_HOSTS",
}

_CODE_WARNINGS = (
    DeprecationWarning,
    PendingDeprecationWarning,
    FutureWarning,
    SyntaxWarning,
    ImportWarning,
    ResourceWarning,
)


def format_message(record: logging.LogRecord, args: object) -> str:
    """The record's message. Unless the logger is trusted, only numbers are filled in as arguments.

    A message that the library has already formatted is returned as it is; redaction.redact() is its only filter.
    """
    template = record.msg if isinstance(record.msg, str) else f"<{type(record.msg).__name__}>"
    if record.name.startswith(_DJANGO):
        return _DJANGO_MESSAGES.get(record.name, "Request refused")
    if not args:
        return template
    return template % (args if record.name.startswith(_TRUSTED_LOGGERS) else _only_numbers(args))


def _only_numbers(args: object) -> object:
    if isinstance(args, dict):
        return {name: _withhold_unless_number(value) for name, value in args.items()}
    return (
        tuple(_withhold_unless_number(value) for value in args)
        if isinstance(args, tuple)
        else _withhold_unless_number(args)
    )


def _withhold_unless_number(value: object) -> object:
    return value if isinstance(value, bool | int | float | None) else "[withheld]"


def filter_record(record: logging.LogRecord) -> bool:
    """Handler filter: drops duplicates of our access log and lowers the level of Django's security records."""
    if record.name == "django.request" and not record.exc_info:
        return False  # a 4xx or a deliberate 5xx: the access log has it
    if record.name.startswith("django.security"):
        # Caused by internet scanners: not our error, and the stack trace is useless.
        record.exc_info, record.levelno, record.levelname = None, logging.WARNING, "WARNING"
    return True


def capture_warnings() -> None:
    """Log Python's warnings, with their text only if the category is about code, not about data."""
    warnings.formatwarning = _format_warning
    logging.captureWarnings(True)


def _format_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    text = str(message).partition("\n")[0] if issubclass(category, _CODE_WARNINGS) else "[withheld]"
    return f"{filename}:{lineno}: {category.__name__}: {text}"
