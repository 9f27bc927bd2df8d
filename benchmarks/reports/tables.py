"""Markdown tables and number formats."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

Cell = str | float | int | None


def table(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A Markdown table with its first column left-aligned and the others right-aligned."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *([format_number(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def format_number(value: Cell) -> str:
    """Three significant digits with thousands separators; a dash for None."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def format_ratio(value: float | None, reference: float | None) -> str:
    """`value` as a multiple of `reference`; a dash if either is missing."""
    return "–" if value is None or not reference else f"{value / reference:.2f} ×"


def format_amount(value: float, unit: str) -> str:
    """With an SI prefix: 1.2 MB, 3.4 GB."""
    power = min(int(math.log10(value) / 3), 5) if value >= 1 else 0
    return f"{format_number(round(value / 1000**power, 2))} {' kMGTP'[power].strip()}{unit}"
