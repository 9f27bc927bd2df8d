"""The share of answers that the cache had, over the last five minutes, for the whole fleet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chat import minutes

MINUTES = 5


def count(is_hit: bool) -> None:
    minutes.count("lookup", *["hit"] * is_hit)


def current() -> float | None:
    """Between 0 and 1; None when nobody asked anything, or Redis is away."""
    return of(minutes.last(MINUTES))


def of(rows: Sequence[Mapping[str, int]]) -> float | None:
    """The hit rate of these minutes."""
    hits, lookups = (sum(row.get(name, 0) for row in rows) for name in ("hit", "lookup"))
    return round(hits / lookups, 4) if lookups else None
