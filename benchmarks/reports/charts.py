"""Draws the bar chart of docs/performance.md from the stored figures."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.reports.figures import Figures
from benchmarks.reports.sections import NAMES
from benchmarks.reports.tables import format_number
from benchmarks.systems import stripped_app

WIDTH, BAR_HEIGHT, TITLE_HEIGHT, GAP = 920, 24, 34, 20
LABEL_WIDTH, VALUE_WIDTH = 300, 80
CHAT_BFF_COLOR, PEER_COLOR, REFERENCE_COLOR = "#2f6f9f", "#c9772b", "#8a8f98"


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    value: float
    color: str


def draw(figures: Figures) -> str:
    """An SVG with a group of bars for each measured part."""
    y, elements = GAP, list[str]()
    for title, bars in _groups(figures):
        elements += _group(title, bars, y)
        y += TITLE_HEIGHT + BAR_HEIGHT * len(bars) + GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" font-family="sans-serif" font-size="13">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n{chr(10).join(elements)}\n</svg>\n'
    )


def _groups(figures: Figures) -> Iterator[tuple[str, Sequence[Bar]]]:
    if endpoints := figures.get("messages", {}).get("figures"):
        found = [key for key in NAMES if key in endpoints]
        yield (
            "CPU of the server, ms a message (less is better)",
            [Bar(_name(key), endpoints[key]["cpu"], _color(key)) for key in found],
        )
        two_cores = [key for key in found if "both_cores_per_second" in endpoints[key]]
        yield (
            "Answers a second, two processes on two cores (more is better)",
            [Bar(_name(key), endpoints[key]["both_cores_per_second"], _color(key)) for key in two_cores],
        )
    if loads := figures.get("streams", {}).get("figures"):
        bars = [
            Bar(f"{load['load']}, {where}", load[key], color)
            for load in loads
            for where, key, color in (
                ("chat-bff", "lag_p99", CHAT_BFF_COLOR),
                ("read directly", "direct_lag_p99", REFERENCE_COLOR),
            )
        ]
        yield "Lag of a streamed token, p99, ms (less is better)", bars
    if layers := figures.get("layers", {}).get("figures"):
        found = sorted((name for name in stripped_app.LAYERS if name in layers), key=lambda name: -layers[name])
        yield (
            f"CPU of each layer of a saved message, ms, on {figures['layers']['when']}",
            [Bar(name, max(0.0, layers[name]), CHAT_BFF_COLOR) for name in found],
        )


def _name(key: str) -> str:
    return NAMES[key].replace("**", "")


def _color(key: str) -> str:
    if key in {"nginx", "django"}:
        return REFERENCE_COLOR
    return CHAT_BFF_COLOR if NAMES[key].startswith("**") else PEER_COLOR


def _group(title: str, bars: Sequence[Bar], y: float) -> Iterator[str]:
    yield f'<text x="{GAP}" y="{y + 16}" font-size="15" font-weight="bold" fill="#1f2328">{html.escape(title)}</text>'
    largest = max((bar.value for bar in bars), default=0) or 1
    for number, bar in enumerate(bars):
        top = y + TITLE_HEIGHT + number * BAR_HEIGHT
        length = bar.value / largest * (WIDTH - LABEL_WIDTH - VALUE_WIDTH - 2 * GAP)
        name, value = html.escape(bar.name), format_number(bar.value)
        yield f'<text x="{GAP + LABEL_WIDTH - 10}" y="{top + 12}" text-anchor="end" fill="#1f2328">{name}</text>'
        yield f'<rect x="{GAP + LABEL_WIDTH}" y="{top}" width="{length:.1f}" height="16" rx="2" fill="{bar.color}"/>'
        yield f'<text x="{GAP + LABEL_WIDTH + length + 6:.1f}" y="{top + 12}" fill="#57606a">{value}</text>'
