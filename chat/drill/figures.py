"""The arithmetic of a drill: from what people and the AI saw to figures, from figures to the objectives missed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles

from chat.drill.evidence import Change, UpstreamCall
from chat.drill.people import Outcome

# What must hold.
MAX_LOAD_BEFORE_OPENING = 1.3  # calls upstream for each question that needed one
MAX_PROBES = 1
MAX_FIRST_CALL_MS = 150.0  # added by a frozen Redis
MAX_LATER_CALLS_MS = 5.0
MAX_UNLUCKY_CALLS_MS = 50.0  # half of Redis' timeout: more, and somebody still waits for it now and then

# A call that was admitted before the breaker opened may reach the AI this much later.
ON_THE_WAY_SECONDS = 0.5
OPENING_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from asking to the answer's last byte."""

    p50: float
    p99: float

    def minus(self, calm: Latency) -> Latency:
        return Latency(self.p50 - calm.p50, self.p99 - calm.p99)


@dataclass(frozen=True, slots=True)
class Price:
    """What a frozen Redis adds, in milliseconds: to the first call that meets it, to the middle one of those after, and
    to the slowest but a tenth of those.
    """

    first_call: float
    later_calls: float
    unlucky_calls: float


@dataclass(frozen=True, slots=True)
class Demand:
    """How many calls reached the AI for how many questions that needed it."""

    questions: int
    calls: int

    @property
    def is_too_much(self) -> bool:
        return self.calls > MAX_LOAD_BEFORE_OPENING * self.questions


@dataclass(frozen=True, slots=True)
class Baseline:
    """How long answers take in peace."""

    known: Latency
    new: Latency


@dataclass(frozen=True, slots=True)
class Observation:
    """All that was seen of one fault; moments in unix seconds.

    It struck at `began` and its cause was gone at `ended`; latency counts for what was asked until `until`. `calls` is
    what the AI knew 5 s after `ended`. `kept` is the history: the text of each message by its id.
    """

    fault: str
    is_of_the_ai: bool
    began: float
    ended: float
    until: float
    outcomes: Sequence[Outcome]
    vanished: Sequence[Outcome]
    calls: Sequence[UpstreamCall]
    changes: Sequence[Change]
    kept: Mapping[str, str]
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What one fault did. Seconds unless said otherwise; None where there is nothing to tell."""

    fault: str
    questions: int
    answered: int
    sent_again: int
    """Questions whose connection broke: they were sent to the other instance."""
    known_added: Latency
    new_added: Latency
    demand: Demand
    """While the fault lasted."""
    demand_before_opening: Demand | None
    """Until the breaker opened."""
    probes_at_once: int | None
    leaked: int
    """Calls still open 5 s later, or written to their end for a reader who had left."""
    garbled: int
    """Answers that said something twice, or not what the AI had said."""
    unsaved: int
    lost: int
    """Answers told to be saved that the history doesn't have, or has differently."""
    opened_after: float | None
    recovered_after: float | None
    """Until people were served as in peace again; None when they never were."""
    price: Price | None


def baseline(outcomes: Iterable[Outcome]) -> Baseline:
    known: list[Outcome] = []
    new: list[Outcome] = []
    for outcome in outcomes:
        (known if outcome.question.kind == "known" else new).append(outcome)
    return Baseline(latency(known), latency(new))


def figures(seen: Observation, calm: Baseline) -> Figures:
    during = [outcome for outcome in seen.outcomes if seen.began <= outcome.asked_at < seen.until]
    added = baseline(during)
    opened = next((change.at for change in seen.changes if change.state == "open" and change.at >= seen.began), None)
    return Figures(
        fault=seen.fault,
        questions=len(seen.outcomes),
        answered=sum(outcome.is_answered for outcome in seen.outcomes),
        sent_again=sum(len(outcome.correlations) > 1 for outcome in seen.outcomes),
        known_added=added.known.minus(calm.known),
        new_added=added.new.minus(calm.new),
        demand=demand(seen, seen.until),
        demand_before_opening=demand(seen, opened or seen.ended) if seen.is_of_the_ai else None,
        probes_at_once=_probes_at_once(seen) if seen.is_of_the_ai else None,
        leaked=leaked(seen),
        garbled=sum(is_garbled(outcome) for outcome in seen.outcomes),
        unsaved=sum(outcome.is_answered and not outcome.saved for outcome in seen.outcomes),
        lost=sum(is_lost(outcome, seen.kept) for outcome in seen.outcomes),
        opened_after=None if opened is None else opened - seen.began,
        recovered_after=recovered_after(seen),
        price=seen.price,
    )


def latency(outcomes: Iterable[Outcome]) -> Latency:
    """Of the answered ones; not a number when they are fewer than two."""
    took = [outcome.took * 1000 for outcome in outcomes if outcome.is_answered]
    if len(took) < 2:
        return Latency(float("nan"), float("nan"))
    cuts = quantiles(took, n=100, method="inclusive")
    return Latency(cuts[49], cuts[98])


