"""Computes a drill's figures from its observations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles

from benchmarks.drill.clients import Outcome
from benchmarks.drill.observations import BreakerChange, UpstreamCall

# A call that was admitted before the breaker opened may reach the AI this much later.
ADMISSION_DELAY_SECONDS = 0.5
OPENING_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from the request to the answer's last byte."""

    p50: float
    p99: float

    def minus(self, other: Latency) -> Latency:
        return Latency(self.p50 - other.p50, self.p99 - other.p99)


@dataclass(frozen=True, slots=True)
class Price:
    """Milliseconds that a frozen Redis adds to the first call, and to the median and 90th percentile of later calls."""

    first_call: float
    later_calls: float
    unlucky_calls: float


@dataclass(frozen=True, slots=True)
class Demand:
    """The number of attempts that reached the AI, and of questions that needed one."""

    questions: int
    calls: int


@dataclass(frozen=True, slots=True)
class Baseline:
    """Latencies without a fault."""

    known: Latency
    new: Latency


@dataclass(frozen=True, slots=True)
class Hostile:
    """What a hostile visitor got: calls of the AI, of a budget of so many, and responses that nobody may get."""

    calls: int
    budget: int
    breaches: Sequence[str]


@dataclass(frozen=True, slots=True)
class Observation:
    """The data of one fault; times in unix seconds.

    The fault began at `began` and was removed at `ended`; latency counts for questions sent until `until`. `calls` is
    the AI's ledger when the calls of that time must have ended. `history` maps message ids to the saved texts.
    """

    fault: str
    fails_the_ai: bool
    began: float
    ended: float
    until: float
    outcomes: Sequence[Outcome]
    abandoned: Sequence[Outcome]
    calls: Sequence[UpstreamCall]
    changes: Sequence[BreakerChange]
    history: Mapping[str, str]
    price: Price | None = None
    rate: float = 5.0
    outages_logged: int = 0
    is_only_slow: bool = False
    recovers_within: float | None = float("inf")
    """None: the drill has not waited for the recovery."""
    hostile: Hostile | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """The results of one fault. Times in seconds; None where a figure does not apply."""

    fault: str
    questions: int
    answered: int
    sent_again: int
    """Questions sent to the other instance after their connection broke."""
    known_added: Latency
    new_added: Latency
    demand: Demand
    """While the fault lasted."""
    demand_before_opening: Demand | None
    """Until the breaker opened."""
    probes_at_once: int | None
    leaked: int
    """Calls still open when they must have ended, or completed for a client that had disconnected."""
    garbled: int
    """Answers with repeated text, or with text that the AI had not written."""
    unsaved: int
    lost: int
    """Answers reported as saved that are missing in the history or differ there."""
    opened_after: float | None
    recovered_after: float | None
    """Until answers were unaffected again; None when they never were."""
    price: Price | None
    rate: float
    """Questions a second."""
    wait: Latency
    """Of questions that are not in the cache, sent during the fault; not the difference."""
    words: Latency
    """The same for streams, up to the first useful words."""
    recovers_within: float | None
    saved_late: int
    """Answers reported as unsaved that the history has by now."""
    outages_logged: int
    """How many times a worker has logged Redis or PostgreSQL as unavailable."""
    is_only_slow: bool
    hostile: Hostile | None = None
    usual: Baseline | None = None
    """Before a hostile visitor came."""
    during: Baseline | None = None
    """While there was one."""


def baseline_of(outcomes: Iterable[Outcome]) -> Baseline:
    known: list[Outcome] = []
    new: list[Outcome] = []
    for outcome in outcomes:
        (known if outcome.question.kind == "known" else new).append(outcome)
    return Baseline(latency(known), latency(new))


def figures_of(observed: Observation, baseline: Baseline) -> Figures:
    outcomes = observed.outcomes
    during = baseline_of(outcome for outcome in outcomes if observed.began <= outcome.sent_at < observed.until)
    openings = (change.at for change in observed.changes if change.state == "open" and change.at >= observed.began)
    opened = next(openings, None)
    return Figures(
        fault=observed.fault,
        questions=len(outcomes),
        answered=sum(outcome.is_answered for outcome in outcomes),
        sent_again=sum(len(outcome.correlation_ids) > 1 for outcome in outcomes),
        known_added=during.known.minus(baseline.known),
        new_added=during.new.minus(baseline.new),
        demand=demand(observed, observed.until),
        demand_before_opening=demand(observed, opened or observed.ended) if observed.fails_the_ai else None,
        probes_at_once=_probes_at_once(observed) if observed.fails_the_ai else None,
        leaked=leaked(observed),
        garbled=sum(is_garbled(outcome) for outcome in outcomes),
        unsaved=sum(outcome.is_answered and not outcome.saved for outcome in outcomes),
        lost=sum(is_lost(outcome, observed.history) for outcome in outcomes),
        opened_after=None if opened is None else opened - observed.began,
        recovered_after=recovered_after(observed),
        price=observed.price,
        rate=observed.rate,
        wait=during.new,
        words=words_latency(observed),
        recovers_within=observed.recovers_within,
        saved_late=sum(not outcome.saved and outcome.message_id in observed.history for outcome in outcomes),
        outages_logged=observed.outages_logged,
        is_only_slow=observed.is_only_slow,
        hostile=observed.hostile,
        usual=baseline_of(each for each in outcomes if each.sent_at < observed.began) if observed.hostile else None,
        during=during if observed.hostile else None,
    )


