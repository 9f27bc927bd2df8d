"""What may stand in a log line. Prompts, answers, tokens and personal data may not.

The first net is the closed list of fields: no field holds what people write. The second one catches, in any text
and above all in that of libraries, what looks like a secret or like personal data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import TracebackType
from typing import Any
from uuid import UUID

from structlog.tracebacks import ExceptionDictTransformer

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

# Everything a line of ours may say, as it is written in the line; `first_byte=` in the code becomes `firstByte`.
FIELDS = frozenset(
    """
    ageSeconds attempt attempts breaker bytes cause chunks code conversationId count dependency documentType
    duration ended endpoint entries error events firstByte fromState kind language messageId method model operation
    origin outcome reason retryAfter runId saved seconds source status toState tokens type userId waitSeconds who
    """.split()  # noqa: SIM905 - forty quotation marks would hide the words
)

_LONGEST = 1000  # characters of a text; nothing that is worth reading in a log is longer

_SECRET = re.compile(
    r"""
      (?P<credentials> (?<=://)[^/\s@]+(?=@) )
    | (?P<token>       \b(?i:bearer)\s+[\w.~+/=-]+ | \beyJ[\w-]+\.[\w.-]+ | \bsk-[\w-]{16,} )
    | (?P<email>       [\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+ )
    | (?P<nir>         \b[1-478](?:[\s.-]?\d){4}[\s.-]?(?:\d\d|2[AB])(?:[\s.-]?\d){8}\b )
    | (?P<phone>       (?<![\w.])(?:0[1-9](?:[\s.-]?\d\d){4}|(?:00|\+)[1-9](?:[\s.-]?(?:\(0\))?\d){8,13})(?!\w) )
    """,
    re.VERBOSE,
)
# Few texts have any of this, and looking for it costs little.
_SUSPECT = re.compile(r"@|\d[\s.-]?\d[\s.-]?\d|eyJ|sk-|(?i:bearer)")
# Ids, our own and Supabase's, hold digits enough to be suspected: one more look spares each line 10 µs of the long one.
_ID = re.compile(r"(?:[a-z]+-)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# Exceptions whose messages speak of code and of machines. Those of all others may hold what they were given: a value
# that could not be parsed, the row that was refused, a key that was missing.
_SPEAKING = frozenset(
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
    """The text without what looks like a secret, an e-mail address, a phone or a social security number."""
    text = text[: 2 * _LONGEST]  # so that the last cut goes through no secret
    if _SUSPECT.search(text) and not _ID.fullmatch(text):
        text = _SECRET.sub(lambda found: f"[{found.lastgroup}]", text)
    return text[:_LONGEST]


def clean(value: object) -> Any:
    """The value as a line may hold it: plain JSON, texts redacted; of any other object its type alone."""
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


def allowed(fields: Mapping[str, object]) -> dict[str, Any]:
    """The fields of the closed list, cleaned, under their wire names; of the others the names, as `droppedFields`."""
    kept = {_WIRE_NAMES[name]: clean(value) for name, value in fields.items() if name in _WIRE_NAMES}
    if len(kept) < len(fields):
        kept["droppedFields"] = sorted(fields.keys() - _WIRE_NAMES.keys())
    return kept


def exception(exc_info: ExcInfo) -> list[dict[str, Any]]:
    """What was raised and where, outermost first: no local variables, and no message that may hold content."""
    return [_described(raised) for raised in _describe(exc_info)]


def _described(raised: dict[str, Any]) -> dict[str, Any]:
    # Databases tell the values that they choke on in the lines after the first.
    message = redact(raised["exc_value"].partition("\n")[0])
    described: dict[str, Any] = {
        "type": raised["exc_type"],
        "message": message if raised["exc_type"] in _SPEAKING else "[withheld]",
        "frames": [_place(frame) for frame in raised["frames"]],
    }
    if raised["is_group"]:
        described["exceptions"] = [[_described(one) for one in member] for member in raised["exceptions"]]
    return described


def _place(frame: dict[str, Any]) -> str:
    if not frame["filename"]:
        return f"… {frame['name']}"  # "Skipped frames: 12"
    return f"{frame['filename']}:{frame['lineno']} in {frame['name']}"


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


_WIRE_NAMES = {name: name for name in FIELDS} | {_snake(name): name for name in FIELDS}
