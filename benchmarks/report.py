"""Each part's figures as the tables that the terminal shows and docs/performance.md keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks import capacity, lean, targets
from benchmarks.figures import Figures
from benchmarks.tables import Cell, amount, ratio, table, told

Doors = Mapping[str, Mapping[str, float]]

NAMES = {
    "nginx": "nginx, passing on (limit)",
    "django": "bare Django view (floor)",
    "new": "**chat-bff**, from the AI, no history",
    "new-saved": "**chat-bff**, from the AI, history saved",
    "express": "Express peer, from the AI, no history",
    "litellm": "LiteLLM proxy, from the AI, no history",
    "kept": "**chat-bff**, from the cache, no history",
    "kept-saved": "**chat-bff**, from the cache, history saved",
    "express-kept": "Express peer, from its cache, no history",
}
FLEETS = (1_000, 10_000, 100_000, 1_000_000)


def doors(figures: Figures) -> str:
    measured: Doors = figures["messages"]["figures"]
    rows = [_door(key, measured) for key in NAMES if key in measured]
    heads = "message|CPU ms|× Express|× LiteLLM|answers/s, one process|answers/s, two on two cores|memory MB"
    return table(heads.split("|"), rows)


def _door(key: str, measured: Doors) -> list[Cell]:
    one = measured[key]
    peer = "express-kept" if key.startswith("kept") else "express"
    express, litellm = (measured.get(other, {}).get("cpu") for other in (peer, "litellm"))
    ratios = [ratio(one["cpu"], express), ratio(one["cpu"], litellm)]
    return [NAMES[key], one["cpu"], *ratios, one["per_second"], one.get("both_cores_per_second"), one["memory"]]


def waits(figures: Figures) -> str:
    measured: Doors = figures["messages"]["figures"]
    limit = measured["nginx"]
    rows: list[list[Cell]] = []
    for key, name in NAMES.items():
        if one := measured.get(key):
            added = [one[quantile] - limit[quantile] for quantile in ("alone_p50", "alone_p99")]
            rows.append([name, *added, *(one[quantile] for quantile in ("p50", "p95", "p99"))])
    return table(["ms", "1 client: added p50", "added p99", "64 clients: p50", "p95", "p99"], rows)


def layers(figures: Figures) -> str:
    measured: Mapping[str, float] = figures["layers"]["figures"]
    whole = measured[""]
    found = sorted(((layer, saved) for layer, saved in measured.items() if layer in lean.LAYERS), key=lambda it: -it[1])
    rows: list[list[Cell]] = [[layer, saved, f"{saved / whole:.0%}"] for layer, saved in found]
    if lean.ALL in measured:
        rows.append([lean.ALL, measured[lean.ALL], f"{measured[lean.ALL] / whole:.0%}"])
    rows.append(["the whole message (nothing left out)", whole, ""])
    return table(["without", "CPU ms saved", "share"], rows)


_STREAM_ROWS: tuple[tuple[str, str], ...] = (
    ("failed streams", "failed"),
    ("tokens/s relayed", "tokens_per_second"),
    ("token lag p50, ms", "lag_p50"),
    ("token lag p99, ms", "lag_p99"),
    ("read at the token server itself: lag p50, ms", "direct_lag_p50"),
    ("read at the token server itself: lag p99, ms", "direct_lag_p99"),
    ("added to the first token p50, ms", "first_p50"),
    ("added to the first token p99, ms", "first_p99"),
    ("CPU a token, workers, µs", "token_cpu"),
    ("CPU a token, Redis, µs", "token_redis_cpu"),
    ("cores busy: workers", "cores"),
    ("cores busy: token server and readers", "instrument_cores"),
    ("Redis commands a stream", "stream_commands"),
    ("memory before, MB", "idle_memory"),
    ("memory while all are read, MB", "memory"),
    ("memory a stream, KB", "stream_memory"),
)


def streams(figures: Figures) -> str:
    loads = figures["streams"]["figures"]
    heads = ["two workers" if all(load["workers"] == 2 for load in loads) else "", *(load["load"] for load in loads)]
    return table(heads, [[name, *(load[key] for load in loads)] for name, key in _STREAM_ROWS])


_STORE_ROWS: tuple[tuple[str, str], ...] = (
    ("Redis: commands", "redis_commands"),
    ("Redis: bytes in", "redis_in"),
    ("Redis: bytes out", "redis_out"),
    ("Redis: CPU ms", "redis_cpu"),
    ("Redis: memory afterwards, bytes", "redis_memory"),
    ("PostgreSQL: CPU ms", "postgres_cpu"),
    ("PostgreSQL: log written, bytes", "postgres_log"),
    ("PostgreSQL: tables and indexes, bytes", "postgres_size"),
)


def stores(figures: Figures) -> str:
    measured = figures["stores"]["figures"]
    keys = [key for key in NAMES if key in measured]
    return table(
        ["a message", *(NAMES[key].removeprefix("**chat-bff**, ") for key in keys)],
        [[name, *(measured[key][row] for key in keys)] for name, row in _STORE_ROWS],
    )


def commands(figures: Figures) -> str:
    measured = figures["stores"]["figures"]
    keys = [key for key in NAMES if key in measured]
    names = sorted({name for key in keys for name in measured[key]["commands"]})
    return table(
        ["Redis command, calls a message", *(NAMES[key].removeprefix("**chat-bff**, ") for key in keys)],
        [[f"`{name}`", *(measured[key]["commands"].get(name) for key in keys)] for name in names],
    )


def kept(figures: Figures) -> str:
    found = figures["stores"]["figures"]["new-saved"]["kept"]
    rows = [[f"`{kind['kind']}`", kind["count"], kind["bytes"], _life(kind["seconds"])] for kind in found]
    return table(["what a new message leaves in Redis", "keys", "bytes each", "for"], rows)


def _life(seconds: float) -> str:
    return f"{seconds / 86_400:.0f} days" if seconds > 86_400 else f"{seconds:.0f} s"


def wanted(figures: Figures) -> str:
    return table(["target", "wanted", "measured", ""], [_target(*each) for each in targets.checked(figures)])


def _target(target: targets.Target, value: float | None) -> list[Cell]:
    sign = "≥" if target.at_least else "≤"
    limit = f"{sign} {told(target.wanted)} {target.unit}".strip()
    if value is None:
        return [target.what, limit, None, "not measured"]
    return [target.what, limit, f"{told(value)} {target.unit}".strip(), "met" if target.is_met(value) else "**missed**"]


def limits(figures: Figures) -> str:
    found = capacity.limits(capacity.costs(figures))
    return table(["limit", "reached at open streams", "then"], [[what, _round(at), then] for what, at, then in found])


def fleet(figures: Figures) -> str:
    one = capacity.costs(figures)
    columns = [list(capacity.fleet(one, streams)) for streams in FLEETS]
    rows = [
        [cells[0][0], *(amount(value, unit) if unit else _count(value) for _, value, unit in cells)]
        for cells in zip(*columns, strict=True)
    ]
    return table(["open streams", *(told(streams) for streams in FLEETS)], rows)


def per_core(figures: Figures) -> str:
    one = capacity.costs(figures)
    rows: list[list[Cell]] = [
        [f"messages/s: {NAMES[key].removeprefix('**chat-bff**, ')}", _round(1000 / targets.door(figures, key, "cpu"))]
        for key in ("new", "new-saved", "kept", "kept-saved")
    ]
    rows.append(["tokens/s relayed", _round(10 / one.relaying)])
    rows.append(
        [
            f"open streams of {capacity.RATE:g} tokens/s, with a new message all {capacity.SECONDS:g} s",
            _round(1 / one.cores),
        ]
    )
    return table(["one core of workers, wholly busy", ""], rows)


def _round(value: float) -> str:
    """Two significant digits: a model has no more."""
    return f"{float(f'{value:.2g}'):,.0f}"


def _count(value: float) -> str:
    return f"{value:.1f}" if value < 10 else _round(value)


# By the part that they need, and by the name of their place in the document.
SECTIONS: Mapping[str, Mapping[str, Callable[[Figures], str]]] = {
    "messages": {"doors": doors, "waits": waits},
    "layers": {"layers": layers},
    "streams": {"streams": streams},
    "stores": {"stores": stores, "commands": commands, "kept": kept},
}
CONCLUSIONS: Mapping[str, Callable[[Figures], str]] = {
    "targets": wanted,
    "per-core": per_core,
    "limits": limits,
    "fleet": fleet,
}
