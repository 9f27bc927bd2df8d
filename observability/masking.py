"""Masks identifiers of persons in free text, in any typography; used for prompts, documents and logs.

Social security numbers (NIR), IBANs, payment cards, phone numbers and e-mail addresses. A number is found by its
digits. Separators between them – spaces of any kind, hyphens, dots, the bars of a form's boxes, a line break – don't
matter, but must be the same between all digits, or between the usual groups of such a number. A row of amounts or dates
therefore is no number. Letters that OCR takes for digits (O, I, l) count as digits among them. Each function takes time
linear in the text's length.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Literal, NamedTuple, get_args

from stdnum import luhn
from stdnum.iso7064 import mod_97_10

from observability.character_map import CharacterMap

Kind = Literal["nir", "iban", "card", "phone", "email"]
KINDS: tuple[Kind, ...] = get_args(Kind)
NUMBERS_OF_PERSONS: tuple[Kind, ...] = ("nir", "iban", "card")  # organisations have e-mail and telephones, too


class Identifier(NamedTuple):
    """`text[start:end]` is an identifier of this kind."""

    kind: Kind
    start: int
    end: int


def mask(text: str, kinds: Collection[Kind] = KINDS) -> str:
    """The text with each identifier's letters and digits as dots, but for the last two of a number."""
    return hide(text, (found for found in find(text) if found.kind in kinds))


def hide(text: str, identifiers: Iterable[Identifier]) -> str:
    """The text with these identifiers, in the order of their place, masked."""
    parts: list[str] = []
    end = 0
    for found in identifiers:
        shown = 0 if found.kind == "email" else 2
        parts += (text[end : found.start], dotted(text[found.start : found.end], shown))
        end = found.end
    return "".join((*parts, text[end:])) if parts else text


def dotted(text: str, shown: int = 2) -> str:
    """The text with its letters and digits as dots, but for so many at the end."""
    count = sum(map(str.isalnum, text)) - shown
    return _LETTER_OR_DIGIT.sub("•", text, count=count) if count > 0 else text


_LETTER_OR_DIGIT = re.compile(r"[^\W_]")


def find(text: str) -> Iterator[Identifier]:
    """The identifiers in the order of their place; none overlaps another."""
    found = list(_emails(text)) if "@" in text else []
    spaced = _ENTITY.sub(lambda entity: " " * len(entity[0]), text) if "&" in text else text
    # As written, because an IBAN may have letters, and with the letters as digits that OCR takes for them.
    for read in dict.fromkeys((spaced, _MISREAD.sub(_as_digits, spaced))):
        if _NINE_DIGITS.search(read):
            found += _numbers(spaced, read, read.translate(_PLAIN))
    end = 0
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if one.start >= end:
            yield one
            end = one.end


