"""Builds the tables shown in the terminal and in docs/performance.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.reports import capacity, targets
from benchmarks.reports.figures import Figures
from benchmarks.reports.tables import Cell, format_amount, format_number, format_ratio, table
from benchmarks.systems import stripped_app

Endpoints = Mapping[str, Mapping[str, float]]

NAMES = {
    "nginx": "nginx, bare proxy (limit)",
    "django": "bare Django view (floor)",
    "new": "**chat-bff**, from the AI, no history",
    "new-saved": "**chat-bff**, from the AI, history saved",
    "express": "Express peer, from the AI, no history",
    "portkey": "Portkey's gateway, from the AI, no history",
    "litellm": "LiteLLM proxy, from the AI, no history",
    "cached": "**chat-bff**, from the cache, no history",
    "cached-saved": "**chat-bff**, from the cache, history saved",
    "express-cached": "Express peer, from its cache, no history",
}
FLEETS = (1_000, 10_000, 100_000, 1_000_000)


def messages(figures: Figures) -> str:
    measured: Endpoints = figures["messages"]["figures"]
    rows = [_message_row(key, measured) for key in NAMES if key in measured]
    heads = "message|CPU ms|× Express|× LiteLLM|answers/s, one process|answers/s, two on two cores|memory MB"
    return table(heads.split("|"), rows)


def _message_row(key: str, measured: Endpoints) -> list[Cell]:
    row = measured[key]
    peer = "express-cached" if key.startswith("cached") else "express"
    express, litellm = (measured.get(other, {}).get("cpu") for other in (peer, "litellm"))
    ratios = [format_ratio(row["cpu"], express), format_ratio(row["cpu"], litellm)]
    return [NAMES[key], row["cpu"], *ratios, row["per_second"], row.get("both_cores_per_second"), row["memory"]]


def latencies(figures: Figures) -> str:
    measured: Endpoints = figures["messages"]["figures"]
    limit = measured["nginx"]
    rows: list[list[Cell]] = []
    for key, name in NAMES.items():
        if row := measured.get(key):
            added = [row[quantile] - limit[quantile] for quantile in ("alone_p50", "alone_p99")]
            rows.append([name, *added, *(row[quantile] for quantile in ("p50", "p95", "p99"))])
    return table(["ms", "1 client: added p50", "added p99", "64 clients: p50", "p95", "p99"], rows)


def layers(figures: Figures) -> str:
    measured: Mapping[str, float] = figures["layers"]["figures"]
    complete = measured[""]
    removed = ((layer, saved) for layer, saved in measured.items() if layer in stripped_app.LAYERS)
    by_cost = sorted(removed, key=lambda layer: -layer[1])
    rows: list[list[Cell]] = [[layer, saved, f"{saved / complete:.0%}"] for layer, saved in by_cost]
    if stripped_app.ALL in measured:
        rows.append([stripped_app.ALL, measured[stripped_app.ALL], f"{measured[stripped_app.ALL] / complete:.0%}"])
    rows.append(["the complete message", complete, ""])
    when = figures["layers"]["when"]  # each part may be of another day
    return table([f"without, on {when}", "CPU ms saved", "share"], rows)


_STREAM_ROWS: tuple[tuple[str, str], ...] = (
    ("failed streams", "failed"),
    ("of these unsaved", "unsaved"),
    ("of these degraded", "degraded"),
    ("outages logged", "outages"),
    ("tokens/s relayed", "tokens_per_second"),
    ("token lag p50, ms", "lag_p50"),
    ("token lag p99, ms", "lag_p99"),
    ("read directly at the token server: lag p50, ms", "direct_lag_p50"),
    ("read directly at the token server: lag p99, ms", "direct_lag_p99"),
    ("added to the first token p50, ms", "first_p50"),
    ("added to the first token p99, ms", "first_p99"),
    ("CPU a token, workers, µs", "token_cpu"),
    ("CPU a token, Redis, µs", "token_redis_cpu"),
    ("cores busy: workers", "cores"),
    ("cores busy: token server and readers", "instrument_cores"),
    ("Redis commands a stream", "stream_commands"),
    ("memory before, MB", "idle_memory"),
    ("memory with all streams open, MB", "memory"),
    ("memory a stream, KB", "stream_memory"),
)


def streams(figures: Figures) -> str:
    loads = figures["streams"]["figures"]
    heads = ["two workers" if all(load["workers"] == 2 for load in loads) else "", *(load["load"] for load in loads)]
    return table(heads, [[name, *(load.get(key) for load in loads)] for name, key in _STREAM_ROWS])


_STORE_ROWS: tuple[tuple[str, str], ...] = (
    ("Redis: trips", "redis_trips"),
    ("Redis: commands, those of scripts too", "redis_commands"),
    ("Redis: bytes in", "redis_in"),
    ("Redis: bytes out", "redis_out"),
    ("Redis: CPU ms", "redis_cpu"),
    ("Redis: memory afterwards, bytes", "redis_memory"),
    ("PostgreSQL: CPU ms", "postgres_cpu"),
    ("PostgreSQL: WAL, bytes", "postgres_log"),
    ("PostgreSQL: tables and indexes, bytes", "postgres_size"),
)


def stores(figures: Figures) -> str:
    measured = figures["stores"]["figures"]
    keys = [key for key in NAMES if key in measured]
    return table(
        ["a message", *map(_short_name, keys)],
        [[name, *(measured[key].get(row) for key in keys)] for name, row in _STORE_ROWS],
    )


def commands(figures: Figures) -> str:
    measured = figures["stores"]["figures"]
    keys = [key for key in NAMES if key in measured]
    names = sorted({name for key in keys for name in measured[key]["commands"]})
    return table(
        ["Redis command, calls a message", *map(_short_name, keys)],
        [[f"`{name}`", *(measured[key]["commands"].get(name) for key in keys)] for name in names],
    )


def remaining_keys(figures: Figures) -> str:
    kinds = figures["stores"]["figures"]["new-saved"]["remaining_keys"]
    rows = [[f"`{kind['kind']}`", kind["count"], kind["bytes"], _duration(kind["seconds"])] for kind in kinds]
    return table(["Redis keys of a new message", "keys", "bytes each", "time to live"], rows)


def _duration(seconds: float) -> str:
    return f"{seconds / 86_400:.0f} days" if seconds > 86_400 else f"{seconds:.0f} s"


def target_values(figures: Figures) -> str:
    return table(["target", "limit", "measured", ""], [_target(*each) for each in targets.evaluate(figures)])


def _target(target: targets.Target, value: float | None) -> list[Cell]:
    sign = "≥" if target.at_least else "≤"
    limit = f"{sign} {format_number(target.limit)} {target.unit}".strip()
    if value is None:
        return [target.name, limit, None, "not measured"]
    verdict = "met" if target.is_met(value) else "**missed**"
    return [target.name, limit, f"{format_number(value)} {target.unit}".strip(), verdict]


def limits(figures: Figures) -> str:
    reached = capacity.limits(capacity.costs(figures))
    return table(
        ["limit", "reached at open streams", "then"],
        [[name, _round(streams), remedy] for name, streams, remedy in reached],
    )


def fleet(figures: Figures) -> str:
    cost = capacity.costs(figures)
    columns = [list(capacity.fleet(cost, streams)) for streams in FLEETS]
    rows = [
        [cells[0][0], *(format_amount(value, unit) if unit else _count(value) for _, value, unit in cells)]
        for cells in zip(*columns, strict=True)
    ]
    return table(["open streams", *(format_number(streams) for streams in FLEETS)], rows)


def per_core(figures: Figures) -> str:
    cost = capacity.costs(figures)
    rows: list[list[Cell]] = [
        [f"messages/s: {_short_name(key)}", _round(1000 / targets.endpoint_figure(figures, key, "cpu"))]
        for key in ("new", "new-saved", "cached", "cached-saved")
    ]
    rows.append(["tokens/s relayed", _round(10 / cost.relaying)])
    rows.append(
        [
            f"open streams of {capacity.RATE:g} tokens/s, with a new message every {capacity.SECONDS:g} s",
            _round(1 / cost.cores),
        ]
    )
    return table(["one core of workers, 100% busy", ""], rows)


def _short_name(key: str) -> str:
    return NAMES[key].removeprefix("**chat-bff**, ")


def _round(value: float) -> str:
    """Two significant digits, the precision of the model."""
    return f"{float(f'{value:.2g}'):,.0f}"


def _count(value: float) -> str:
    return f"{value:.1f}" if value < 10 else _round(value)


# By the part that they need, and by the name of their placeholder in the document.
BY_PART: Mapping[str, Mapping[str, Callable[[Figures], str]]] = {
    "messages": {"messages": messages, "latencies": latencies},
    "layers": {"layers": layers},
    "streams": {"streams": streams},
    "stores": {"stores": stores, "commands": commands, "remaining-keys": remaining_keys},
}
# Tables that need several parts.
COMBINED: Mapping[str, Callable[[Figures], str]] = {
    "targets": target_values,
    "per-core": per_core,
    "limits": limits,
    "fleet": fleet,
}
