"""The lines of Word and OpenDocument texts: a row of a table is one, so that a number stays beside its label.

Tables of letters are lists of facts or layout. A cell of more than one phrase is layout: each of its paragraphs stays a
line of its own, and so do those beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby

from lxml import etree

ROWS = ("{*}tr", "{*}table-row")
CELLS = ("{*}tc", "{*}table-cell", "{*}covered-table-cell")
ASIDE = ("{*}txbxContent", "{*}text-box", "{*}note", "{*}annotation")  # anchored in a cell, not of its phrase
MAX_OPEN_ROWS = 100  # one in a cell of the other

Paragraph = tuple[etree._Element, str]


def lines(paragraphs: Iterable[Paragraph]) -> Iterator[str]:
    """The paragraphs in their order, those of a row in one line with tabs between its cells."""
    cells_of = lru_cache(MAX_OPEN_ROWS)(_cells_of)  # a table in a cell divides the paragraphs of its row
    for row, group in groupby(paragraphs, key=lambda paragraph: next(paragraph[0].iterancestors(*ROWS), None)):
        within = list(group)
        yield from (text for _, text in within) if row is None else _lines_of_row(cells_of(row), within)


def _cells_of(row: etree._Element) -> dict[etree._Element, int]:
    """The cells of the row and their numbers."""
    cells = (cell for cell in row.iter(*CELLS) if next(cell.iterancestors(*ROWS)) is row)
    return {cell: number for number, cell in enumerate(cells)}


def _lines_of_row(cells: dict[etree._Element, int], paragraphs: list[Paragraph]) -> Iterator[str]:
    phrases: dict[int, list[str]] = {}
    aside = []
    for paragraph, text in paragraphs:
        place = next(paragraph.iterancestors(*CELLS, *ASIDE), None)
        if place in cells:
            phrases.setdefault(cells[place], []).extend(line for line in text.splitlines() if line.strip())
        else:
            aside.append(text)
    if all(map(_is_phrase, phrases.values())):
        numbers = range(min(phrases, default=0), max(phrases, default=-1) + 1)
        yield "\t".join(" ".join(phrases.get(number, ())) for number in numbers).strip()
        yield from aside
    else:
        yield from (text for _, text in paragraphs)


def _is_phrase(lines: list[str]) -> bool:
    """Whether each line but the first goes on with the one before: `Date limite de retour` `des pièces`."""
    return all(line.lstrip()[0].islower() or line.lstrip()[0] == "(" for line in lines[1:])
