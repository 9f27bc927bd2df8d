"""What response headers tell of an answer, the same at every door."""

from __future__ import annotations

from time import perf_counter

from chat.transcripts import Transcript


def of_answer(verdict: str, began: float, so_far: Transcript) -> dict[str, str]:
    """`X-Cache`, `Server-Timing` and, as far as it is known yet, `X-Degraded`.

    `verdict` is the cache's; `began` is when we began to answer, on the performance counter.
    """
    stale = so_far.finish is not None and so_far.finish.origin == "stale"
    return _told("STALE" if stale else verdict, f"{_timing(began)}, cache;desc={verdict}", so_far)


def of_analysis(began: float, so_far: Transcript) -> dict[str, str]:
    """The same for a document, which is never cached."""
    return _told("BYPASS", _timing(began), so_far)


def _told(cache: str, timing: str, so_far: Transcript) -> dict[str, str]:
    degraded = so_far.degraded_reason
    return {"X-Cache": cache, "Server-Timing": timing} | ({"X-Degraded": degraded} if degraded else {})


def _timing(began: float) -> str:
    return f"answer;dur={(perf_counter() - began) * 1000:.1f}"
