"""The AI becomes unavailable: time until the circuit opens at several loads, and until it closes again."""

from __future__ import annotations

from benchmarks.drill.faults.base import Fault, ai_fault

RATES = (0.2, 5.0, 50.0)  # questions a second; half of them are in the cache
OPEN_SECONDS = 60.0  # BREAKER_OPEN_SECONDS; doubled by a failed probe
PROBE_SECONDS = 15.0  # until a question comes after the open time, and two answers are complete


def _outage(seconds: float, *, doublings: int = 0) -> Fault:
    return ai_fault(
        f"ai-outage-{seconds:.0f}s",
        f"the AI resets every connection for {seconds:.0f} s",
        "down",
        seconds=seconds,
        rates=RATES,
        recovers_within=OPEN_SECONDS * 2**doublings + PROBE_SECONDS,
    )


FAULTS = (
    _outage(2),
    _outage(20),
    _outage(120, doublings=1),
    ai_fault(
        "ai-outage-busy",
        "the AI resets every connection, after a minute without a fault",
        "down",
        seconds=10,
        lead_in=60,
        rates=(8.0,),
        kinds=("new",),
        recovers_within=OPEN_SECONDS + PROBE_SECONDS,
    ),
    ai_fault(
        "ai-outage-quiet",
        "the same at one question in ten seconds",
        "down",
        seconds=45,
        lead_in=30,
        rates=(0.1,),
        kinds=("new",),
    ),
)
