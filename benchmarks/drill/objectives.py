"""The objectives of a drill, and which of them its figures miss."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.drill.figures import Baseline, Demand, Figures, Hostile, Price

MAX_CALLS_PER_QUESTION = 1.3  # upstream, before the breaker opens
FEW_CALLS = 12
MAX_PROBES = 1
MAX_STREAM_WORDS_SECONDS = 5.0  # 99 of 100 streams have useful words by then
MAX_ANSWER_SECONDS = 13.0  # AI_FIRST_WORDS_SECONDS and one: 99 of 100 answers in one piece, if calls fail
MAX_FIRST_CALL_MS = 150.0  # added by a frozen Redis
MAX_LATER_CALLS_MS = 5.0
MAX_SLOWDOWN = 1.2  # of other people's answers while somebody is hostile
NOISE_MS = 10.0  # two runs without a fault differ by that
MAX_UNLUCKY_CALLS_MS = 50.0  # half of Redis' timeout: more means that some calls still wait for it


def missed_objectives(figures: Figures) -> list[str]:
    """One sentence for each missed objective."""
    before = figures.demand_before_opening or Demand(0, 0)
    unanswered = figures.questions - figures.answered
    limit = f"at most {MAX_CALLS_PER_QUESTION} each"
    objectives = (
        (not unanswered, f"{unanswered} of {figures.questions} questions had no answer"),
        (not figures.garbled, f"{figures.garbled} answers were garbled"),
        (not figures.lost, f"{figures.lost} answers were reported as saved and are not"),
        (not figures.leaked, f"{figures.leaked} calls to the AI leaked"),
        (_has_recovered(figures), "service did not recover in time"),
        (
            not figures.words.p99 > MAX_STREAM_WORDS_SECONDS * 1000,  # NaN without a stream
            f"first words of streams after {figures.words.p99 / 1000:.1f} s, at most {MAX_STREAM_WORDS_SECONDS:g}",
        ),
        (
            not (figures.demand_before_opening and figures.wait.p99 > MAX_ANSWER_SECONDS * 1000),
            f"answers after {figures.wait.p99 / 1000:.1f} s, at most {MAX_ANSWER_SECONDS:g}",
        ),
        (
            not (figures.is_only_slow and figures.outages_logged),
            f"{figures.outages_logged} outages logged of a dependency that was only slow",
        ),
        (not (figures.is_only_slow and figures.unsaved), f"{figures.unsaved} answers unsaved though all was only slow"),
        (not _exceeds_limit(before), f"{before.calls} calls for {before.questions} questions until open, {limit}"),
        (
            (figures.probes_at_once or 0) <= MAX_PROBES,
            f"{figures.probes_at_once} probes at a time, at most {MAX_PROBES}",
        ),
    )
    missed = [sentence for is_met, sentence in objectives if not is_met]
    if figures.hostile and figures.usual and figures.during:
        missed += [*_tolerated(figures.hostile), *_slowed_down(figures.usual, figures.during)]
    return missed + (_exceeded_latencies(figures.price) if figures.price else [])


def _has_recovered(figures: Figures) -> bool:
    if figures.recovers_within is None:
        return True
    return figures.recovered_after is not None and figures.recovered_after <= figures.recovers_within


def _tolerated(hostile: Hostile) -> Iterator[str]:
    if hostile.calls > hostile.budget:
        yield f"the hostile visitor had {hostile.calls} calls of the AI, at most {hostile.budget}"
    for breach in sorted(set(hostile.breaches)):
        yield f"{hostile.breaches.count(breach)} times: {breach}"


def _slowed_down(usual: Baseline, during: Baseline) -> Iterator[str]:
    for kind in ("known", "new"):
        for quantile in ("p50", "p99"):
            before, now = (getattr(getattr(baseline, kind), quantile) for baseline in (usual, during))
            if now > MAX_SLOWDOWN * before + NOISE_MS:
                yield f"{kind} answers to others in {now:.0f} ms ({quantile}), usually {before:.0f}"


def _exceeded_latencies(price: Price) -> list[str]:
    limits = (
        (price.first_call, MAX_FIRST_CALL_MS, 0, "the first call"),
        (price.later_calls, MAX_LATER_CALLS_MS, 1, "later calls"),
        (price.unlucky_calls, MAX_UNLUCKY_CALLS_MS, 0, "a tenth of later calls"),
    )
    return [
        f"{added:.{digits}f} ms added to {calls}, at most {most:.0f}"
        for added, most, digits, calls in limits
        if added > most
    ]


def _exceeds_limit(demand: Demand) -> bool:
    """With few calls the three attempts of one question weigh more (docs/adr/0006-retry-faults-not-outages.md)."""
    return demand.calls > FEW_CALLS and demand.calls > MAX_CALLS_PER_QUESTION * demand.questions
