"""Finds the reference numbers that no label announces, by their own form: `PA-40993`, `LOC/25/0093`, `034-77-10952`."""

from __future__ import annotations

import re
from collections.abc import Iterator

CODE = re.compile(
    r"(?<![\w@./+-])(?<!\d )(?=[A-Z]{0,10}[\d/._-])(?:[A-Z]{2,6}[-/][A-Z]{2,6}[ ](?=\d))?"
    r"[A-Z\d]{1,12}(?:[-/._][A-Z\d]{1,12}){1,5}"
    r"(?![\w@/*-]|\.\w|,\d|\s?[€%$£])"
)
MIN_DIGITS = 3
MIN_DIGITS_ALONE = 7  # of a number without letters
MIN_DIGITS_WITH_ONE_LETTER = 8
# `L241-6-1`, `AB-123-CD` of a car, `BP-123`, `ISO-9001`, `ULIS-2026`, `2024/2025/2026`.
NO_CODE = re.compile(
    r"[LRDA]\.?\d{2,4}-\d.*|[A-Z]{2}-\d{3}-[A-Z]{2}|(?:BP|CS|CP|TSA|NF|EN|ISO|COVID|FR|HLA)\W.*"
    r"|[A-Z]+\W(?:19|20)\d\d|[A-Z]{4,}\W\d{5}|(?:(?:19|20)\d\d\W?)+|0\d(?:\W\d\d){4}"
)
IN_COLUMN = re.compile(r"(?:\s{2}|\n|[|\t]\s?)\Z")
DAY = re.compile(r"(?<!\d)\d\d[/.-]\d\d[/.-](?:20)?\d\d(?!\d)")
PRICE = re.compile(r"\d[.,]\d\d(?!\d)|€")


def find_bare_codes(plain: str) -> Iterator[tuple[int, int]]:
    """The places of the codes, in the order of the text."""
    for match in CODE.finditer(plain):
        if _is_code(match[0]) and not _is_article(plain, match):
            yield match.span()


def _is_code(text: str) -> bool:
    digits, letters = sum(map(str.isdigit, text)), sum(map(str.isalpha, text))
    separators = set(text) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    count = sum(map(text.count, separators))
    if NO_CODE.fullmatch(text) or digits < MIN_DIGITS:
        return False
    if not letters:
        return len(separators) == 1 and separators <= {"/", "-"} and count > 1 and digits >= MIN_DIGITS_ALONE
    return letters > 1 or count > 1 or digits >= MIN_DIGITS_WITH_ONE_LETTER


def _is_article(plain: str, match: re.Match[str]) -> bool:
    """Whether it stands in a table of prices, as the articles of a quote."""
    if not IN_COLUMN.search(plain, max(0, match.start() - 3), match.start()):
        return False
    row = plain[match.end() : match.end() + 120].partition("\n")[0]
    return PRICE.search(row) is not None and not DAY.search(row)  # what has a day, is a bill or a debt
