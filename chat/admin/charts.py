"""Bar charts as lists of rectangles, computed on the server and rendered as SVG by the template, without JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 600, 120
GAP = 2


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle in a WIDTH × HEIGHT viewport; `name` is the data series, `title` has time and value."""

    name: str
    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars from left to right. The full height of the viewport represents the value `top`; `times` label the x axis."""

    bars: Sequence[Bar]
    top: float
    times: Sequence[str] = ()
    width: int = WIDTH
    height: int = HEIGHT


def stacked(
    rows: Mapping[str, Mapping[str, float]],
    names: Sequence[str],
    describe: Callable[[str, float], str],
    *,
    top: float = 0,
) -> Chart:
    """Stack one column per row, by its time, the first name at the bottom.

    `top` defaults to the highest column's sum. `describe(name, value)` returns a bar's value in words.
    """
    top = top or max((sum(row.get(name, 0) for name in names) for row in rows.values()), default=0)
    width = WIDTH / max(1, len(rows))
    bars: list[Bar] = []
    for index, (time, row) in enumerate(rows.items()):
        base = float(HEIGHT)
        for name in names:
            value = row.get(name, 0)
            height = HEIGHT * value / top if top else 0
            base -= height
            if height:
                title = f"{time} – {describe(name, value)}"
                bars.append(Bar(name, round(index * width, 2), round(base, 2), width - GAP, round(height, 2), title))
    times = list(rows)
    return Chart(bars, top, [times[0], times[len(times) // 2], times[-1]] if times else [])
