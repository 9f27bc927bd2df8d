"""Figures as people read them: Markdown tables, and numbers with as many digits as they deserve."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

Cell = str | float | int | None


def table(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A Markdown table, its first column to the left and the others to the right."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *([told(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def told(value: Cell) -> str:
    """Three significant digits, thousands apart; a dash for what was not measured."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def ratio(ours: float | None, theirs: float | None) -> str:
    """How many times theirs ours is."""
    return "–" if ours is None or not theirs else f"{ours / theirs:.2f} ×"


def amount(value: float, unit: str) -> str:
    """With the prefix that makes it readable: 1.2 MB, 3.4 GB."""
    power = min(int(math.log10(value) / 3), 5) if value >= 1 else 0
    return f"{told(round(value / 1000**power, 2))} {' kMGTP'[power].strip()}{unit}"
