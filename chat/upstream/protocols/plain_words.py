"""A shortcut for what nearly all of a streamed completion is: chunks with nothing but words in them."""

from __future__ import annotations

from typing import Any

import orjson

_DELTA_FIELDS = frozenset(["content", "role"])
_CHOICE_FIELDS = frozenset(["index", "delta", "logprobs", "finish_reason"])
_TELLING_FIELDS = frozenset(["error", "usage", "type", "detail", "code", "message"])


def words_of(piece: bytes, index: int) -> str | None:
    """The text of one or several complete events in their usual form, which have no more to tell; None for all others.

    `index` is the choice that is read.
    """
    if not piece.endswith(b"\n\n") or b"\r" in piece:
        return None
    text = ""
    for event in piece[:-2].split(b"\n\n"):
        if not event.startswith(b"data: {") or b"\n" in event:
            return None
        try:
            words = _words(orjson.loads(event[6:]), index)
        except (TypeError, KeyError, ValueError, AttributeError):
            return None  # not what it should be: the whole protocol has to look at it
        if words is None:
            return None
        text += words
    return text


def _words(chunk: dict[str, Any], index: int) -> str | None:
    tells_more = not _TELLING_FIELDS.isdisjoint(chunk) and any(map(chunk.get, _TELLING_FIELDS))
    if tells_more or chunk.get("object") == "error":
        return None
    (choice,) = chunk["choices"]
    delta, words = choice["delta"], choice["delta"]["content"]
    is_plain = _has_only(_CHOICE_FIELDS, choice) and _has_only(_DELTA_FIELDS, delta) and not choice.get("finish_reason")
    return words if is_plain and isinstance(words, str) and (choice.get("index") or 0) == index else None


def _has_only(names: frozenset[str], fields: dict[str, Any]) -> bool:
    """Whether all other fields are empty: many services send some with each word."""
    return names.issuperset(fields) or not any(value for name, value in fields.items() if name not in names)
