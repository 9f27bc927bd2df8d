"""`make dashboard`: writes grafana-dashboard.json, which Grafana imports, from grafana-dashboard.yaml."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

SOURCE = Path(__file__).with_name("grafana-dashboard.yaml")
OUTPUT = SOURCE.with_suffix(".json")
Json = dict[str, Any]

PLACEHOLDERS = {
    "INSTANCES": 'job="chat-bff", instance=~"$instance"',
    "OPERATIONS": 'job="chat-bff", instance=~"$instance", operation=~"$operation"',
    "INTERVAL": "$__rate_interval",
}
QUANTILES = (0.5, 0.95, 0.99)
STATES = {"0": ("closed", "green"), "1": ("half-open", "yellow"), "2": ("open", "red")}
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24


def render() -> str:
    return json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"


def dashboard() -> Json:
    return {
        "title": "chat-bff",
        "uid": "chat-bff",
        "schemaVersion": 39,
        "time": {"from": "now-3h", "to": "now"},
        "refresh": "30s",
        "graphTooltip": 1,  # a crosshair shared by all panels
        "templating": {
            "list": [
                {"name": "datasource", "type": "datasource", "query": "prometheus"},
                _variable("instance", "bff_http_in_flight"),
                _variable("operation", "bff_answers_total"),
            ]
        },
        "panels": _layout(yaml.safe_load(SOURCE.read_text())),
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


def _layout(rows: dict[str, list[Json]]) -> list[Json]:
    """Rows below each other; at most three charts side by side, all `stat` panels of a row side by side."""
    result: list[Json] = []
    y = 0
    for title, panels in rows.items():
        result.append({"type": "row", "title": title, "panels": [], "gridPos": _grid_position(0, y, COLUMNS, 1)})
        is_stat_row = panels[0].get("kind") == "stat"
        per_line, height = (len(panels), 4) if is_stat_row else (min(3, len(panels)), 8)
        width = COLUMNS // per_line
        for number, panel in enumerate(panels):
            line, column = divmod(number, per_line)
            result.append(
                _panel(panel) | {"gridPos": _grid_position(column * width, y + 1 + line * height, width, height)}
            )
        y += 1 + height * -(-len(panels) // per_line)
    return [{"id": number, **panel} for number, panel in enumerate(result, 1)]


def _grid_position(x: int, y: int, width: int, height: int) -> Json:
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
        mappings = {level: {"text": name, "color": color} for level, (name, color) in STATES.items()}
        defaults["mappings"] = [{"type": "value", "options": mappings}]
    elif "bad_above" in panel:
        bad = {"color": "red", "value": panel["bad_above"]}
        defaults["thresholds"] = {"mode": "absolute", "steps": [{"color": "green", "value": None}, bad]}
    return {
        "type": kind,
        "title": panel["title"],
        "datasource": DATASOURCE,
        "targets": [
            {"refId": chr(ord("A") + number), "expr": _expand(query), "legendFormat": legend}
            for number, (legend, query) in enumerate(_queries(panel).items())
        ],
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
    }


def _queries(panel: Json) -> dict[str, str]:
    """The panel's queries by legend."""
    if "quantiles" in panel:
        metric, by = panel["quantiles"], panel["by"]
        per = f"sum by ({by}, le) (rate({metric}_bucket{{INSTANCES}}[INTERVAL]))"
        return {
            f"{{{{{by}}}}} P{quantile * 100:.0f}": f"histogram_quantile({quantile}, {per})" for quantile in QUANTILES
        }
    queries: dict[str, str] = panel.get("queries") or {panel["title"]: panel["query"]}
    return queries


def _expand(query: str) -> str:
    for placeholder, value in PLACEHOLDERS.items():
        query = query.replace(placeholder, value)
    return query


if __name__ == "__main__":
    OUTPUT.write_text(render())
