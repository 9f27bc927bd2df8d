"""The vocabulary every answer is made of.

Upstream protocols turn bytes into these events, wire protocols turn them into bytes; cache, runs, fallbacks and
persistence between them see nothing else. An answer is one `Start`, then `Delta`, `Source` and `Notice` in any order,
then exactly one `Finish`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

Origin = Literal["ai", "cache", "stale", "knowledge", "fallback"]
DegradedReason = Literal["circuit_open", "timeout", "ai_error", "ai_rejected", "overloaded", "interrupted"]
# How the text ended: complete, at the model's length limit, cut by a fault, or stopped by the person. All but the
# first are not the whole answer.
Ending = Literal["stop", "length", "interrupted", "stopped"]


@dataclass(frozen=True, slots=True)
class Start:
    """An answer begins. `model` is what will write it, empty when nothing but us does."""

    model: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of text, Markdown."""

    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """A page that the answer rests on."""

    id: str
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell the person beside the answer.

    `kind` is `status` (passing: waiting, trying again), `degraded`, `interrupted`, `help` (whom to call), `facts` (what
    was found in a document) or `partial` (not all of a document was read).
    `text` is in the person's language; `data` holds the same for programs, JSON values only.
    """

    kind: Literal["status", "degraded", "interrupted", "help", "facts", "partial"]
    text: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Degraded:
    """Why the answer is not the AI's own; times in seconds, None where there is nothing to say."""

    reason: DegradedReason
    retry_after: int | None = None
    age_seconds: int | None = None

    def as_json(self) -> dict[str, Any]:
        """As clients are told it, in answers and notices alike."""
        return {"reason": self.reason, "retryAfter": self.retry_after, "ageSeconds": self.age_seconds}


@dataclass(frozen=True, slots=True)
class Usage:
    """What the answer cost, in tokens."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Finish:
    """The answer has ended. `making` is how it was written (chat.receipts), None when its writer can't tell."""

    origin: Origin
    ending: Ending = "stop"
    degraded: Degraded | None = None
    suggestions: tuple[str, ...] = ()
    usage: Usage | None = None
    making: dict[str, Any] | None = None


Event = Start | Delta | Source | Notice | Finish

_LETTERS: dict[type, str] = {Start: "b", Delta: "d", Source: "s", Notice: "n", Finish: "f"}
_TYPES: dict[str, type] = {letter: kind for kind, letter in _LETTERS.items()}


def encode(events: Sequence[Event]) -> bytes:
    """Events as compact JSON: `[["d", {"text": "…"}], …]`; lone surrogates are replaced, they can't be sent anyway."""
    rows = [(_LETTERS[type(event)], event) for event in events]
    try:
        return orjson.dumps(rows)
    except orjson.JSONEncodeError:
        return orjson.dumps([(letter, _printable(event)) for letter, event in rows])


def decode(data: bytes) -> list[Event]:
    """The events of `encode`. Raises ValueError, TypeError or KeyError on anything else."""
    return [_rebuild(_TYPES[letter], fields) for letter, fields in orjson.loads(data)]


def words_of(event: Event) -> str:
    """What this event adds to the text. Help lines are part of it: they must be seen in every protocol."""
    match event:
        case Delta():
            return event.text
        case Notice(kind="help"):
            return f"{event.text}\n\n"
        case _:
            return ""


def text_of(events: Iterable[Event]) -> str:
    """The whole text said."""
    return "".join(map(words_of, events))


def _rebuild(kind: type, fields: dict[str, Any]) -> Event:
    if kind is Finish:
        # While a fleet is being renewed the next release may say more in its log than we know of.
        fields = {name: value for name, value in fields.items() if name in Finish.__slots__}
        fields["degraded"] = Degraded(**fields["degraded"]) if fields["degraded"] else None
        fields["usage"] = Usage(**fields["usage"]) if fields["usage"] else None
        fields["suggestions"] = tuple(fields["suggestions"])
    event: Event = kind(**fields)
    return event


def _printable(event: Event) -> dict[str, Any]:
    return {
        name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for name, value in ((name, getattr(event, name)) for name in event.__slots__)
    }
