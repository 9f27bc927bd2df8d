"""Finds the amounts without a sign or decimals that stand in one column with an amount that has them."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence

# At the end of a line, behind a gap: `Réduction dons          - 132`. Two digits may be a count.
LAST_IN_LINE = re.compile(
    r"(?<=\S)[ ]{3,200}(?P<number>[-–][ ]?\d{1,3}(?:[ .]\d{3}){0,2}|\d{1,3}(?:[ .]\d{3}){1,2}|\d{3,6})[ ]{0,3}$",
    re.MULTILINE,
)
# The same with two digits, for a column whose words say that it is of money.
NUMBER_LAST_IN_LINE = re.compile(
    r"^(?P<words>[^\n]{2,100}?\S)[ .]{3,200}(?P<number>[-–]?[ ]?(?:\d{1,3}(?:[ .]\d{3}){1,2}|\d{2,6}))[ ]{0,3}$",
    re.MULTILINE,
)
MONEY = re.compile(
    r"imp[ôo]t|d[ée]gr[èe]vement|montant|solde|\bd[ûu]\b|cotisation|\bprix|co[ûu]t|\bfrais\b|revenu|salaire|allocation|loyer"
    r"|charges|pension|r[ée]duction|remise|participation|subvention|euros?\b|acompte|retenue|remboursement|net\s[àa]\spayer",
    re.IGNORECASE,
)
OF_OTHER_THINGS = re.compile(
    r"\b(?:nombre|places?|heures?|jours?|points?|parts?|enfants?|[ée]l[èe]ves?|mois|ann[ée]e|date|n°|salle|page|repas|m²|km|kg|%)",
    re.IGNORECASE,
)
YEARS = re.compile(r"(?:\s{0,80}(?:19|20)\d\d){2,8}\s{0,3}")
BLOCK_END = re.compile(r"\n[ \t]{0,200}\n")
MAX_SHIFT = 3  # characters by which right edges differ: `1 236` above `376 €`
MAX_COLUMN = 300


def whole_numbers_in_columns(plain: str, amounts: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The places of whole numbers whose right edge is that of an amount in the same table."""
    left = deque(amounts)
    for start, end in _blocks(plain):
        known: list[int] = []
        while left and left[0][0] < end:
            known.append(left.popleft()[1])
        edges = {edge for place in known for edge in _edges(plain, place)}
        for found in LAST_IN_LINE.finditer(plain, start, end) if edges else ():
            if _is_counted(found):
                continue
            if found.end("number") not in known and _column(plain, found.end("number")) in edges:
                yield found.span("number")
        if not known:
            yield from _column_of_money(plain, start, end)


def _is_counted(found: re.Match[str]) -> bool:
    """Whether the line says per cent, or is the head of the table: `2026      2027`."""
    line = found.string[max(0, found.start() - MAX_COLUMN) : found.end()].rpartition("\n")[2]
    return "%" in line or YEARS.fullmatch(line) is not None


def _column_of_money(plain: str, start: int, end: int) -> list[tuple[int, int]]:
    """The whole numbers of a table of three lines or more that share their right edge, if its words say it is money."""
    rows = list(NUMBER_LAST_IN_LINE.finditer(plain, start, end))
    edges = {_column(plain, row.end("number")) for row in rows}
    if len(rows) < 3 or len(edges) > 1 or OF_OTHER_THINGS.search(plain, start, end):
        return []
    is_money = MONEY.search(plain, start, end) is not None
    return [row.span("number") for row in rows] if is_money else []


def _blocks(plain: str) -> Iterator[tuple[int, int]]:
    """The parts of a text between empty lines."""
    start = 0
    for gap in BLOCK_END.finditer(plain):
        yield start, gap.start()
        start = gap.start() + 1
    yield start, len(plain)


def _edges(plain: str, place: int) -> range:
    column = _column(plain, place)
    return range(column - MAX_SHIFT, column + MAX_SHIFT + 1) if column else range(0)


def _column(plain: str, place: int) -> int:
    """The column of a place on its line; 0 on a line that is too long for a table."""
    line_start = plain.rfind("\n", max(0, place - MAX_COLUMN), place) + 1
    return place - line_start if line_start or place < MAX_COLUMN else 0
