"""Keeps prompts, answers, tokens and personal data out of the logs.

First, our own lines have only the fields of a closed list, none of which holds text that people write. Second, every
text, above all that of libraries, loses what looks like a secret or like personal data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import TracebackType
from typing import Any
from uuid import UUID

from structlog.tracebacks import ExceptionDictTransformer

from observability import masking
from observability.secret_shapes import SECRET

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

# All fields of our own lines, as they appear in the line; `first_byte=` in the code becomes `firstByte`.
FIELDS = frozenset(
    """
    account attempt breaker bytes cause chunks code conversationId cores count dependency documentsPerWorker duration
    ended endpoint entries error events firstByte fromState kind language memoryMb messageId method model mostMb
    operation origin outcome reason replacement retryAfter room runId saved seconds service setting source status
    toState tokens type userId waitSeconds who workers
    """.split()  # noqa: SIM905 - a list of quoted strings would be harder to read
)

_MAX_LENGTH = 1000  # characters of one text

# A cheap pre-check: few texts match it.
_MAY_BE_SECRET = re.compile(r"@|(?:\d\D*){9}|eyJ|sk-|bff_|(?i:bearer)")
# Our own and Supabase's ids have enough digits to match it; skipping them saves 10 µs per line.
_ID = re.compile(r"(?:[a-z]+-)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# Exceptions whose messages are about code and machines. The messages of others may contain user data: a value that
# could not be parsed, a row that was refused, a key that was missing.
_SAFE_MESSAGES = frozenset(
    """
    AppRegistryNotReady AttributeError AuthenticationError BrokenPipeError BusyLoadingError ChildProcessError
    CommandError ConnectTimeout ConnectionAbortedError ConnectionError ConnectionRefusedError ConnectionResetError
    FileNotFoundError ImportError ImproperlyConfigured InterfaceError MaxConnectionsError MemoryError
    ModuleNotFoundError NameError NewConnectionError NotImplementedError OSError OperationalError PermissionError
    PoolTimeout ProgrammingError ReadOnlyError ReadTimeout RecursionError SSLError TimeoutError TypeError
    UnboundLocalError gaierror
    """.split()  # noqa: SIM905 - see FIELDS
)

_describe = ExceptionDictTransformer(show_locals=False, use_rich=False, max_frames=16)


def redact(text: str) -> str:
    """The text with secrets and identifiers of persons (`masking`) replaced by their kind."""
    text = text[: 2 * _MAX_LENGTH]  # the first cut leaves a margin, so that the final cut does not split a secret
    if _MAY_BE_SECRET.search(text) and not _ID.fullmatch(text):
        text = _without_identifiers(SECRET.sub(lambda match: f"[{match.lastgroup}]", text))
    return text[:_MAX_LENGTH]


def _without_identifiers(text: str) -> str:
    for found in reversed([*masking.find(text)]):
        text = f"{text[: found.start]}[{found.kind}]{text[found.end :]}"
    return text


def clean(value: object) -> Any:
    """The value as plain JSON with redacted texts; any other object becomes its type name."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return redact(value)
        case UUID():
            return str(value)
        case dict():
            return {redact(str(key)): clean(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [clean(item) for item in value]
        case _:
            return f"<{type(value).__name__}>"


def filter_fields(fields: Mapping[str, object]) -> dict[str, Any]:
    """The fields of the closed list, cleaned, under their wire names. The names of others are in `droppedFields`."""
    result = {_WIRE_NAMES[name]: clean(value) for name, value in fields.items() if name in _WIRE_NAMES}
    if len(result) < len(fields):
        result["droppedFields"] = sorted(fields.keys() - _WIRE_NAMES.keys())
    return result


def redact_exception(exc_info: ExcInfo) -> list[dict[str, Any]]:
    """The exception and its causes, outermost first: no local variables, and messages only of _SAFE_MESSAGES."""
    return [_redacted(raised) for raised in _describe(exc_info)]


def _redacted(raised: dict[str, Any]) -> dict[str, Any]:
    # Databases put the refused values into the lines after the first.
    message = redact(raised["exc_value"].partition("\n")[0])
    result: dict[str, Any] = {
        "type": raised["exc_type"],
        "message": message if raised["exc_type"] in _SAFE_MESSAGES else "[withheld]",
        "frames": [_format_frame(frame) for frame in raised["frames"]],
    }
    if raised["is_group"]:
        result["exceptions"] = [[_redacted(each) for each in member] for member in raised["exceptions"]]
    return result


def _format_frame(frame: dict[str, Any]) -> str:
    if not frame["filename"]:
        return f"… {frame['name']}"  # "Skipped frames: 12"
    return f"{frame['filename']}:{frame['lineno']} in {frame['name']}"


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


_WIRE_NAMES = {name: name for name in FIELDS} | {_snake(name): name for name in FIELDS}
