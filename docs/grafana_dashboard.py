"""`make dashboard`: grafana-dashboard.json, which Grafana imports, from grafana-dashboard.yaml, which people review."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

SOURCE = Path(__file__).with_name("grafana-dashboard.yaml")
FILE = SOURCE.with_suffix(".json")
Json = dict[str, Any]

STANDS_FOR = {
    "HERE": 'job="chat-bff", instance=~"$instance"',
    "OPERATION": 'job="chat-bff", instance=~"$instance", operation=~"$operation"',
    "EVERY": "$__rate_interval",
}
SHARES = (0.5, 0.95, 0.99)
STATES = {"0": ("closed", "green"), "1": ("half-open", "yellow"), "2": ("open", "red")}
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24


def text() -> str:
    return json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"


def dashboard() -> Json:
    return {
        "title": "chat-bff",
        "uid": "chat-bff",
        "schemaVersion": 39,
        "time": {"from": "now-3h", "to": "now"},
        "refresh": "30s",
        "graphTooltip": 1,  # one cross-hair for all panels
        "templating": {
            "list": [
                {"name": "datasource", "type": "datasource", "query": "prometheus"},
                _variable("instance", "bff_http_in_flight"),
                _variable("operation", "bff_answers_total"),
            ]
        },
        "panels": _laid_out(yaml.safe_load(SOURCE.read_text())),
    }


def _variable(label: str, metric: str) -> Json:
    query = f'label_values({metric}{{job="chat-bff"}}, {label})'
    return {
        "name": label,
        "label": label.capitalize(),
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": label},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _laid_out(rows: dict[str, list[Json]]) -> list[Json]:
    """Rows below each other; charts three abreast at most, single figures all."""
    placed: list[Json] = []
    y = 0
    for title, panels in rows.items():
        placed.append({"type": "row", "title": title, "panels": [], "gridPos": _place(0, y, COLUMNS, 1)})
        figures = panels[0].get("kind") == "stat"
        abreast, height = (len(panels), 4) if figures else (min(3, len(panels)), 8)
        width = COLUMNS // abreast
        for number, panel in enumerate(panels):
            line, column = divmod(number, abreast)
            placed.append(_panel(panel) | {"gridPos": _place(column * width, y + 1 + line * height, width, height)})
        y += 1 + height * -(-len(panels) // abreast)
    return [{"id": number, **panel} for number, panel in enumerate(placed, 1)]


def _place(x: int, y: int, width: int, height: int) -> Json:
    return {"x": x, "y": y, "w": width, "h": height}


def _panel(panel: Json) -> Json:
    kind = panel.get("kind", "timeseries")
    defaults: Json = {"unit": panel.get("unit", "short")}
    options: Json = {}
    if kind == "timeseries":
        stacking = {"fillOpacity": 60, "stacking": {"mode": "normal"}} if panel.get("stacked") else {"fillOpacity": 8}
        defaults |= {"min": 0, "custom": {"showPoints": "never", **stacking}}
        options = {"tooltip": {"mode": "multi", "sort": "desc"}}
    elif kind == "state-timeline":
        named = {level: {"text": name, "color": color} for level, (name, color) in STATES.items()}
        defaults["mappings"] = [{"type": "value", "options": named}]
    elif "bad_above" in panel:
        bad = {"color": "red", "value": panel["bad_above"]}
        defaults["thresholds"] = {"mode": "absolute", "steps": [{"color": "green", "value": None}, bad]}
    return {
        "type": kind,
        "title": panel["title"],
        "datasource": DATASOURCE,
        "targets": [
            {"refId": chr(ord("A") + number), "expr": _spelt_out(query), "legendFormat": legend}
            for number, (legend, query) in enumerate(_queries(panel).items())
        ],
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
    }


def _queries(panel: Json) -> dict[str, str]:
    """By legend."""
    if "quantiles" in panel:
        metric, by = panel["quantiles"], panel["by"]
        per = f"sum by ({by}, le) (rate({metric}_bucket{{HERE}}[EVERY]))"
        return {f"{{{{{by}}}}} P{share * 100:.0f}": f"histogram_quantile({share}, {per})" for share in SHARES}
    queries: dict[str, str] = panel.get("queries") or {panel["title"]: panel["query"]}
    return queries


def _spelt_out(query: str) -> str:
    for word, meaning in STANDS_FOR.items():
        query = query.replace(word, meaning)
    return query


if __name__ == "__main__":
    FILE.write_text(text())
