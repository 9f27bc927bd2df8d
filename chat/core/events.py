"""The events that make up an answer.

Upstream protocols turn bytes into events; encoders turn events into bytes. Cache, runs, fallbacks and history handle
events only. An answer is one `Start`, then `Delta`, `Source` and `Notice` in any order, then exactly one `Finish`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from chat.core import json_codec

Origin = Literal["ai", "cache", "stale", "knowledge", "fallback"]
DegradedReason = Literal[
    "circuit_open",
    "timeout",
    "ai_error",
    "ai_rejected",
    "ai_misconfigured",
    "overloaded",
    "over_budget",
    "interrupted",
    "internal",
]
# How the text ended: complete, at the model's length limit, by a content filter, as a refusal, cut off by a fault, or
# stopped by the user. Only "stop" is a complete answer.
Ending = Literal["stop", "length", "filtered", "refused", "interrupted", "stopped"]


@dataclass(frozen=True, slots=True)
class Start:
    """The answer begins."""


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of the text, in Markdown."""

    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """A page or document that the answer is based on. `url` is empty for one that has no web address.

    Its facts are as of the day `as_of` (ISO date, empty if unknown); `is_outdated` when they may have changed since.
    """

    id: str
    title: str
    url: str
    as_of: str = ""
    is_outdated: bool = False

    def as_json(self) -> dict[str, Any]:
        """The JSON that clients receive, and that the history keeps."""
        return {
            "id": self.id,
            "title": self.title,
            "url": self.url,
            "asOf": self.as_of or None,
            "outdated": self.is_outdated,
        }


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to the user beside the answer.

    `kind` is `status` (temporary: waiting, retrying), `interim` (temporary: an article to read while waiting),
    `degraded`, `interrupted`, `help` (help lines), `facts` (facts extracted from a document) or `partial` (what of a
    document was not read or not explained, or that the text beside it was not answered).
    `text` is in the user's language; `data` holds the same for programs, JSON values only.
    """

    kind: Literal["status", "interim", "degraded", "interrupted", "help", "facts", "partial"]
    text: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Degraded:
    """Why the answer is not a complete answer of the AI.

    `retry_after` is the time until a retry may succeed, `age_seconds` the age of a stale answer; None if unknown.
    """

    reason: DegradedReason
    retry_after: int | None = None
    age_seconds: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The JSON that clients receive, in answers and notices alike."""
        return {"reason": self.reason, "retryAfter": self.retry_after, "ageSeconds": self.age_seconds}


@dataclass(frozen=True, slots=True)
class Usage:
    """The number of tokens that the answer cost."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Finish:
    """The answer has ended. `generation` is its generation trace (chat.storage.provenance), None if unknown."""

    origin: Origin
    ending: Ending = "stop"
    degraded: Degraded | None = None
    suggestions: tuple[str, ...] = ()
    usage: Usage | None = None
    generation: dict[str, Any] | None = None


STOPPED = Finish("ai", ending="stopped")  # a person has stopped the answer, or it has no reader any more
Event = Start | Delta | Source | Notice | Finish

_CODES: dict[type, str] = {Start: "b", Delta: "d", Source: "s", Notice: "n", Finish: "f"}
_TYPES: dict[str, type] = {code: kind for kind, code in _CODES.items()}
# Encoded field names that differ from the attribute names: cached answers and logs of other releases contain them.
_STORED_NAMES = {"generation": "making"}
_FINISH_FIELDS = {_STORED_NAMES.get(name, name): name for name in Finish.__slots__}


def encode(events: Sequence[Event]) -> bytes:
    """Events as compact JSON: `[["d", {"text": "…"}], …]`. Lone surrogates become question marks."""
    rows = [(_CODES[type(event)], _finish_fields(event) if isinstance(event, Finish) else event) for event in events]
    return json_codec.encode(rows)


def decode(data: bytes) -> list[Event]:
    """The events of `encode`. Raises ValueError, TypeError or KeyError on anything else.

    During a rolling update the next release may write more: unknown fields are dropped, and an event of an unknown kind
    becomes an empty delta, so that those after it keep their positions.
    """
    return [_rebuild(_TYPES[code], fields) if code in _TYPES else Delta("") for code, fields in orjson.loads(data)]


def text_of_event(event: Event) -> str:
    """The text that this event adds to the answer. Help lines are part of it: every client protocol must show them."""
    match event:
        case Delta():
            return event.text
        case Notice(kind="help"):
            return f"{event.text}\n\n"
        case _:
            return ""


def text_of(events: Iterable[Event]) -> str:
    """The whole text of these events."""
    return "".join(map(text_of_event, events))


def _finish_fields(event: Finish) -> dict[str, Any]:
    """The event's fields under their stored names."""
    return {stored: getattr(event, name) for stored, name in _FINISH_FIELDS.items()}


def _rebuild(kind: type, fields: dict[str, Any]) -> Event:
    if kind is Finish:
        fields = {_FINISH_FIELDS[stored]: value for stored, value in fields.items() if stored in _FINISH_FIELDS}
        fields["degraded"] = _of_known_fields(Degraded, fields["degraded"]) if fields["degraded"] else None
        fields["usage"] = _of_known_fields(Usage, fields["usage"]) if fields["usage"] else None
        fields["suggestions"] = tuple(fields["suggestions"])
    event: Event = _of_known_fields(kind, fields)
    return event


def _of_known_fields(kind: Any, fields: dict[str, Any]) -> Any:
    try:
        return kind(**fields)
    except TypeError:
        return kind(**{name: value for name, value in fields.items() if name in kind.__slots__})
