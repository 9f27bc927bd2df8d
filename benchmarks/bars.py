"""The picture of docs/performance.md: bars, drawn from the figures last measured."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks import lean
from benchmarks.figures import Figures
from benchmarks.report import NAMES
from benchmarks.tables import told

WIDTH, LINE, HEAD, GAP = 920, 24, 34, 20
LABEL, VALUE = 300, 80
OURS, THEIRS, LIMIT = "#2f6f9f", "#c9772b", "#8a8f98"


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    value: float
    color: str


def picture(figures: Figures) -> str:
    """An SVG with a group of bars for each part that was measured."""
    y, drawn = GAP, list[str]()
    for title, bars in _groups(figures):
        drawn += _group(title, bars, y)
        y += HEAD + LINE * len(bars) + GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" font-family="sans-serif" font-size="13">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n{chr(10).join(drawn)}\n</svg>\n'
    )


def _groups(figures: Figures) -> Iterator[tuple[str, Sequence[Bar]]]:
    if doors := figures.get("messages", {}).get("figures"):
        found = [key for key in NAMES if key in doors]
        yield (
            "CPU of the server, ms a message (less is better)",
            [Bar(_name(key), doors[key]["cpu"], _color(key)) for key in found],
        )
        both = [key for key in found if "both_cores_per_second" in doors[key]]
        yield (
            "Answers a second, two processes on two cores (more is better)",
            [Bar(_name(key), doors[key]["both_cores_per_second"], _color(key)) for key in both],
        )
    if loads := figures.get("streams", {}).get("figures"):
        bars = [
            Bar(f"{load['load']}, {where}", load[key], color)
            for load in loads
            for where, key, color in (("chat-bff", "lag_p99", OURS), ("read directly", "direct_lag_p99", LIMIT))
        ]
        yield "Lag of a streamed token, p99, ms (less is better)", bars
    if layers := figures.get("layers", {}).get("figures"):
        found = sorted((name for name in lean.LAYERS if name in layers), key=lambda name: -layers[name])
        yield (
            "What each layer of a saved message costs, CPU ms",
            [Bar(name, max(0.0, layers[name]), OURS) for name in found],
        )


def _name(key: str) -> str:
    return NAMES[key].replace("**", "")


def _color(key: str) -> str:
    if key in {"nginx", "django"}:
        return LIMIT
    return OURS if NAMES[key].startswith("**") else THEIRS


def _group(title: str, bars: Sequence[Bar], y: float) -> Iterator[str]:
    yield f'<text x="{GAP}" y="{y + 16}" font-size="15" font-weight="bold" fill="#1f2328">{html.escape(title)}</text>'
    most = max((bar.value for bar in bars), default=0) or 1
    for number, bar in enumerate(bars):
        top = y + HEAD + number * LINE
        length = bar.value / most * (WIDTH - LABEL - VALUE - 2 * GAP)
        name, value = html.escape(bar.name), told(bar.value)
        yield f'<text x="{GAP + LABEL - 10}" y="{top + 12}" text-anchor="end" fill="#1f2328">{name}</text>'
        yield f'<rect x="{GAP + LABEL}" y="{top}" width="{length:.1f}" height="16" rx="2" fill="{bar.color}"/>'
        yield f'<text x="{GAP + LABEL + length + 6:.1f}" y="{top + 12}" fill="#57606a">{value}</text>'
