"""The arithmetic of a drill: figures from what was seen, misses from figures."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from chat.drill.evidence import Change, Logs, UpstreamCall, calls, changes
from chat.drill.figures import (
    Baseline,
    Demand,
    Figures,
    Latency,
    Observation,
    Price,
    figures,
    is_garbled,
    is_lost,
    latency,
    misses,
    most_at_once,
)
from chat.drill.people import Outcome, Question
from chat.drill.report import Report

WORDS = "Bonjour, voici ce que dit la loi, en peu de mots et sans détour."
CALM = Baseline(Latency(10, 20), Latency(100, 200))


def answered(at: float, **changes: Any) -> Outcome:
    """A question asked at that moment and answered as in peace."""
    kind = changes.pop("kind", "new")
    expected = changes.pop("expected", WORDS)
    whole = {
        "correlations": ["drill-1-1"],
        "status": 200,
        "text": WORDS,
        "origin": "ai",
        "ending": "stop",
        "saved": True,
        "cache": "MISS",
        "message_id": "m",
        "took": 0.1,
        "trouble": "",
    }
    return Outcome(Question(1, kind, "json", "?", "token", expected), at, **(whole | changes))


def call(began: float, ended: float | None = None, **changes: Any) -> UpstreamCall:
    whole = {"correlation": "drill-1-1", "is_open": False, "went_to_its_end": True}
    return UpstreamCall(began=began, ended=ended, **(whole | changes))


def seen(**changes: Any) -> Observation:
    """A fault of the AI from second 10 to second 16."""
    nothing: dict[str, Any] = {"outcomes": [], "vanished": [], "calls": [], "changes": [], "kept": {"m": WORDS}}
    return Observation(
        **({"fault": "ai-500", "is_of_the_ai": True, "began": 10, "ended": 16, "until": 16} | nothing | changes)
    )


def figures_of(**changes: Any) -> Figures:
    """Figures that miss nothing, but for these."""
    fine = figures(seen(outcomes=[answered(9), answered(11), answered(12), answered(17)]), CALM)
    return replace(fine, **changes)


def test_latency_is_that_of_the_answers_and_added_to_that_of_peace():
    outcomes = [answered(11, took=0.1 * n, kind="known") for n in range(1, 10)]
    outcomes += [answered(11, took=9.0, kind="known", trouble="Broken"), answered(17, took=9.0, kind="known")]
    found = figures(seen(outcomes=outcomes), CALM)
    assert found.known_added.p50 == pytest.approx(500 - 10)
    assert found.known_added.p99 == pytest.approx(892 - 20)
    assert math.isnan(found.new_added.p50)
    assert latency([answered(1, took=0.2), answered(1, took=0.4)]).p50 == pytest.approx(300)


def test_what_is_answered_is_200_with_text_to_its_end():
    flawed = [answered(11, status=500), answered(11, text=""), answered(11, trouble="Broken")]
    found = figures(seen(outcomes=[answered(11), *flawed]), CALM)
    assert (found.answered, found.questions) == (1, 4)
    assert "3 of 4 questions had no answer" in misses(found)


def test_the_demand_counts_calls_against_questions_that_the_cache_could_not_answer():
    outcomes = [
        answered(11),
        answered(12, correlations=["a", "b"]),
        answered(12, cache="HIT"),
        answered(14),
        answered(17),
    ]
    found = figures(
        seen(outcomes=outcomes, calls=[call(n) for n in (9, 11, 12, 12.5, 14, 17)], changes=[Change(13, "open")]), CALM
    )
    assert found.demand == Demand(questions=4, calls=4)
    assert found.demand_before_opening == Demand(questions=3, calls=3)
    assert found.opened_after == 3


def test_too_much_demand_is_a_miss():
    assert misses(figures_of(demand_before_opening=Demand(questions=10, calls=13))) == []
    assert "14 calls for 10 questions" in misses(figures_of(demand_before_opening=Demand(questions=10, calls=14)))[0]


def test_probes_are_the_calls_made_while_the_breaker_is_not_closed():
    opened = [Change(11, "open"), Change(13, "half_open"), Change(13.5, "open")]
    one = figures(seen(calls=[call(10.5, 14), call(11.2, 15), call(13, 13.5), call(15, 15.9)], changes=opened), CALM)
    assert one.probes_at_once == 1  # the first two were on the way when it opened
    two = figures(seen(calls=[call(13, 14), call(13.5, 13.6)], changes=opened), CALM)
    assert two.probes_at_once == 2
    assert "2 probes at a time, at most 1" in misses(two)


def test_calls_after_it_closed_again_or_after_the_fault_are_no_probes():
    moved = [Change(11, "open"), Change(13, "half_open"), Change(13.5, "closed"), Change(15, "open")]
    found = figures(seen(calls=[call(14, 16), call(14.1, 16), call(16.5, 17), call(16.6, 17)], changes=moved), CALM)
    assert found.probes_at_once == 0


def test_calls_that_only_touch_are_not_at_once():
    assert most_at_once([call(1, 2), call(2, 3), call(2.5, None)]) == 2
    assert most_at_once([call(1, None, is_open=True), call(9, 10)]) == 2
    assert most_at_once([]) == 0


def test_a_call_leaks_when_it_is_still_open_or_was_written_for_nobody():
    gone = answered(12, correlations=["drill-7-1"])
    leaking = [call(12, is_open=True), call(12, correlation="drill-7-1")]
    fine = [call(12), call(17, is_open=True), call(12, correlation="drill-7-1", went_to_its_end=False)]
    assert figures(seen(calls=[*leaking, *fine], vanished=[gone]), CALM).leaked == 2


@pytest.mark.parametrize(
    ("text", "changes", "garbled"),
    [
        (WORDS, {}, False),
        (WORDS + WORDS, {}, True),
        (WORDS[:20], {}, True),
        (WORDS[:20], {"ending": "interrupted"}, False),
        (WORDS[:20] + WORDS[:20], {"ending": "interrupted"}, True),
        ("An article that nobody expects.", {"origin": "knowledge"}, False),
        (WORDS + WORDS, {"origin": "knowledge"}, True),
        (WORDS + WORDS, {"expected": ""}, True),
        ("", {"trouble": "Broken"}, False),
    ],
)
def test_an_answer_is_garbled_when_it_says_something_twice_or_not_what_the_ai_said(text, changes, garbled):
    assert is_garbled(answered(1, text=text, **changes)) is garbled


@pytest.mark.parametrize(
    ("kept", "changes", "lost"),
    [
        ({"m": WORDS}, {}, False),
        ({}, {}, True),
        ({"m": ""}, {}, True),
        ({"m": WORDS[:20]}, {}, True),
        ({"m": WORDS[:20]}, {"ending": "interrupted"}, False),
        ({"m": ""}, {"ending": "interrupted"}, False),  # its writer died within the first half second
        ({}, {"ending": "interrupted"}, True),
        ({"m": "Other words."}, {"ending": "interrupted"}, True),
        ({}, {"saved": False}, False),
    ],
)
def test_an_answer_is_lost_when_it_was_told_to_be_saved_and_is_not(kept, changes, lost):
    assert is_lost(answered(1, **changes), kept) is lost


@pytest.mark.parametrize(
    ("flaws", "recovered"),
    [
        ([], 0.0),
        ([17.5], 1.5),
        ([11, 17.5], 1.5),
        ([20], None),
    ],
)
def test_recovery_is_the_last_flaw_after_the_fault(flaws, recovered):
    outcomes = [answered(at, degraded=at in flaws) for at in (11, 16.5, 17.5, 20)]
    assert figures(seen(outcomes=outcomes), CALM).recovered_after == recovered


@pytest.mark.parametrize(
    "flaw", [{"saved": False}, {"cache": "BYPASS"}, {"correlations": ["a", "b"]}, {"degraded": True}, {"status": 503}]
)
def test_nothing_less_than_in_peace_is_recovered(flaw):
    assert figures(seen(outcomes=[answered(17, **flaw)]), CALM).recovered_after is None


@pytest.mark.parametrize(
    ("flaw", "miss"),
    [
        ({"garbled": 1}, "1 answers were garbled"),
        ({"lost": 2}, "2 answers were told to be saved and are not"),
        ({"leaked": 3}, "3 calls to the AI leaked"),
        ({"recovered_after": None}, "people were not served as before again"),
        ({"price": Price(151, 0, 0)}, "151 ms added to the first call, at most 150"),
        ({"price": Price(0, 5.2, 0)}, "5.2 ms added to later calls, at most 5"),
        ({"price": Price(0, 0, 95)}, "95 ms added to a tenth of later calls, at most 50"),
    ],
)
def test_each_objective_can_be_missed(flaw, miss):
    assert misses(figures_of()) == []
    assert misses(figures_of(**flaw)) == [miss]


def test_the_table_has_a_row_for_each_fault_and_the_misses_name_theirs():
    report = Report(CALM, [figures_of(), figures_of(fault="redis-killed", lost=1)], seconds=60)
    head, rule, *rows = report.as_table().splitlines()
    assert len({len(line) for line in (head, rule, *rows)}) == 1
    assert [row.split()[1] for row in rows] == ["ai-500", "redis-killed"]
    assert report.missed == ["redis-killed: 1 answers were told to be saved and are not"]
    assert report.as_dict()["faults"][1]["lost"] == 1


def test_a_calls_end_is_found_in_the_log_by_question_and_attempt(tmp_path):
    log = tmp_path / "web.log"
    log.write_text('{"timestamp":"2026-11-22T10:00:00.000Z","message":"from before"}\n')
    logs = Logs([log])
    finished = (
        '{"timestamp":"2026-11-22T10:00:0%d.500Z","message":"AI call finished","correlationId":"q","attempt":%d}\n'
    )
    opened = '{"timestamp":"2026-11-22T10:00:03.000Z","message":"Breaker changed state","toState":"open"}\n'
    with log.open("a") as end:
        end.write(opened + finished % (2, 2) + "Traceback (not JSON)\n" + finished % (1, 1))
    ledger = [
        {"at": 1.0, "headers": {"x-correlation-id": "q", "x-retry-count": "1"}, "ended": "fault"},
        {"at": 2.0, "headers": {"x-correlation-id": "q", "x-retry-count": "2"}, "ended": "open"},
    ]
    lines = logs.read()
    second, third = calls(ledger, lines)
    assert second.ended == changes(lines)[0].at - 0.5
    assert (third.ended, third.is_open) == (None, True)
    assert [change.state for change in changes(lines)] == ["open"]


def test_lines_of_an_instance_whose_clock_is_ahead_are_put_in_their_place(tmp_path):
    from datetime import UTC, datetime, timedelta

    log = tmp_path / "web.log"
    log.touch()
    logs = Logs([log])
    now = datetime.now(UTC)
    log.write_text(
        "".join(
            f'{{"timestamp":"{(now + ahead).isoformat()}","message":"x"}}\n'
            for ahead in (timedelta(hours=1), timedelta())
        )
    )
    assert [line.at for line in logs.read(wrong_by=3600)] == [pytest.approx(now.timestamp(), abs=0.01)] * 2
