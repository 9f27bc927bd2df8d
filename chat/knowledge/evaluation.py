"""How well questions find their entries: the figures that the search is tuned by, and held to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import yaml

from chat import knowledge
from chat.questions import Language, Passage

DEPTH = 10  # passages looked at


class Case(TypedDict, total=False):
    """One question of an evaluation file: `want` names the entries that answer it, none when it is off topic."""

    ask: str
    language: Language
    want: list[str]


@dataclass(frozen=True, slots=True)
class Miss:
    """A question whose best passage was a wrong one."""

    question: str
    wanted: list[str]
    found: list[str]
    rank: int | None  # of the first right passage, from 1; None when it was not among the first DEPTH


@dataclass(frozen=True, slots=True)
class Report:
    """All but the counts and lists are shares of 1."""

    questions: int
    off_topic: int
    recall_at_1: float
    recall_at_3: float
    mrr: float
    good_fits: float  # questions whose best passage reaches GOOD_FIT
    right_good_fits: float  # of those, the ones whose best passage is right
    abstention: float  # off-topic questions whose best passage doesn't reach GOOD_FIT
    misses: list[Miss]  # worst first
    wrongly_answered: list[str]  # the off-topic questions that found a good fit


def evaluate(file: Path) -> Report:
    """Ask the library in force all that is in the file: `questions` and `off_topic`, lists of `Case`."""
    data = yaml.safe_load(file.read_text("utf-8"))
    cases: list[Case] = data["questions"]
    found = [_found(case) for case in cases]
    ranks = [_rank(case["want"], passages) for case, passages in zip(cases, found, strict=True)]
    fits = [rank == 1 for rank, passages in zip(ranks, found, strict=True) if _fits(passages)]
    misses = [
        Miss(case["ask"], case["want"], [passage.slug for passage in passages[:3]], rank)
        for case, passages, rank in zip(cases, found, ranks, strict=True)
        if rank != 1
    ]
    astray: list[str] = [case["ask"] for case in data["off_topic"] if _fits(_found(case))]
    return Report(
        questions=len(cases),
        off_topic=len(data["off_topic"]),
        recall_at_1=_share(rank == 1 for rank in ranks),
        recall_at_3=_share(rank is not None and rank <= 3 for rank in ranks),
        mrr=_share(1 / rank if rank else 0 for rank in ranks),
        good_fits=len(fits) / len(cases),
        right_good_fits=_share(fits),
        abstention=1 - len(astray) / len(data["off_topic"]),
        misses=sorted(misses, key=lambda miss: -(miss.rank or DEPTH + 1)),
        wrongly_answered=astray,
    )


def _found(case: Case) -> list[Passage]:
    return knowledge.search(case["ask"], case.get("language", "fr"), DEPTH)


def _fits(passages: list[Passage]) -> bool:
    return bool(passages) and passages[0].score >= knowledge.GOOD_FIT


def _rank(wanted: list[str], passages: list[Passage]) -> int | None:
    return next((rank for rank, passage in enumerate(passages, 1) if passage.slug in wanted), None)


def _share(values: Iterable[float]) -> float:
    values = list(values)
    return sum(values) / len(values) if values else 0.0
