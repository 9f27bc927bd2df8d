"""Text from outside, made fit for JSON, Redis and PostgreSQL."""

from __future__ import annotations

import re

# White space and zero-width characters: a text of these alone counts as empty.
_INVISIBLE_START = re.compile(r"[\s\u00ad\u200b-\u200f\u2060\ufeff]+")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """The text without null characters; halves of a surrogate pair are joined, a lone half is replaced."""
    if not _UNSTORABLE.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")


def from_first_visible(text: str) -> str:
    """The text without white space and zero-width characters at its beginning."""
    found = _INVISIBLE_START.match(text)
    return text[found.end() :] if found else text
