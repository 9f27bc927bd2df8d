"""Citations in an answer's text: `[2]`, or several in one bracket."""

from __future__ import annotations

import re
from collections.abc import Container

# Some models write 【2†source】 for [2].
_NUMBER = r"\d{1,2}(?:†[^\[\]【】\n]{0,20})?"
_SPACE = "[ \u00a0\u202f]?"
_RANGE = rf"{_SPACE}(?:[-\u2010-\u2014]|à|to){_SPACE}"
_SEPARATOR = rf"(?:{_SPACE}(?:,{_SPACE}(?:et|and)|[,;&/]|et|and){_SPACE}|{_RANGE})"
_NUMBERS = rf"{_NUMBER}(?:{_SEPARATOR}{_NUMBER}){{0,9}}"
_BRACKET = re.compile(rf"[\[【]{_SPACE}({_NUMBERS}){_SPACE}[\]】]")
_ITEM = re.compile(rf"({_NUMBER})(?:{_RANGE}({_NUMBER}))?")
_PART_OF_SEPARATOR = rf"{_SPACE}(?:[,;&/]?{_SPACE}(?:et?|an?|and)?|[-\u2010-\u2014à]|to?){_SPACE}"
_UNFINISHED = re.compile(rf"[\[【]{_SPACE}(?:{_NUMBERS}{_PART_OF_SEPARATOR})?\Z")
_LONGEST = 60  # characters of an unfinished bracket; longer ones are no citations


def separated(text: str, sources: Container[int]) -> str:
    """The text with a bracket for each citation: `[1, 3]`, `[1 et 3]` and `【1】【3】` become `[1][3]`, `[1-3]` becomes
    `[1][2][3]`. A bracket that cites none of these sources stays as it is.
    """

    def separate(bracket: re.Match[str]) -> str:
        numbers: list[int] = []
        for item in _ITEM.finditer(bracket[1]):
            first, last = (int(end.partition("†")[0]) for end in (item[1], item[2] or item[1]))
            if item[2] and not (first in sources and last in sources):
                return bracket[0]
            numbers += range(first, last + 1)
        return "".join(f"[{number}]" for number in numbers) if any(map(sources.__contains__, numbers)) else bracket[0]

    return _BRACKET.sub(separate, text)


def unfinished_at(text: str) -> int:
    """Where a citation begins that the text may end within; the text's length if there is none."""
    found = _UNFINISHED.search(text, max(0, len(text) - _LONGEST))
    return found.start() if found else len(text)
