"""Letters and extracts of letters in which every date and limit is marked with its kind: `avant le [[deadline|3 mai]]`.

Texts stand between lines with `---`. The kinds are those of texts/README.md: they tell the start of a right, which
the program shows as any other date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from chat.documents.extraction.days.dates import dated_days, known_days
from chat.documents.extraction.days.kind_classifier import Place, Span
from chat.documents.extraction.days.letter_date import find_letter_date
from chat.documents.extraction.days.period_starts import find_start
from chat.documents.extraction.days.periods import DURATION_ALONE, end_of_period, find_periods
from chat.documents.extraction.days.relative_days import find_relative_days
from chat.documents.extraction.days.written_days import find_days
from chat.documents.extraction.letter import Letter
from chat.documents.facts import DateKind
from chat.documents.text import clean

TEXTS = Path(__file__).with_name("texts")
LETTERS = Path(__file__).parents[2] / "tests" / "chat" / "documents" / "letters"
MARK = re.compile(r"\[\[(?P<kind>\w+)\|(?P<text>[^\]]*)\]\]")
KINDS: dict[str, DateKind] = {
    "deadline": "deadline",
    "appointment": "appointment",
    "end": "end_of_rights",
    "start": "other",
    "decision": "decision",
    "letter": "letter",
    "birth": "birth",
    "other": "other",
}


class Example(NamedTuple):
    """A date or a limit in a text, and its kind."""

    place: Place
    kind: DateKind


def read(path: Path) -> list[Example]:
    """The marked dates of a file in TEXTS. Raises KeyError for an unknown kind."""
    return [
        example for text in re.split(r"\n---\n", path.read_text("utf-8")) for example in _examples(text.strip("\n"))
    ]


def _examples(marked: str) -> Iterator[Example]:
    text, marks, end = "", [], 0
    for mark in MARK.finditer(marked):
        text += marked[end : mark.start()]
        marks.append((len(text), len(text) + len(mark["text"]), KINDS[mark["kind"]]))
        text += mark["text"]
        end = mark.end()
    plain = Letter(text + marked[end:]).plain
    if len(plain) != len(text + marked[end:]):
        return  # boxes of a form are joined: the marks would stand elsewhere
    days = [day.span for day in find_days(plain)]
    for start, end, kind in marks:
        for span, is_period in _as_found(plain, days, start, end):
            yield Example(Place(plain, days, *span, is_period), kind)


def _as_found(plain: str, days: Sequence[Span], start: int, end: int) -> Iterator[tuple[Span, bool]]:
    """What the program finds at a mark, which may have a weekday, a time or several days in it; else the mark itself.

    Each with whether it is a period.
    """
    if found := [day for day in days if day[0] < end and start < day[1]]:
        yield from ((day, False) for day in found)
    elif periods := [period.span() for period in DURATION_ALONE.finditer(plain, start, end)]:
        yield periods[-1], True
    else:
        relative = (day for day in find_relative_days(plain) if day.start < end and start < day.end)
        yield next(((day.start, day.end) for day in relative), (start, end)), False


def read_labelled(path: Path) -> Iterator[Example]:
    """The written days and periods of a file in LETTERS, whose labels tell the kind of each day but not its place."""
    for labelled in yaml.safe_load(path.read_text("utf-8")):
        labels = {date["iso"]: date["kind"] for date in labelled["dates"] if isinstance(date, dict)}
        labels |= dict.fromkeys(labelled["deadlines"], "deadline")
        yield from _labelled(Letter(clean(labelled["text"])), labels)


def _labelled(letter: Letter, labels: dict[str, str]) -> Iterator[Example]:
    """`labels` tell the kind of each day, as YYYY-MM-DD."""
    days = find_days(letter.plain)
    spans = [day.span for day in days]
    of_letter = find_letter_date(letter.plain, days)
    dated = dated_days(letter, days, of_letter)
    known = known_days(letter, dated)
    for day, found in dated:
        if found.day:
            kind = KINDS[labels.get(found.day.isoformat(), "other")]
            yield Example(Place(letter.plain, spans, *day.span), kind)
    date = next((found.day for day, found in dated if day == of_letter), None)
    for period in find_periods(letter.plain, spans):
        if start := find_start(letter.plain, period, known, date):
            end = end_of_period(period.text, start, is_back=period.is_back)
            label = labels.get(end.isoformat(), "other") if end else "other"
            yield Example(Place(letter.plain, spans, *period.duration, is_period=True), KINDS[label])
