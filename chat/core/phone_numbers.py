"""Finds telephone numbers in a text: French ten-digit numbers, +33, and the short numbers of national services.

chat/static/chat/markdown.js has the same patterns; one table of examples tests both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# `_` is a space. Short numbers are a closed list, because any four digits may as well be an amount.
_PATTERNS = (
    r"\+33(?:_|\.)?[1-9](?:(?:_|\.)?\d\d){4}",
    r"0[1-9](?P<gap>_?|\.)\d\d(?:(?P=gap)\d\d){3}",
    r"0_?8\d\d(?:(?:_?\d{3}){2}|(?:_?\d\d){3})",
    r"116_?(?:000|006|111|117)",
    r"3(?:0_?(?:18|20|39)|1_?(?:14|33)|2_?30|6_?46|9_?(?:19|28|39|49|60|77))(?!_?(?:€|%|euro))",
)
_number = re.compile(
    "|".join(rf"(?<!\w)(?<![+./-])(?a:{pattern})(?!\w|[/-])" for pattern in _PATTERNS).replace("_", "[ \u00a0\u202f]")
)


def dialled(number: str) -> str:
    """The digits of a number, or of a `tel:` or `sms:` URL, as they are dialled within France."""
    return re.sub(r"^(?:\+33|0033)", "0", re.sub(r"[^\d+]", "", number))


def numbers_in(text: str) -> frozenset[str]:
    """The digits of all telephone numbers in the text, as they are dialled within France."""
    return frozenset(dialled(address) for _, address in split(text) if address)


def split(text: str) -> Iterator[tuple[str, str]]:
    """The text in pieces, each with the URL to call it: `("au ", "")`, `("39 28", "tel:3928")`."""
    end = 0
    for match in _number.finditer(text):
        if match.start() > end:
            yield text[end : match.start()], ""
        yield match[0], "tel:" + re.sub(r"[^\d+]", "", match[0])
        end = match.end()
    if end < len(text):
        yield text[end:], ""
