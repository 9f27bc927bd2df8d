"""A linear classifier of what a day or a period in a letter is, over the words around it.

`kind_model.bin.gz` holds its weights, learned by `make date-kinds` from the texts in benchmarks/date_kinds
(docs/documents.md tells how well it does). A feature has the row that its hash gives it, so that no vocabulary is
loaded with each document. Features must be the same when it is trained and when it is used: both import them from here.
"""

from __future__ import annotations

import gzip
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice, pairwise
from math import sqrt
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from chat.core import unicode_text
from chat.documents.extraction.days import sentences
from chat.documents.extraction.months import WEEKDAY
from chat.documents.facts import DateKind

KINDS: tuple[DateKind, ...] = ("deadline", "appointment", "end_of_rights", "decision", "letter", "birth", "other")
ROWS = 1 << 16
MODEL = Path(__file__).with_name("kind_model.bin.gz")
SCALE = 127  # of a weight, which is one byte
HEADER_BYTES = 4 * (1 + len(KINDS))  # before the weights: the step between two of them, and the bias of each kind

MAX_BEFORE, MAX_AFTER, MAX_TABLE = 160, 120, 600  # characters that are looked at
MAX_HEAD = 1000  # characters in which lines are counted
_WORDS_BEFORE, _WORDS_AFTER, _WORDS_OF_HEAD = 24, 18, 20
_NEAR_BEFORE, _NEAR_AFTER = 5, 4
_LAST_LINE, _LAST_RANK = 8, 3  # that are told from those behind them
_LONG_WORD = 5  # letters
_ACCENTS = re.compile("[\u0300-\u036f]+")
_TIME = re.compile(r"\b\d{1,2}\s?[h:]\s?\d{0,2}\b|\b\d{1,2}\s?[ap]m\b")
_NUMBER = re.compile(r"\d[\d .,/]*")
_TOKEN = re.compile(r"[a-z]+'?|9|[^\w\s]|\n")
_STARTS_WITH_WEEKDAY = re.compile(rf"\s*(?:{WEEKDAY})", re.IGNORECASE)
_YEAR = re.compile(r"\d{4}")
_ENDS_SENTENCE = re.compile(r"\.\s[A-ZÀ-Ý]")  # `le 24 mars.`: the dot is no abbreviation's

Span = tuple[int, int]


class Place(NamedTuple):
    """`plain[start:end]` of a letter, a day or a period. `days` are the places of all its days, in their order."""

    plain: str
    days: Sequence[Span]
    start: int
    end: int
    is_period: bool = False


class Model(NamedTuple):
    columns: Sequence[array[int]]  # for each kind, the weight of each row
    bias: Sequence[float]
    step: float  # by which the weights are multiplied


@cache
def model() -> Model:
    data = gzip.decompress(MODEL.read_bytes())
    step, *bias = array("f", data[:HEADER_BYTES])
    columns = [array("b", data[start : start + ROWS]) for start in range(HEADER_BYTES, len(data), ROWS)]
    return Model(columns, bias, step)


def kind_of(place: Place) -> DateKind:
    """The kind with the highest score."""
    columns, bias, step = model()
    rows = rows_of(features(place))
    factor = step / sqrt(len(rows))
    scores = [sum(map(column.__getitem__, rows)) * factor + base for column, base in zip(columns, bias, strict=True)]
    return KINDS[scores.index(max(scores))]


def rows_of(found: set[str]) -> set[int]:
    return {crc32(feature.encode()) % ROWS for feature in found}


def features(place: Place) -> set[str]:
    """The words of its sentence on both sides, the nearest ones once more; its line, its table and its own form."""
    return {*_of_sentence(place), *_of_line(place), *_of_letter(place), *_of_form(place)}


