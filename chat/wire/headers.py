"""What response headers tell of an answer, the same at every door."""

from __future__ import annotations

from time import perf_counter

from chat.transcripts import Transcript


def of_answer(verdict: str, began: float, so_far: Transcript) -> dict[str, str]:
    """`X-Cache`, `Server-Timing` and, as far as it is known yet, `X-Degraded`.

    `verdict` is the cache's; `began` is when we began to answer, on the performance counter.
    """
    degraded = so_far.degraded_reason
    stale = so_far.finish is not None and so_far.finish.origin == "stale"
    took = (perf_counter() - began) * 1000
    headers = {
        "X-Cache": "STALE" if stale else verdict,
        "Server-Timing": f"answer;dur={took:.1f}, cache;desc={verdict}",
    }
    return headers | ({"X-Degraded": degraded} if degraded else {})


def of_analysis(began: float, so_far: Transcript) -> dict[str, str]:
    """The same for a document, which is never cached."""
    headers = {"X-Cache": "BYPASS", "Server-Timing": f"answer;dur={(perf_counter() - began) * 1000:.1f}"}
    return headers | ({"X-Degraded": degraded} if (degraded := so_far.degraded_reason) else {})
