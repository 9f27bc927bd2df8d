"""Which points of which passages answer a question."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ai_service.passages import Passage, Point, points_of
from ai_service.phrases import MOODS, mood_of
from ai_service.words import folded, meaningful_stems, stems_of, weight_of

LEAST, MOST = 2, 5  # points in an answer
NUMBER = r"\b(\d+|une?|deux|trois|quatre|six|one|two|three|four)"
FIT = 0.1  # the share of a question's words, by weight, that a passage must know to be about it

# What may be asked for, and how a point looks that says it; both are matched on folded text.
KINDS = tuple(
    (re.compile(asked), re.compile(said))
    for asked, said in (
        # how much
        (
            r"\bcombien\b(?! de (temps|jours|mois|ans))|\bmontants?\b|\btouche|\bhow much\b|\bamount",
            r"€|\beuros?\b|\bmontants?\b|\bamounts?\b",
        ),
        # when, how long
        (
            r"\bquand\b|\bdelais?\b|\bcombien de temps\b|\bjusqu|\bdure|\bwhen\b|\bhow long\b|\bdeadline",
            rf"{NUMBER} (ans?|mois|jours?|semaines?|years?|months?|days?|weeks?)\b",
        ),
        # how
        (
            r"\bcomment\b|\bdemander\b|\bdemarche|\bobtenir\b|\bhow (do|can|to)\b|\bapply\b",
            r"^\W*\w+ez\b|\bdemandez\b|\bdossier\b|\bformulaire\b|^\W*(apply|ask|call|contact|fill|send|write)\b|\bform\b",
        ),
        # whom to call
        (
            rf"\bappeler\b|\btelephone|\bnumero\b|\bcall\b|\bphone\b|{MOODS['worried']}",
            r"\b0 8\d\d\b|\b3\d{3}\b|\b11\d\b|(\d\d ){4}",
        ),
        # what if it doesn't come
        (
            r"\btoujours pas\b|\bpas d(e\b|')|\bmanque|\b(still|but) no\b|\bno (answer|aesh)",
            r"\bmanque|\babsence\b|\bsans reponse\b|\bsilence\b|\bif no\b|\black\b|\bno answer\b",
        ),
        # what after a refusal
        (r"\brefus|\bcontest|\brecours\b|\bappeal", r"\brecours\b|\brapo\b|\btribunal\b|\bcontest|\bappeal"),
        # who may have it
        (
            r"\bdroit\b|\bconditions?\b|\bqui peut\b|\bentitled\b|\beligible\b",
            r"\bpeu(t|vent)\b|\b(au )?moins (de )?\d|\bunder \d|\bat least\b|\bentitled\b",
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Choice:
    """The points chosen from one passage, in its order. `number` is the passage's, from 1."""

    number: int
    passage: Passage
    points: tuple[Point, ...]


def choose(question: str, passages: Sequence[Passage], earlier: Sequence[str] = ()) -> list[Choice]:
    """The few points that answer best, the best passage first. Empty when no passage is about the question."""
    asked = Asked(question, earlier)
    # Whoever searched has ranked the passages and knew more than we do: a later one has to fit clearly better.
    fits = {number: asked.fit(passage) / number for number, passage in enumerate(passages, 1)}
    ranked = sorted(fits, key=lambda number: -fits[number])
    # Who is at the end of their strength writes few words that an article holds: then the search is trusted.
    if not ranked or (fits[ranked[0]] < FIT and mood_of(question) != "worried"):
        return []
    first, others = ranked[0], ranked[1:]
    rest = asked.beyond(passages[first - 1])
    second = next((number for number in others if rest.fit(passages[number - 1]) > 0.5), None)
    if second is None:
        return [_choice(asked, first, passages, MOST)]
    return [_choice(asked, first, passages, MOST - LEAST), _choice(rest, second, passages, LEAST)]


def _choice(asked: Asked, number: int, passages: Sequence[Passage], most: int) -> Choice:
    return Choice(number, passages[number - 1], pick(asked, passages[number - 1], most))


class Asked:
    """A question, as weighted stems and the kinds of things it asks for."""

    def __init__(self, question: str, earlier: Sequence[str] = ()) -> None:
        self.weights = {stem: weight_of(stem) for stem in stems_of(question)}
        if earlier and sum(self.weights.values()) < 2:  # "et combien de temps ?" goes on about what was asked before
            self.weights = dict.fromkeys(stems_of(earlier[-1]), 0.5) | self.weights
        self.wanted = [said for asked, said in KINDS if asked.search(folded(question))]

    def fit(self, passage: Passage) -> float:
        """How much of the question the passage knows, from 0 to about 1; its title counts more than its text."""
        title = meaningful_stems(passage.title)
        known = sum(self.weights.get(stem, 0) for stem in set(title))
        known += 0.7 * sum(self.weights.get(stem, 0) for stem in passage.stems - set(title))
        known += 0.3 * self.weights.get(title[0], 0) if title else 0
        return known / (sum(self.weights.values()) or 1)

    def beyond(self, passage: Passage) -> Asked:
        """What this passage leaves unanswered: the question's own words that it doesn't hold."""
        rest = Asked("")
        left = self.weights.keys() - passage.stems
        rest.weights = {stem: weight for stem, weight in self.weights.items() if weight == 1 and stem in left}
        return rest


def pick(asked: Asked, passage: Passage, most: int) -> tuple[Point, ...]:
    """The worthiest points until enough is said; what is said already counts less."""
    points = points_of(passage)
    rarity = _rarity(asked, passage)
    chosen: set[Point] = set()
    said: Counter[str] = Counter()

    def worth(point: Point) -> float:
        own = sum(weight / (1 + said[stem]) for stem, weight in rarity.items() if stem in point.stems)
        around = sum(weight / 3 for stem, weight in rarity.items() if stem in point.context_stems)
        kinds = sum(1.0 for looks in asked.wanted if looks.search(folded(f"{point.heading} {point.text}")))
        lead = 1.5 / (1 + point.place) if point.block == 0 else 0.0  # a text's first words are its short answer
        together = 0.7 if any(point.is_item and point.block == other.block for other in chosen) else 0.0
        doubt = 0.5 if point.is_conditional and not (around or kinds) else 1.0
        return doubt * (own + around + kinds + lead + together)

    enough = 0.0
    while len(chosen) < min(most, len(points)):
        best = max((point for point in points if point not in chosen), key=worth)
        enough = enough or 0.35 * worth(best)
        if len(chosen) >= LEAST and worth(best) < enough:
            break
        for point in _with_support(best, points):
            said.update(point.stems)
            chosen.add(point)
    return tuple(point for point in points if point in chosen)


def _rarity(asked: Asked, passage: Passage) -> dict[str, float]:
    """Each stem's weight: higher where few points hold it, low when the whole passage is about it."""
    points, title = points_of(passage), stems_of(passage.title)
    held = Counter(stem for point in points for stem in point.stems)
    return {
        stem: weight * (0.3 if stem in title else 1.0) * math.log(1 + len(points) / (1 + held[stem]))
        for stem, weight in asked.weights.items()
    }


def _with_support(point: Point, points: Sequence[Point]) -> list[Point]:
    """The point after the sentences that it leans on."""
    support = [point]
    while support[0].leans and support[0].place > 0:
        support.insert(0, points[support[0].place - 1])
    return support
