"""The response headers that describe an answer, the same for every route."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import perf_counter

from chat.core.events import Event, Notice, Start
from chat.core.transcript import Transcript


def read_opening(batches: Iterator[Sequence[Event]]) -> list[Event]:
    """The first events of a stream, which must be known before its headers are sent.

    Ends with the first event that shows how the answer is made, or with the first silence.
    """
    opening: list[Event] = []
    for batch in batches:
        opening.extend(batch)
        if not batch or not all(map(_is_preliminary, batch)):
            break
    return opening


def of_answer(cache_status: str, started_at: float, transcript: Transcript) -> dict[str, str]:
    """`X-Cache`, `Server-Timing` and, if the transcript shows it already, `X-Degraded`.

    `started_at` is on the performance counter.
    """
    is_stale = transcript.finish is not None and transcript.finish.origin == "stale"
    timing = f"{_timing(started_at)}, cache;desc={cache_status}"
    return _headers("STALE" if is_stale else cache_status, timing, transcript)


def of_uncached(started_at: float, transcript: Transcript) -> dict[str, str]:
    """The same without a cache lookup: a document's analysis, or the fallback after an unexpected error."""
    return _headers("BYPASS", _timing(started_at), transcript)


def _is_preliminary(event: Event) -> bool:
    """Whether the event precedes the text of any answer, degraded or not."""
    return isinstance(event, Start) or (isinstance(event, Notice) and event.kind in {"help", "facts", "partial"})


def _headers(cache_status: str, timing: str, transcript: Transcript) -> dict[str, str]:
    reason = transcript.degraded_reason
    return {"X-Cache": cache_status, "Server-Timing": timing} | ({"X-Degraded": reason} if reason else {})


def _timing(started_at: float) -> str:
    return f"answer;dur={(perf_counter() - started_at) * 1000:.1f}"