def demand(seen: Observation, until: float) -> Demand:
    """What was asked of the AI from the beginning of the fault; a question that was sent again counts again."""
    everybody = [*seen.outcomes, *seen.vanished]
    asked = [outcome for outcome in everybody if seen.began <= outcome.asked_at < until and outcome.cache != "HIT"]
    calls = sum(seen.began <= call.began < until for call in seen.calls)
    return Demand(sum(len(outcome.correlations) for outcome in asked), calls)


def is_garbled(outcome: Outcome) -> bool:
    """Whether an answer says its beginning twice, or is not (the beginning of) what the AI answers to this question."""
    text, expected = outcome.text, outcome.question.expected
    if not outcome.is_answered:
        return False
    if outcome.origin in {"ai", "cache", "stale"} and expected:
        return not expected.startswith(text) if outcome.ending == "interrupted" else text != expected
    opening = text[:OPENING_CHARACTERS]
    return opening in text[len(opening) :]


def is_lost(outcome: Outcome, kept: Mapping[str, str]) -> bool:
    """Whether the history lacks an answer that was told to be saved.

    Where its writer was killed, what was said in its last moment, before the fleet knew of it, dies with it.
    """
    text = kept.get(outcome.message_id)
    if text is None:
        return outcome.saved
    same = outcome.text.startswith(text) if outcome.ending == "interrupted" else outcome.text == text
    return outcome.saved and not same


def leaked(seen: Observation) -> int:
    gone = {correlation for outcome in seen.vanished for correlation in outcome.correlations}
    return sum(
        (call.is_open and call.began < seen.ended) or (call.correlation in gone and call.went_to_its_end)
        for call in seen.calls
    )


def recovered_after(seen: Observation) -> float | None:
    """From the end of the fault to the last question that was not served as in peace."""
    after = sorted(
        (outcome.asked_at, outcome.is_perfect) for outcome in seen.outcomes if outcome.asked_at >= seen.ended
    )
    if not after or not after[-1][1]:
        return None
    return max((asked_at - seen.ended for asked_at, is_perfect in after if not is_perfect), default=0.0)


def most_at_once(calls: Iterable[UpstreamCall]) -> int:
    """How many of them were under way at the same moment; one without an end lasted but a moment, or still lasts."""
    steps: list[tuple[float, int]] = []
    for call in calls:
        end = float("inf") if call.is_open else max(call.ended or 0, call.began + 0.001)
        steps += [(call.began, 1), (end, -1)]
    under_way = most = 0
    for _, step in sorted(steps):
        under_way += step
        most = max(most, under_way)
    return most


def misses(found: Figures) -> list[str]:
    """The objectives that were missed, in words."""
    before = found.demand_before_opening or Demand(0, 0)
    unanswered = found.questions - found.answered
    too_often = f"at most {MAX_LOAD_BEFORE_OPENING} each"
    objectives = (
        (not unanswered, f"{unanswered} of {found.questions} questions had no answer"),
        (not found.garbled, f"{found.garbled} answers were garbled"),
        (not found.lost, f"{found.lost} answers were told to be saved and are not"),
        (not found.leaked, f"{found.leaked} calls to the AI leaked"),
        (found.recovered_after is not None, "people were not served as before again"),
        (not before.is_too_much, f"{before.calls} calls for {before.questions} questions until open, {too_often}"),
        ((found.probes_at_once or 0) <= MAX_PROBES, f"{found.probes_at_once} probes at a time, at most {MAX_PROBES}"),
    )
    return [words for holds, words in objectives if not holds] + (_too_dear(found.price) if found.price else [])


def _too_dear(price: Price) -> list[str]:
    """The same of what a frozen Redis adds."""
    limits = (
        (price.first_call, MAX_FIRST_CALL_MS, 0, "the first call"),
        (price.later_calls, MAX_LATER_CALLS_MS, 1, "later calls"),
        (price.unlucky_calls, MAX_UNLUCKY_CALLS_MS, 0, "a tenth of later calls"),
    )
    return [
        f"{added:.{digits}f} ms added to {whom}, at most {most:.0f}"
        for added, most, digits, whom in limits
        if added > most
    ]


def _probes_at_once(seen: Observation) -> int:
    """Of the calls that began while the breaker was not closed, and the AI still failed."""
    probes: list[UpstreamCall] = []
    shut_since: float | None = None
    for change in [*seen.changes, Change(seen.ended, "closed")]:
        if change.state != "closed":
            shut_since = shut_since or change.at + ON_THE_WAY_SECONDS
        elif shut_since is not None:
            probes += [call for call in seen.calls if shut_since <= call.began < min(change.at, seen.ended)]
            shut_since = None
    return most_at_once(probes)