_GAP = " {0,24}"  # characters between two digits of one number: ` | ` in a form, or a line break and its indentation
_CONTEXT = 40  # characters around a number that are searched for its kind
_ENCLOSED = "\u2460-\u249b\u24ea-\u24ff\u2776-\u2793\U0001f100-\U0001f10a"
_NINE_DIGITS = re.compile(rf"(?:[\d{_ENCLOSED}][^\d{_ENCLOSED}]*){{9}}")
# A group of digits of which OCR takes some, or all, for letters: `O1`, `3OOO`, `l`; Corsica's letter may follow. What
# stands before the group is looked at behind its first sign: a pattern that begins with signs is searched three times
# as quick.
_MISREAD = re.compile(r"[\dOoIl](?:(?<![^\W_].)|(?<=[^\W\d_]\d))[\dOoIl]{0,39}(?:(?![^\W_])|(?=[ABab][\dOo]))")
_AS_DIGITS = str.maketrans("OoIl", "0011")
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#[0-9]{2,5}|#x[0-9a-fA-F]{2,5});")
_EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64} ?@ ?[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")

# Digits in a row, whatever is between them; Corsica's departments are 2A and 2B.
_RUN = re.compile(rf"\d(?:{_GAP}(?:\d|[AB](?={_GAP}\d)))*")

# Sex, year, month, department, town, order. Months above 12 are those of people whose month of birth is unknown.
_NIR = re.compile(r"[1-478]\d\d(?:0[1-9]|1[0-2]|[23]\d|4[0-2]|[5-9]\d)(?:\d\d|2[AB])\d{6}")
_NIR_LENGTH, _KEY_LENGTH = 13, 2
# The groups of a number as in _Run.shape, from its second digit on: `1 85 07 59 350 123 74`.
_NIR_SHAPE = "|.|.|.|..|.."
_NIR_SHAPES = re.compile(r"[.|]\.[.|]\.[.|]\.[.|]\.\.[.|]\.\.(?:[.|]\.)?|\|{12}(?:\|\|)?")
_NIR_WORDS = re.compile(
    r"S[ÉE]CU|ASSUR[ÉE]|IMMATRICULATION|\bNIR\b|\bINSEE\b|\b(?:N[°º]? {0,2}|NUM[ÉE]RO (?:DE )?)SS\b"
)
_KEY_AFTER_ITS_NAME = re.compile(r" {0,8}CL[ÉE] {0,8}(\d) ?(\d)(?!\d)")
_CARD = re.compile(r"4\d{15}|5[0-8]\d{14}|2[2-7]\d{14}|6(?:011|[2457]\d\d)\d{12}|3[47]\d{13}")
_CARD_SHAPES = re.compile(r"\.*|\|*|(?:\.{3}\|){3}\.{3}|\.{3}\|\.{5}\|\.{4}")

_IBAN_LENGTHS = {"FR": 27, "MC": 27, "BE": 16, "LU": 20, "CH": 21, "DE": 22, "ES": 24, "IT": 27, "PT": 25, "NL": 18}
_IBAN_LENGTHS |= {"GB": 22, "IE": 22, "AT": 20, "PL": 28, "RO": 24, "LT": 20, "DZ": 26, "MA": 28, "TN": 24, "AD": 24}
_MAX_RUN = 60_000  # examined characters of one row; no longer text is sent to the AI
_MAX_IBANS = 2000  # candidates checked in one text
_IBAN_START = re.compile(rf"(?<![A-Z0-9])(?:{'|'.join(' ?'.join(country) for country in _IBAN_LENGTHS)}){_GAP}\d ?\d")

# Not 08: those are public services.
_PHONE = re.compile(
    rf"(?<![\d+])(?:0|(?:\+|00 ?)33{_GAP}(?:0{_GAP})?|\+{_GAP}33{_GAP}) ?[1-79](?:{_GAP}\d{_GAP}\d){{4}}(?!\d)"
)
_FOREIGN_PHONE = re.compile(r"(?<![\w+])(?:\+|(?<!\d )00) ?(?!33)[1-9](?: {0,3}\d){8,13}(?!\w)")
_MIN_PHONE_DIGITS = 6  # as written: `O 1 O 2 O 3 O 4 O 5` is a list of names
# The day, month and year in `01 02 2025 10 h 30`. A number may seem to begin with the day, or with the month.
_DATE = re.compile(r"(?:0[1-9]|[12]\d|3[01])( {1,24})(?:0[1-9]|1[0-2])( {1,24})(?:19|20)\d\d(?!\d)")
_DAY_BEFORE = re.compile(r"(?<!\d)\d\d {1,24}\Z")
_PAIRS = re.compile(r"[.|][.|]\.[.|]\.[.|]\.[.|]\.")  # the usual groups, from the second digit on
_DIGIT_BEFORE, _DIGIT_AFTER = re.compile(r"\d[^\w\n]{0,3}\Z"), re.compile(r"[^\w\n]{0,3}\d")
_REFERENCE_WORDS = re.compile(r"(?:DOSSIER|R[ÉE]F|ALLOCATAIRE|FACTURE|CONTRAT|MATRICULE|CERFA|DEMANDE).{0,24}\Z")
# Public help lines that the articles name: the digits after 0 or +33.
PUBLIC_LINES = frozenset({"969390000", "184729472", "972394050"})


class _Run:
    """Digits in a row, with their places in the text.

    `signs` are what stands before each digit, None for nothing; `shape` has `.` for nothing and `|` for something.
    """

    def __init__(self, text: str, plain: str, start: int, end: int) -> None:
        self.plain = plain
        self.has_named_keys = bool(_KEY_AFTER_ITS_NAME.match(plain, end))  # a word ends the run
        self.places = [place for place, character in enumerate(plain[start:end], start) if character != " "]
        self.digits = plain[start:end].replace(" ", "")
        self.signs = [
            None if place + 1 == following else _signs(text[place + 1 : following])
            for place, following in zip((start - 2, *self.places), self.places, strict=False)
        ]
        self.shape = "".join("." if signs is None else "|" for signs in self.signs) + "|"

    def groups(self) -> Iterator[int]:
        """The numbers of the digits with which a group begins."""
        return (number for number, sign in enumerate(self.shape[:-1]) if sign == "|")

    def ends_group(self, number: int) -> bool:
        """Whether there are so many digits, and no other follows directly on them."""
        return self.shape[number : number + 1] == "|"

    def end(self, number: int) -> int:
        """The end of the first `number` digits in the text."""
        return self.places[number - 1] + 1

    def is_uniform(self, first: int, end: int) -> bool:
        """Whether the same stands between all groups, line breaks apart: not so in `12,50 13,40`."""
        return len({*self.signs[first + 1 : end]} - {None, "\n"}) <= 1

    def touches_letters(self, first: int, end: int) -> bool:
        start, after = self.places[first], self.end(end)
        return self.plain[start - 1 : start].isalnum() or self.plain[after : after + 1].isalnum()


def _numbers(written: str, text: str, plain: str) -> Iterator[Identifier]:
    """`written` is the text before letters are read as digits, and `plain` the one after it in plain characters."""
    words = [found.start() for found in _NIR_WORDS.finditer(plain)]
    for match in _RUN.finditer(plain):
        if match.end() - match.start() >= _NIR_LENGTH:
            run = _Run(text, plain, match.start(), min(match.end(), match.start() + _MAX_RUN))
            for first in run.groups():
                if end := _end_of_social_security_number(run, first, words):
                    yield Identifier("nir", run.places[first], end)
                elif (
                    run.digits[first] in "23456"
                    and (card := _CARD.match(run.digits, first))
                    and _is_card(run, *card.span())
                ):
                    yield Identifier("card", run.places[first], run.end(card.end()))
    yield from _ibans(plain)
    yield from _phones(written, text, plain)


def _end_of_social_security_number(run: _Run, first: int, words: Sequence[int]) -> int:
    """Where in the text the number that begins with this digit ends, its key included; 0 if there is none.

    It is one by its key; without one, or if that was misread, by the words around it or by its usual groups.
    """
    if not (found := _NIR.match(run.digits, first)):
        return 0
    end, end_of_key = found.end(), found.end() + _KEY_LENGTH
    if (
        _is_key(found[0], run.digits[end:end_of_key])
        and run.ends_group(end_of_key)
        and (run.is_uniform(first, end_of_key) or _has_usual_groups(run, first, end_of_key))
    ):
        return run.end(end_of_key)
    if run.has_named_keys and run.ends_group(end):
        named = _KEY_AFTER_ITS_NAME.match(run.plain, run.end(end))
        if named and _is_key(found[0], named[1] + named[2]):
            return named.end()
    if words or run.shape.startswith(_NIR_SHAPE, first + 1):
        for length in (end_of_key, end):
            if run.ends_group(length) and _is_meant(run, first, length, words):
                return run.end(length)
    return 0


def _is_meant(run: _Run, first: int, end: int, words: Sequence[int]) -> bool:
    """Whether a number without its key is one, by the words around it or by its groups."""
    is_grouped = run.shape.startswith(_NIR_SHAPE, first + 1)
    is_spoken_of = bisect_left(words, run.places[first] - _CONTEXT) < bisect_right(words, run.end(end) + _CONTEXT)
    return (
        (is_grouped or is_spoken_of)
        and _has_usual_groups(run, first, end)
        and run.is_uniform(first, end)
        and not run.touches_letters(first, end)
    )


def _has_usual_groups(run: _Run, first: int, end: int) -> bool:
    return _NIR_SHAPES.fullmatch(run.shape, first + 1, end) is not None


def _is_key(number: str, key: str) -> bool:
    body = number if number.isdigit() else number.replace("2A", "19").replace("2B", "18")
    return len(key) == _KEY_LENGTH and (body + key).isdigit() and 97 - int(body) % 97 == int(key)


def _is_card(run: _Run, first: int, end: int) -> bool:
    return (
        run.ends_group(end)
        and _CARD_SHAPES.fullmatch(run.shape, first + 1, end) is not None
        and run.is_uniform(first, end)
        and not run.touches_letters(first, end)
        and luhn.is_valid(run.digits[first:end])
    )


def _ibans(plain: str) -> Iterator[Identifier]:
    for begun in islice(_IBAN_START.finditer(plain), _MAX_IBANS):
        length = _IBAN_LENGTHS[begun[0].replace(" ", "")[:2]]
        window = plain[begun.start() : begun.start() + 4 * length]
        places = [place for place, character in enumerate(window, begun.start()) if character.isalnum()][:length]
        number = "".join(plain[place] for place in places)
        if len(places) == length and number.isascii() and mod_97_10.is_valid(number[4:] + number[:4]):
            yield Identifier("iban", places[0], places[-1] + 1)


def _phones(written: str, text: str, plain: str) -> Iterator[Identifier]:
    def has_digits(start: int, end: int) -> bool:
        return sum(map(str.isdigit, written[start:end])) >= _MIN_PHONE_DIGITS

    end = 0
    while found := _PHONE.search(plain, end):
        if end_of_date := _end_of_date(text, plain, found.start()):
            end = end_of_date  # a number may follow on it
            continue
        run = _Run(text, plain, found.start() + found[0].startswith("+"), found.end())
        is_public = run.digits[-9:] in PUBLIC_LINES
        is_phone = (
            has_digits(*found.span())
            and run.is_uniform(0, len(run.digits))
            and _is_phone(run.shape[1:-1], text, *found.span())
        )
        # What is none, such as `03/04/26 06 12`, may end with the beginning of one.
        end = found.end() if is_public or is_phone else found.start() + 1
        if is_phone and not is_public:
            yield Identifier("phone", *found.span())
    for found in _FOREIGN_PHONE.finditer(plain):
        if has_digits(*found.span()) and "\n" not in text[found.start() : found.end()]:
            yield Identifier("phone", *found.span())


def _end_of_date(text: str, plain: str, start: int) -> int:
    """Where the date ends whose day or month begins at `start`; 0 if there is none."""
    day = _DAY_BEFORE.search(plain, max(0, start - 26), start)
    for first in (start, day.start() if day else start):
        date = _DATE.match(plain, first)
        if date and _signs(text[slice(*date.span(1))]) == _signs(text[slice(*date.span(2))]):
            return date.end()
    return 0


def _is_phone(shape: str, text: str, start: int, end: int) -> bool:
    """By the groups of the number and by what is around it."""
    if "|" not in shape:
        return not _REFERENCE_WORDS.search(text[max(0, start - 40) : start].upper())
    if _DIGIT_BEFORE.search(text, max(0, start - 4), start) or _DIGIT_AFTER.match(text, end):
        return _PAIRS.fullmatch(shape) is not None or text[start] == "+"
    return True


def _as_digits(misread: re.Match[str]) -> str:
    return misread[0].translate(_AS_DIGITS)


def _emails(text: str) -> Iterator[Identifier]:
    return (Identifier("email", *found.span()) for found in _EMAIL.finditer(text))


def _plain_character(character: str) -> str:
    """For `str.translate`: capitals, ASCII digits, `+`, and all else a space; every character stays one character."""
    if character in "+°º":
        return character
    if not character.isalnum() or unicodedata.decomposition(character).startswith("<super>"):
        return " "  # a raised digit is a footnote's
    digit = unicodedata.digit(character, None)
    upper = character.upper()
    return str(digit) if digit is not None else upper if len(upper) == 1 else character


_PLAIN = CharacterMap(_plain_character)
_BOXES = frozenset("|¦│┃_[](){}□☐▢")


@lru_cache(maxsize=1024)
def _signs(separator: str) -> str:
    """The separator between two digits, without spaces and the boxes of forms, with one kind of hyphen."""
    if "\n" in separator:
        return "\n"
    return "".join(sorted({"-" if _is_hyphen(sign) else sign for sign in separator if _is_sign(sign)}))


def _is_hyphen(sign: str) -> bool:
    return unicodedata.category(sign) == "Pd" or sign == "−"


def _is_sign(character: str) -> bool:
    """Not for spaces, invisible characters and marks such as that of a keycap."""
    return unicodedata.category(character)[0] in "PSLN" and character not in _BOXES