def words_latency(observed: Observation) -> Latency:
    """Of streams that are not in the cache, sent during the fault, up to their first useful words."""
    return _latency(
        outcome.words_after * 1000
        for outcome in observed.outcomes
        if observed.began <= outcome.sent_at < observed.until
        and outcome.question.kind != "known"
        and outcome.words_after is not None
    )


def latency(outcomes: Iterable[Outcome]) -> Latency:
    """Of the answered outcomes; NaN when there are fewer than two."""
    return _latency(outcome.duration * 1000 for outcome in outcomes if outcome.is_answered)


def _latency(values: Iterable[float]) -> Latency:
    milliseconds = list(values)
    if len(milliseconds) < 2:
        return Latency(float("nan"), float("nan"))
    cuts = quantiles(milliseconds, n=100, method="inclusive")
    return Latency(cuts[49], cuts[98])


def demand(observed: Observation, until: float) -> Demand:
    """Questions and attempts from the beginning of the fault; a question that was sent again counts again."""
    outcomes = [*observed.outcomes, *observed.abandoned]
    uncached = [outcome for outcome in outcomes if observed.began <= outcome.sent_at < until and outcome.cache != "HIT"]
    attempts = {(call.correlation_id, call.attempt) for call in observed.calls if observed.began <= call.began < until}
    return Demand(sum(len(outcome.correlation_ids) for outcome in uncached), len(attempts))


def is_garbled(outcome: Outcome) -> bool:
    """Whether an answer repeats its opening or differs from the AI's; an interrupted answer must be a prefix of it."""
    text, expected = outcome.text, outcome.question.expected
    if not outcome.is_answered:
        return False
    if outcome.origin in {"ai", "cache", "stale"} and expected:
        return not expected.startswith(text) if outcome.ending == "interrupted" else text != expected
    opening = text[:OPENING_CHARACTERS]
    return opening in text[len(opening) :]


def is_lost(outcome: Outcome, history: Mapping[str, str]) -> bool:
    """Whether an answer was reported as saved and the history does not have its text.

    An interrupted answer may be longer than its saved text: the last events of a killed worker are not in the shared
    log.
    """
    text = history.get(outcome.message_id)
    if text is None:
        return outcome.saved
    matches = outcome.text.startswith(text) if outcome.ending == "interrupted" else outcome.text == text
    return outcome.saved and not matches


def leaked(observed: Observation) -> int:
    abandoned = {correlation_id for outcome in observed.abandoned for correlation_id in outcome.correlation_ids}
    return sum(
        (call.is_open and call.began < observed.ended) or (call.correlation_id in abandoned and call.is_complete)
        for call in observed.calls
    )


def recovered_after(observed: Observation) -> float | None:
    """Seconds from the end of the fault to the last affected question; None when the last question is affected."""
    after = sorted(
        (outcome.sent_at, outcome.is_unaffected) for outcome in observed.outcomes if outcome.sent_at >= observed.ended
    )
    if not after or not after[-1][1]:
        return None
    return max((sent_at - observed.ended for sent_at, is_unaffected in after if not is_unaffected), default=0.0)


def max_concurrent(calls: Iterable[UpstreamCall]) -> int:
    """The most calls in progress at a time. A call without an end counts as momentary, or as endless if still open."""
    steps: list[tuple[float, int]] = []
    for call in calls:
        end = float("inf") if call.is_open else max(call.ended or 0, call.began + 0.001)
        steps += [(call.began, 1), (end, -1)]
    in_progress = most = 0
    for _, step in sorted(steps):
        in_progress += step
        most = max(most, in_progress)
    return most


def _probes_at_once(observed: Observation) -> int:
    """The most concurrent calls among those begun while the breaker was not closed and the AI still failed."""
    probes: list[UpstreamCall] = []
    not_closed_since: float | None = None
    for change in [*observed.changes, BreakerChange(observed.ended, "closed")]:
        if change.state != "closed":
            not_closed_since = not_closed_since or change.at + ADMISSION_DELAY_SECONDS
        elif not_closed_since is not None:
            until = min(change.at, observed.ended)
            probes += [call for call in observed.calls if not_closed_since <= call.began < until]
            not_closed_since = None
    return max_concurrent(probes)
