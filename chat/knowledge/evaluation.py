"""Measures how well questions find their entries: recall, mean reciprocal rank and abstention."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import yaml

from chat import knowledge
from chat.core.language import Language
from chat.core.question import Passage

EVALUATION_SETS = Path(__file__).parent / "evaluation_sets"
MAX_RANK = 10  # passages searched for each question


class Case(TypedDict, total=False):
    """One question of an evaluation file. `want` has the slugs of the entries that answer it; absent when off topic.

    A follow-up comes after the questions `after` of its conversation. The files mark off-topic questions about a
    family's life with `near`, for the figures of ADR 21.
    """

    ask: str
    after: list[str]
    language: Language
    want: list[str]


@dataclass(frozen=True, slots=True)
class Miss:
    """A question whose best passage is not one of the wanted entries."""

    question: str
    wanted: list[str]
    found: list[str]
    rank: int | None  # of the first wanted passage, from 1; None when it is not among the first MAX_RANK


@dataclass(frozen=True, slots=True)
class Report:
    """The floats are shares from 0 to 1."""

    questions: int
    off_topic: int
    recall_at_1: float
    recall_at_3: float
    mrr: float
    good_fits: float  # questions whose best passage reaches GOOD_FIT
    right_good_fits: float  # the share of the good fits whose best passage is a wanted one
    abstention: float  # off-topic questions whose best passage is below GOOD_FIT
    without_entry: int  # questions about disability that no entry answers
    abstention_without_entry: float
    follow_ups: int
    follow_up_recall_at_1: float
    follow_up_recall_at_3: float
    misses: list[Miss]  # worst first
    wrongly_answered: list[str]  # off-topic questions and those without an entry that have a good fit


def evaluate(file: Path) -> Report:
    """Search the current knowledge base for all cases of a YAML file.

    It has `questions`, `off_topic`, and perhaps `follow_ups` and `without_entry`.
    Raises OSError when the file cannot be read.
    """
    data = yaml.safe_load(file.read_text("utf-8"))
    cases: list[Case] = data["questions"]
    results = [_search(case) for case in cases]
    ranks = [_rank(case["want"], passages) for case, passages in zip(cases, results, strict=True)]
    good_fits = [rank == 1 for rank, passages in zip(ranks, results, strict=True) if _is_good_fit(passages)]
    misses = [
        Miss(case["ask"], case["want"], [passage.slug for passage in passages[:3]], rank)
        for case, passages, rank in zip(cases, results, ranks, strict=True)
        if rank != 1
    ]
    follow_up_ranks = [_rank(case["want"], _search(case)) for case in data.get("follow_ups", ())]
    off_topic, without_entry = data["off_topic"], data.get("without_entry", ())
    answered_off_topic, answered_without_entry = _answered(off_topic), _answered(without_entry)
    return Report(
        questions=len(cases),
        off_topic=len(off_topic),
        recall_at_1=_mean(rank == 1 for rank in ranks),
        recall_at_3=_mean(rank is not None and rank <= 3 for rank in ranks),
        mrr=_mean(1 / rank if rank else 0 for rank in ranks),
        good_fits=len(good_fits) / len(cases),
        right_good_fits=_mean(good_fits),
        abstention=1 - len(answered_off_topic) / len(off_topic),
        without_entry=len(without_entry),
        abstention_without_entry=1 - len(answered_without_entry) / (len(without_entry) or 1),
        follow_ups=len(follow_up_ranks),
        follow_up_recall_at_1=_mean(rank == 1 for rank in follow_up_ranks),
        follow_up_recall_at_3=_mean(rank is not None and rank <= 3 for rank in follow_up_ranks),
        misses=sorted(misses, key=lambda miss: -(miss.rank or MAX_RANK + 1)),
        wrongly_answered=answered_off_topic + answered_without_entry,
    )


def _search(case: Case) -> list[Passage]:
    return knowledge.current().search(case["ask"], case.get("language", "fr"), MAX_RANK, case.get("after", ()))


def _answered(cases: Iterable[Case]) -> list[str]:
    return [case["ask"] for case in cases if _is_good_fit(_search(case))]


def _is_good_fit(passages: list[Passage]) -> bool:
    return bool(passages) and passages[0].score >= knowledge.GOOD_FIT


def _rank(wanted: list[str], passages: list[Passage]) -> int | None:
    return next((rank for rank, passage in enumerate(passages, 1) if passage.slug in wanted), None)


def _mean(values: Iterable[float]) -> float:
    values = list(values)
    return sum(values) / len(values) if values else 0.0