def _of_sentence(place: Place) -> Iterator[str]:
    start = place.start
    end = place.end - 1 if _ENDS_SENTENCE.match(place.plain, place.end - 1) else place.end
    sentence_before = sentences.SENTENCE_END.split(_without_days(place, max(0, start - MAX_BEFORE), start))[-1]
    sentence_after = sentences.SENTENCE_END.split(_without_days(place, end, end + MAX_AFTER))[0]
    before, after = words(sentence_before)[-_WORDS_BEFORE:], words(sentence_after)[:_WORDS_AFTER]
    yield from _of_words("b", before)
    yield from _of_words("a", after)
    yield from _of_words("nb", before[-_NEAR_BEFORE:])
    yield from _of_words("na", after[:_NEAR_AFTER])
    yield from _of_words("cb", _clause(before[::-1])[::-1])
    yield from _of_words("ca", _clause(after))
    yield from _parts("s", before + after)
    yield f"beside {before[-1:]} {after[:1]}"
    for length in range(1, 5):
        yield f"left {' '.join(before[-length:])}"
        yield f"right {' '.join(after[:length])}"


def _of_line(place: Place) -> Iterator[str]:
    """Its first words, and of a table the words of its head."""
    plain, start = place.plain, place.start
    earliest = max(0, start - MAX_TABLE)
    line = plain.rfind("\n", earliest, start) + 1 or earliest
    first_words = words(plain[line:start])[:4]
    yield f"head {' '.join(first_words)}"
    yield f"first {' '.join(first_words[:1])}"
    if "|" in plain[line : start + 1] or "   " in plain[line:start]:
        head = plain[earliest:start].rpartition("\n\n")[2].partition("\n")[0]
        yield "table"
        yield from _of_words("t", words(head)[:_WORDS_OF_HEAD])


def _of_letter(place: Place) -> Iterator[str]:
    """Where it stands among the days of the letter, and whether it stands alone: as the date of a letter does."""
    plain, days = place.plain, place.days
    yield f"rank {min(bisect_left(days, (place.start,)), _LAST_RANK)}"
    yield "last day" if not days or days[-1][0] <= place.start else "days follow"
    line = plain[plain.rfind("\n", max(0, place.start - MAX_BEFORE), place.start) + 1 : place.start]
    rest = plain[place.end : place.end + MAX_AFTER].partition("\n")[0]
    ends_line = not rest.strip(" .,)")
    yield f"alone {not line.strip(' ,.-–(')} {ends_line}"
    yield f"ends line {ends_line}"


def _clause(found: Sequence[str]) -> Sequence[str]:
    """The words up to the first sign that ends a clause."""
    end = next((place for place, word in enumerate(found) if word in ",:;(" and place), len(found))
    return found[:end]


def _of_form(place: Place) -> Iterator[str]:
    text = place.plain[place.start : place.end]
    yield "year" if _YEAR.search(text) else "no year"
    yield "weekday" if _STARTS_WITH_WEEKDAY.match(text) else "no weekday"
    lines_before = place.plain.count("\n", 0, min(place.start, MAX_HEAD))
    yield f"line {min(lines_before, _LAST_LINE)}"
    yield "period" if place.is_period else "day"
    if place.is_period:
        yield from (f"d {word}" for word in words(text))


def _of_words(side: str, found: Sequence[str]) -> Iterator[str]:
    yield from (f"{side} {first} {second}" for first, second in pairwise(found))
    yield from _parts(side, found)


def _parts(side: str, found: Sequence[str]) -> Iterator[str]:
    """Words; of long ones their beginning and end too, which other forms of them share."""
    for word in found:
        yield f"{side} {word}"
        if len(word) >= _LONG_WORD:
            yield f"{side} {word[:_LONG_WORD]}-"
            yield f"{side} -{word[-3:]}"


def _without_days(place: Place, start: int, end: int) -> str:
    """`plain[start:end]` with one word in place of each other day: which day it is says nothing."""
    pieces: list[str] = []
    number = max(0, bisect_left(place.days, (start,)) - 1)
    for first, last in islice(place.days, number, None):
        if first >= end:
            break
        if last > start and not first <= place.start < last:
            pieces += (place.plain[start:first], " dddd ")
            start = last
    return "".join((*pieces, place.plain[start:end]))


def words(text: str) -> list[str]:
    """Lower-case words without accents, one for all numbers and one for all times, and signs."""
    plain = _ACCENTS.sub("", unicode_text.normalize("NFKD", text.lower().replace("œ", "oe")))
    return _TOKEN.findall(_NUMBER.sub("9", _TIME.sub(" hhhh ", plain)))
