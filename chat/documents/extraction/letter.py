"""A letter in plain typography for the finders of facts, with the way back to what stands in it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from chat.documents.extraction.months import MONTH, WEEKDAY
from observability.character_map import CharacterMap

# Digits of a form, one a box: `|1|2|0|3|2|0|2|6|`, `1 2 / 0 3 / 2 0 2 6`.
_BOXED = re.compile(r"(?<![\w.,/-])(?<!\d )\|?[ |]{0,2}\d(?:[ |]{0,2}[ |/][ |]{0,2}\d(?!\d)){5,24}\|?(?![\w.,/-])")
_BOXED_DATE = re.compile(r"(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])((?:19|20)\d\d)")
# Digits that OCR takes for letters: `2O26`, `O8/O1/2O13`, `l2`.
_MISREAD = re.compile(r"(?:(?<![^\W\d_])[OoIl]{0,4}|(?<=[a-zé]))\d[\dOIl]{0,30}(?![^\W\d_])|(?<=\d,)[Oo]{2}(?!\w)")
_MISREAD_DAY = re.compile(rf"(?<!\w)[OIl]{{2}}(?=\s{{1,2}}(?i:{MONTH}))")  # `ll mars`


# A letter that it takes for a digit: `s0us huit jours`.
_MISREAD_LETTER = re.compile(r"(?<=[a-zà-ÿ])0(?=[a-zà-ÿ]{2})")
# The end of a line in a word: `ci-des-` `sus`.
_BROKEN = re.compile(r"(?<=[a-zà-ÿ]{2})-\n(?=[a-zà-ÿ]{2})")

# The end of a line in a phrase: behind a long line without columns, before a small letter or a number with its word.
# A line such as `le 5 nov. 2025` dates the letter.
_WRAPPED = re.compile(
    rf"""
    (?<=[\wÀ-ÿ,])\n(?!(?:le|ce|du|{WEEKDAY})[ ][^\n]{{0,30}}(?:\d{{4}}|\d/\d\d?)[ .]{{0,2}}(?:\n|$))
    (?=[a-zà-ÿ]{{1,20}}[ ,.;:)'\n]|\d{{1,3}}(?:[ ]\d{{3}}){{0,2}}(?:,\d\d)?[ ](?:€|[a-zà-ÿ]{{3,12}}[ ,.;:)\n]))
    """,
    re.VERBOSE,
)
_COLUMNS = re.compile(r"[ ]{3}|\t|\||\.{4}")
MIN_WRAPPED = 30  # characters of a line that goes on


class Letter:
    """`plain` has one kind of space, hyphen and apostrophe, ASCII digits, no raised letters, boxes or wrapped lines."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._offsets: list[int] | None = None  # of each character of `plain` in `text`; None if they are the same
        self.plain = _MISREAD.sub(_digits, text if text.isascii() else text.translate(_PLAIN))
        self.plain = _BROKEN.sub(2 * _INVISIBLE, _MISREAD_LETTER.sub("o", self.plain))
        self.plain = _WRAPPED.sub(_joined, _MISREAD_DAY.sub(_digits, self.plain))
        if _INVISIBLE in self.plain or _BOXED.search(self.plain):
            self._rewrite()

    def original(self, start: int, end: int) -> str:
        """The original text of `plain[start:end]`."""
        if self._offsets is not None and start < end:
            start, end = self._offsets[start], self._offsets[end - 1] + 1
        return self.text[start:end].replace("\u00ad", "")

    def _rewrite(self) -> None:
        """Remove invisible characters, and join the digits in boxes."""
        kept: Sequence[int] = range(len(self.plain))
        plain = self.plain
        if _INVISIBLE in plain:
            kept = [place for place, character in enumerate(plain) if character != _INVISIBLE]
            plain = plain.replace(_INVISIBLE, "")
        pieces: list[str] = []
        offsets: list[int] = []
        end = 0
        for boxed in _BOXED.finditer(plain):
            places = [place for place in range(*boxed.span()) if plain[place].isdigit()]
            digits = "".join(plain[place] for place in places)
            pieces += (plain[end : boxed.start()], digits)
            offsets += (*range(end, boxed.start()), *places)
            if _BOXED_DATE.fullmatch(digits):
                pieces[-1] = f"{digits[:2]}/{digits[2:4]}/{digits[4:]}"
                offsets[-8:] = [*places[:2], places[1], *places[2:4], places[3], *places[4:]]
            end = boxed.end()
        self.plain = "".join((*pieces, plain[end:]))
        self._offsets = [kept[place] for place in (*offsets, *range(end, len(plain)))]


def _joined(line_end: re.Match[str]) -> str:
    text, place = line_end.string, line_end.start()
    line = text[max(0, place - 200) : place].rpartition("\n")[2]
    following = text[place + 1 : place + 200].partition("\n")[0]
    is_phrase = len(line) >= MIN_WRAPPED and not _COLUMNS.search(line) and not _COLUMNS.search(following)
    return " " if is_phrase else "\n"


def _digits(misread: re.Match[str]) -> str:
    return misread[0].translate(_READ)


_READ = str.maketrans("OoIl", "0011")
_INVISIBLE = "\ufeff"


def _plain_character(character: str) -> str:
    """For `str.translate`: every character stays one character."""
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if character in _SAME:
        return _SAME[character]
    if category in {"Zs", "Cf"}:
        return " " if category == "Zs" else _INVISIBLE
    kind, _, base = unicodedata.decomposition(character).partition(" ")
    if kind != "<super>" or " " in base:
        return character
    raised = chr(int(base, 16))
    return " " if raised.isdigit() else raised if raised.isalpha() else character  # a raised digit is a note's


# Dashes stay: they stand between two facts, not in one.
_SAME = dict.fromkeys("’‘ʼ´`′", "'") | dict.fromkeys("│┃¦", "|") | dict.fromkeys("\u2010\u2011\u2212\ufe63\uff0d", "-")
_PLAIN = CharacterMap(_plain_character)
