"""Charts as lists of rectangles: the server draws, the template writes SVG, nothing runs in the browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 600, 120
GAP = 2


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle in a drawing of WIDTH × HEIGHT; `name` is what it stands for."""

    name: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars from left to right, the highest as high as the drawing, which stands for `top`."""

    bars: Sequence[Bar]
    top: float
    width: int = WIDTH
    height: int = HEIGHT


def stacked(rows: Sequence[Mapping[str, float]], names: Sequence[str], top: float = 0) -> Chart:
    """One column a row, what is named first at the bottom. `top` is found from the highest column when left out."""
    top = top or max((sum(row.get(name, 0) for name in names) for row in rows), default=0)
    width = WIDTH / max(1, len(rows))
    bars: list[Bar] = []
    for place, row in enumerate(rows):
        base = float(HEIGHT)
        for name in names:
            height = HEIGHT * row.get(name, 0) / top if top else 0
            base -= height
            if height:
                bars.append(Bar(name, round(place * width, 2), round(base, 2), width - GAP, round(height, 2)))
    return Chart(bars, top)
