"""The AI's times and failures, summed over the minutes of the last hour."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from chat.core.events import Finish
from chat.storage import ai_statistics, fleet_counters


def attempt(outcome: str = "ok", first_words: int | None = 500, duration: int = 2000, service: str = "primary") -> Any:
    return {"service": service, "outcome": outcome, "firstWordsMs": first_words, "durationMs": duration}


def count(
    *attempts: Any, total: int = 2000, origin: Any = "ai", is_background: bool = False, ending: Any = "stop"
) -> None:
    tokens = {"prompt": 100, "completion": 20}
    generation = {"attempts": list(attempts), "tokens": tokens, "stages": {"total": total}}
    ai_statistics.count(Finish(origin, ending=ending, generation=generation), is_background=is_background)


def rows() -> ai_statistics.Rows:
    return list(fleet_counters.last_minutes(3).values())


def test_percentiles_are_those_of_all_answers_within_a_tenth():
    for seconds in range(1, 101):
        count(attempt(first_words=10 * seconds, duration=1000 * seconds), total=1000 * seconds)
    assert ai_statistics.quantile(rows(), "first_words", 0.5) == pytest.approx(0.5, rel=0.1)
    assert ai_statistics.quantile(rows(), "whole", 0.5) == pytest.approx(50, rel=0.1)
    assert ai_statistics.quantile(rows(), "whole", 0.95) == pytest.approx(95, rel=0.1)


def test_nobody_waited_in_an_hour_without_answers():
    assert ai_statistics.quantile(rows(), "whole", 0.5) is None


def test_the_wait_for_first_words_includes_earlier_attempts_and_their_pauses():
    count(attempt("timeout", None, 12_000), attempt(first_words=1000, duration=4000), total=17_000)
    assert ai_statistics.quantile(rows(), "first_words", 0.5) == pytest.approx(14, rel=0.1)


def test_a_fallback_has_its_first_words_when_the_last_attempt_has_failed():
    count(attempt("timeout", None, 12_000), total=12_000, origin="fallback")
    assert ai_statistics.quantile(rows(), "first_words", 0.5) == pytest.approx(12, rel=0.1)


def test_failures_are_counted_by_code_and_service():
    count(attempt("http_503"), attempt("http_503"), attempt("timeout", service="fallback"), attempt("client_left"))
    failed = sum(map(ai_statistics.failures, rows()), Counter[str]())
    assert failed == {"http_503": 2, "timeout@fallback": 1}


def test_a_warm_up_counts_tokens_but_no_wait_and_a_stopped_answer_has_no_length():
    count(attempt(), is_background=True)
    count(attempt(), ending="stopped")
    assert ai_statistics.tokens(rows()) == 240
    assert ai_statistics.quantile(rows(), "whole", 0.5) is None


def test_an_answer_of_the_cache_is_not_counted_again():
    count(attempt("http_503"), origin="cache")
    assert list(rows()) == [{}, {}, {}]
