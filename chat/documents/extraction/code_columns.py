"""Finds the reference numbers in the column of a table that is headed `Référence`, `N° de facture` or `Dossier`."""

from __future__ import annotations

import re
from collections.abc import Iterator

HEADING = re.compile(
    r"(?:n(?:°|[o0]|um[ée]ros?)\s?(?:de\s|du\s|d')?)?(?:r[ée]f(?:[ée]rence)?s?\.?|dossiers?|contrats?|factures?|pi[èe]ces?|titres?|"
    r"cr[ée]ances?|avis|quittances?|reference|file|invoice)(?:\s(?:n°|dossier|facture|contrat))?\Z|n°\Z",
    re.IGNORECASE,
)
HEAD = re.compile(
    r"^(?=[^\n]{0,180}(?:r[ée]f|n°|dossier|contrat|facture|pi[èe]ce|titre|cr[ée]ance|avis|quittance|file|invoice))[^\n]{1,200}$",
    re.IGNORECASE | re.MULTILINE,
)
OF_ARTICLES = re.compile(
    r"d[ée]signation|articles?\b|qt[ée]|quantit[ée]|\bP\.?\s?U\b|prix\sunit|description", re.IGNORECASE
)
CELL = re.compile(r"[^\s|](?:[ ]?[^\s|])*")
CODE = re.compile(r"(?=[A-Z/._-]{0,8}\d)[A-Z\d](?:[A-Z\d/._-]{2,24}|[A-Z\d/._-]{0,12}(?: [A-Z\d]{1,6}){1,4})\Z")
MAX_SHIFT = 3  # characters by which the left edges of a column differ
MAX_LINE, MAX_ROWS = 200, 60
MIN_DIGITS = 3


def find_codes_in_columns(plain: str) -> Iterator[tuple[int, int]]:
    """The places of the numbers, in the order of the tables."""
    end = 0
    for head in HEAD.finditer(plain):
        cells = list(CELL.finditer(head[0]))
        column = next((number for number, cell in enumerate(cells) if HEADING.match(cell[0])), None)
        if head.start() < end or column is None or len(cells) < 2 or OF_ARTICLES.search(head[0]):
            continue
        left = None if "|" in head[0] else cells[column].start()
        end = head.end() + 1
        for _ in range(MAX_ROWS):
            line = plain[end : end + MAX_LINE].partition("\n")[0]
            if not line.strip():
                break
            yield from ((end + first, end + last) for first, last in _codes(line, column, left))
            end += len(line) + 1


def _codes(line: str, column: int, left: int | None) -> Iterator[tuple[int, int]]:
    """The code below a heading that begins at `left` of its line, or in that column of a table with bars."""
    for number, cell in enumerate(CELL.finditer(line)):
        is_below = number == column if left is None else abs(cell.start() - left) <= MAX_SHIFT
        if is_below and CODE.match(cell[0]) and sum(map(str.isdigit, cell[0])) >= MIN_DIGITS:
            yield cell.span()
