"""The times, failures and tokens of generated answers in the last hour, among the fleet's counters, for the dashboard.

A time is counted in a bucket; each is BUCKET_GROWTH times as wide as the one before, so that percentiles are at most
10 % too high.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from chat.core.events import Finish
from chat.storage import fleet_counters
from chat.storage.provenance import Provenance

Time = Literal["first_words", "whole"]
Rows = Sequence[Mapping[str, int]]

BUCKET_GROWTH = 1.1
NO_FAILURES = {"ok", "client_left", "under_way"}


def count(finish: Finish, *, is_background: bool = False) -> None:
    """Count an answer that an AI or a fallback gave. For one in the background, which has no reader, no times."""
    generation = finish.generation
    if generation is None or finish.origin == "cache":
        return
    counts: Counter[str] = Counter()
    for attempt in generation["attempts"]:
        if attempt["outcome"] not in NO_FAILURES:
            counts[f"failure:{attempt['service']}:{attempt['outcome']}"] += 1
    counts["tokens"] += sum((generation["tokens"] or {}).values())
    if not is_background and finish.ending != "stopped":
        counts[f"first_words:{_bucket(_first_words_ms(generation))}"] += 1
        counts[f"whole:{_bucket(generation['stages']['total'])}"] += 1
    fleet_counters.add(counts)


def quantile(rows: Rows, time: Time, share: float) -> float | None:
    """The seconds within which this share of the answers had their first words, or were whole; None without any."""
    buckets: Counter[int] = Counter()
    for row in rows:
        for name, number in row.items():
            if name.startswith(f"{time}:"):
                buckets[int(name.partition(":")[2])] += number
    needed = share * buckets.total()
    for bucket in sorted(buckets):
        needed -= buckets[bucket]
        if needed <= 0:
            return float(BUCKET_GROWTH**bucket) / 1000
    return None


def failures(row: Mapping[str, int]) -> Counter[str]:
    """The failed calls of one minute, by their codes; those of the second AI end in `@fallback`."""
    counts: Counter[str] = Counter()
    for name, number in row.items():
        if name.startswith("failure:"):
            _, service, code = name.split(":", 2)
            counts[code if service == "primary" else f"{code}@{service}"] += number
    return counts


def tokens(rows: Rows) -> int:
    return sum(row.get("tokens", 0) for row in rows)


def _bucket(ms: int) -> int:
    return math.ceil(math.log(max(ms, 1), BUCKET_GROWTH))


def _first_words_ms(generation: Provenance) -> int:
    """The time until the last call's first words; without any, until the fallback, which is given at the end."""
    total: int = generation["stages"]["total"]
    last = generation["attempts"][-1] if generation["attempts"] else None
    if last is None or last["firstWordsMs"] is None:
        return total
    return max(0, total - int(last["durationMs"]) + int(last["firstWordsMs"]))
