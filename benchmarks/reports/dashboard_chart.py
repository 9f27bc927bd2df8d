"""Draws grafana-dashboard.json as an SVG from the data of a Prometheus.

Queries, titles, positions and units are the dashboard's; the drawing itself is not Grafana's.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.observability.prometheus import Prometheus
from tests.support.services import ROOT

DASHBOARD = ROOT / "docs" / "grafana-dashboard.json"
UNIT_X, UNIT_Y, GAP = 60, 26, 6
COLORS = ("#3274d9", "#e0752d", "#299c46", "#a352cc", "#e02f44", "#1f8a8a", "#b8860b", "#6b7280", "#c15c95", "#5b8c00")
STATES = ("#299c46", "#e0b400", "#e02f44")
LEGEND_LINES = 3
Line = list[tuple[float, float]]


def draw(prometheus: Prometheus, start: float, end: float, file: Path) -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) * UNIT_Y + GAP
    elements = "\n".join(element for panel in panels for element in _panel(panel, prometheus, start, end))
    file.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {24 * UNIT_X} {height}" font-family="sans-serif" '
        f'font-size="11"><rect width="100%" height="100%" fill="#f4f5f5"/>\n{elements}\n</svg>\n'
    )


def _panel(panel: dict[str, Any], prometheus: Prometheus, start: float, end: float) -> Iterator[str]:
    position = panel["gridPos"]
    x, y = position["x"] * UNIT_X + GAP / 2, position["y"] * UNIT_Y + GAP / 2
    width, height = position["w"] * UNIT_X - GAP, position["h"] * UNIT_Y - GAP
    if panel["type"] == "row":
        yield f'<text x="{x + 4}" y="{y + 16}" font-size="15" font-weight="bold">{html.escape(panel["title"])}</text>'
        return
    yield f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="3" fill="white" stroke="#d8d9da"/>'
    yield f'<text x="{x + 8}" y="{y + 16}" font-weight="bold">{html.escape(panel["title"])}</text>'
    series = list(_series(panel, prometheus, start, end))
    unit = panel["fieldConfig"]["defaults"].get("unit", "short")
    if panel["type"] == "stat":
        value = series[0][1][-1][1] if series else math.nan
        steps = panel["fieldConfig"]["defaults"].get("thresholds", {"steps": []})["steps"][1:]
        color = "#e02f44" if any(value >= step["value"] for step in steps) else "#299c46"
        yield f'<text x="{x + 8}" y="{y + height - 18}" font-size="30" fill="{color}">{_format(value, unit)}</text>'
    elif panel["type"] == "state-timeline":
        yield from _states(series, (x + 70, y + 30, width - 80), start, end)
    else:
        yield from _chart(series, unit, (x + 48, y + 26, width - 58, height - 44 - 13 * LEGEND_LINES), start, end)


def _series(panel: dict[str, Any], prometheus: Prometheus, start: float, end: float) -> Iterator[tuple[str, Line]]:
    for target in panel["targets"]:
        query = target["expr"].replace("$instance", ".*").replace("$operation", ".*").replace("$__rate_interval", "10s")
        for result in prometheus.query_range(query, start, end, 2):
            name = re.sub(
                r"{{(\w+)}}", lambda match, metric=result["metric"]: metric.get(match[1], ""), target["legendFormat"]
            )
            points = [(float(at), float(value)) for at, value in result["values"]]
            yield name, [(at, value) for at, value in points if math.isfinite(value)]


def _chart(
    series: list[tuple[str, Line]], unit: str, box: tuple[float, float, float, float], start: float, end: float
) -> Iterator[str]:
    x, y, width, height = box
    top = max((value for _, line in series for _, value in line), default=0) * 1.05 or 1.0
    for share in (0, 0.5, 1):
        at = y + height * (1 - share)
        yield f'<path d="M{x} {at:.0f}h{width}" stroke="#e5e5e5"/>'
        yield f'<text x="{x - 4}" y="{at + 4:.0f}" text-anchor="end" fill="#666">{_format(top * share, unit)}</text>'
    for number, (_, line) in enumerate(series):
        points = " ".join(
            f"{x + (at - start) / (end - start) * width:.0f},{y + height * (1 - value / top):.0f}" for at, value in line
        )
        yield f'<polyline points="{points}" fill="none" stroke="{COLORS[number % len(COLORS)]}" stroke-width="1.5"/>'
    yield from _legend([name for name, _ in series], x - 40, y + height + 18, width + 40)


def _legend(names: list[str], x: float, y: float, width: float) -> Iterator[str]:
    left, line = 0.0, 0
    for number, name in enumerate(names):
        if left and left + 16 + 6.2 * len(name) > width:
            left, line = 0.0, line + 1
        if line == LEGEND_LINES:
            more = f"and {len(names) - number} more"
            yield f'<text x="{x + width}" y="{y - 13 + line * 13}" text-anchor="end" fill="#666">{more}</text>'
            return
        color = COLORS[number % len(COLORS)]
        yield f'<rect x="{x + left:.0f}" y="{y + line * 13 - 6:.0f}" width="9" height="3" fill="{color}"/>'
        yield f'<text x="{x + left + 12:.0f}" y="{y + line * 13:.0f}">{html.escape(name)}</text>'
        left += 22 + 6.2 * len(name)


def _states(series: list[tuple[str, Line]], box: tuple[float, float, float], start: float, end: float) -> Iterator[str]:
    x, y, width = box
    per_second = width / (end - start)
    for row, (name, line) in enumerate(series):
        at_y = y + row * 36
        yield f'<text x="{x - 8}" y="{at_y + 17}" text-anchor="end">{html.escape(name)}</text>'
        for at, value in line:
            left, color = x + (at - start) * per_second, STATES[int(value)]
            yield f'<rect x="{left:.0f}" y="{at_y}" width="{2 * per_second + 1:.0f}" height="26" fill="{color}"/>'
    named = zip(STATES, ("closed", "half-open", "open"), strict=True)
    for number, (color, name) in enumerate(named):
        yield f'<rect x="{x + number * 80}" y="{y + 90}" width="9" height="9" fill="{color}"/>'
        yield f'<text x="{x + number * 80 + 13}" y="{y + 98}">{name}</text>'


def _format(value: float, unit: str) -> str:
    if not math.isfinite(value):
        return "–"
    if unit == "percentunit":
        return f"{value:.1%}"
    if unit == "bytes":
        return f"{value / 2**20:.0f} MiB"
    if unit == "s":
        return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
    return f"{value:.3g}"
