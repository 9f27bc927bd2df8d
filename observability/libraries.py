"""What is repeated of what libraries say: they know nothing of our rules, and may quote what people wrote."""

from __future__ import annotations

import logging
import warnings

# These speak of machines alone: gunicorn's lines on requests are ours (gunicorn_log.py, bff/malformed.py).
_VOUCHED_FOR = ("gunicorn.error", "opentelemetry", "psycopg.pool", "py.warnings", "urllib3")

# These quote hosts, paths and file names. The logger's name says what it was: django.security.RequestDataTooBig.
_DJANGO = ("django.request", "django.security")
_DJANGO_SAYS = {
    "django.request": "Request failed",
    "django.security.DisallowedHost": "Host is not in ALLOWED_HOSTS",
}

_ABOUT_CODE = (
    DeprecationWarning,
    PendingDeprecationWarning,
    FutureWarning,
    SyntaxWarning,
    ImportWarning,
    ResourceWarning,
)


def message(record: logging.LogRecord, args: object) -> str:
    """The record's sentence; where we don't vouch for the library, with numbers alone filled in.

    A sentence that it had already put together can't be taken apart: privacy.redact() is all that there is for these.
    """
    sentence = record.msg if isinstance(record.msg, str) else f"<{type(record.msg).__name__}>"
    if record.name.startswith(_DJANGO):
        return _DJANGO_SAYS.get(record.name, "Request refused")
    if not args:
        return sentence
    return sentence % (args if record.name.startswith(_VOUCHED_FOR) else _numbers_of(args))


def _numbers_of(args: object) -> object:
    if isinstance(args, dict):
        return {name: _number(value) for name, value in args.items()}
    return tuple(_number(value) for value in args) if isinstance(args, tuple) else _number(args)


def _number(value: object) -> object:
    return value if isinstance(value, bool | int | float | None) else "[withheld]"


def sort(record: logging.LogRecord) -> bool:
    """A handler's filter: which records make a line, and how loud."""
    if record.name == "django.request" and not record.exc_info:
        return False  # our access line says that a request was refused, or failed on purpose
    if record.name.startswith("django.security"):
        # Whoever scans the internet causes these: neither an error of ours, nor worth a stack trace.
        record.exc_info, record.levelno, record.levelname = None, logging.WARNING, "WARNING"
    return True


def take_warnings() -> None:
    """Have Python's warnings logged, with their text where it is about code and not about what it was given."""
    warnings.formatwarning = _told
    logging.captureWarnings(True)


def _told(message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None) -> str:
    text = str(message).partition("\n")[0] if issubclass(category, _ABOUT_CODE) else "[withheld]"
    return f"{filename}:{lineno}: {category.__name__}: {text}"
