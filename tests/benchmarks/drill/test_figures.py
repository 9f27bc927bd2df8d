"""The computation of a drill's figures and of the missed objectives."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.drill.clients import Outcome, Question
from benchmarks.drill.figures import (
    Baseline,
    Demand,
    Figures,
    Hostile,
    Latency,
    Observation,
    Price,
    figures_of,
    is_garbled,
    is_lost,
    latency,
    max_concurrent,
)
from benchmarks.drill.objectives import missed_objectives
from benchmarks.drill.observations import (
    BreakerChange,
    Logs,
    UpstreamCall,
    breaker_changes,
    split_hostile,
    upstream_calls,
)
from benchmarks.drill.report import Report

TEXT = "Bonjour, voici ce que dit la loi, en peu de mots et sans détour."
BASELINE = Baseline(Latency(10, 20), Latency(100, 200))


def outcome(at: float, **changes: Any) -> Outcome:
    """A question sent at that time with an unaffected answer, except for `changes`."""
    kind = changes.pop("kind", "new")
    expected = changes.pop("expected", TEXT)
    fields: dict[str, Any] = {
        "correlation_ids": ["drill-1-1"],
        "status": 200,
        "text": TEXT,
        "origin": "ai",
        "ending": "stop",
        "saved": True,
        "cache": "MISS",
        "message_id": "m",
        "duration": 0.1,
        "error": "",
    }
    return Outcome(Question(1, kind, "json", "?", "token", expected), at, **(fields | changes))


def call(began: float, ended: float | None = None, **changes: Any) -> UpstreamCall:
    fields: dict[str, Any] = {"correlation_id": f"drill-{began}", "attempt": 1, "is_open": False, "is_complete": True}
    return UpstreamCall(began=began, ended=ended, **(fields | changes))


def observation(**changes: Any) -> Observation:
    """A fault of the AI from second 10 to second 16."""
    empty: dict[str, Any] = {"outcomes": [], "abandoned": [], "calls": [], "changes": [], "history": {"m": TEXT}}
    return Observation(
        **(empty | {"fault": "ai-500", "fails_the_ai": True, "began": 10, "ended": 16, "until": 16} | changes)
    )


def figures_with(**changes: Any) -> Figures:
    """Figures that meet all objectives, except for `changes`."""
    good = figures_of(observation(outcomes=[outcome(9), outcome(11), outcome(12), outcome(17)]), BASELINE)
    return replace(good, **changes)


def test_added_latency_is_the_latency_of_answers_minus_the_baseline():
    outcomes = [outcome(11, duration=0.1 * n, kind="known") for n in range(1, 10)]
    outcomes += [outcome(11, duration=9.0, kind="known", error="Broken"), outcome(17, duration=9.0, kind="known")]
    found = figures_of(observation(outcomes=outcomes), BASELINE)
    assert found.known_added.p50 == pytest.approx(500 - 10)
    assert found.known_added.p99 == pytest.approx(892 - 20)
    assert math.isnan(found.new_added.p50)
    assert latency([outcome(1, duration=0.2), outcome(1, duration=0.4)]).p50 == pytest.approx(300)


def test_an_answer_is_a_200_with_text_read_to_its_end():
    incomplete = [outcome(11, status=500), outcome(11, text=""), outcome(11, error="Broken")]
    found = figures_of(observation(outcomes=[outcome(11), *incomplete]), BASELINE)
    assert (found.answered, found.questions) == (1, 4)
    assert "3 of 4 questions had no answer" in missed_objectives(found)


def test_a_request_that_was_sent_again_on_a_fresh_connection_is_one_attempt():
    calls = [call(11), call(11.01, correlation_id="drill-11"), call(12, correlation_id="drill-11", attempt=2)]
    assert figures_of(observation(outcomes=[outcome(11)], calls=calls), BASELINE).demand == Demand(1, 2)


def test_demand_counts_calls_and_questions_that_missed_the_cache():
    outcomes = [
        outcome(11),
        outcome(12, correlation_ids=["a", "b"]),
        outcome(12, cache="HIT"),
        outcome(14),
        outcome(17),
    ]
    found = figures_of(
        observation(
            outcomes=outcomes, calls=[call(n) for n in (9, 11, 12, 12.5, 14, 17)], changes=[BreakerChange(13, "open")]
        ),
        BASELINE,
    )
    assert found.demand == Demand(questions=4, calls=4)
    assert found.demand_before_opening == Demand(questions=3, calls=3)
    assert found.opened_after == 3


def test_too_many_calls_before_opening_miss_an_objective():
    assert missed_objectives(figures_with(demand_before_opening=Demand(questions=10, calls=13))) == []
    assert (
        "14 calls for 10 questions"
        in missed_objectives(figures_with(demand_before_opening=Demand(questions=10, calls=14)))[0]
    )


def test_probes_are_calls_begun_while_the_breaker_is_not_closed():
    opened = [BreakerChange(11, "open"), BreakerChange(13, "half_open"), BreakerChange(13.5, "open")]
    one = figures_of(
        observation(calls=[call(10.5, 14), call(11.2, 15), call(13, 13.5), call(15, 15.9)], changes=opened), BASELINE
    )
    assert one.probes_at_once == 1  # the first two were admitted before it opened
    two = figures_of(observation(calls=[call(13, 14), call(13.5, 13.6)], changes=opened), BASELINE)
    assert two.probes_at_once == 2
    assert "2 probes at a time, at most 1" in missed_objectives(two)


def test_calls_after_the_breaker_closed_or_the_fault_ended_are_not_probes():
    changes = [
        BreakerChange(11, "open"),
        BreakerChange(13, "half_open"),
        BreakerChange(13.5, "closed"),
        BreakerChange(15, "open"),
    ]
    found = figures_of(
        observation(calls=[call(14, 16), call(14.1, 16), call(16.5, 17), call(16.6, 17)], changes=changes), BASELINE
    )
    assert found.probes_at_once == 0


def test_calls_that_end_when_another_begins_are_not_concurrent():
    assert max_concurrent([call(1, 2), call(2, 3), call(2.5, None)]) == 2
    assert max_concurrent([call(1, None, is_open=True), call(9, 10)]) == 2
    assert max_concurrent([]) == 0


def test_a_call_leaks_when_it_is_still_open_or_completed_for_an_abandoned_stream():
    abandoned = outcome(12, correlation_ids=["drill-7-1"])
    leaking = [call(12, is_open=True), call(12, correlation_id="drill-7-1")]
    harmless = [call(12), call(17, is_open=True), call(12, correlation_id="drill-7-1", is_complete=False)]
    assert figures_of(observation(calls=[*leaking, *harmless], abandoned=[abandoned]), BASELINE).leaked == 2


@pytest.mark.parametrize(
    ("text", "changes", "garbled"),
    [
        (TEXT, {}, False),
        (TEXT + TEXT, {}, True),
        (TEXT[:20], {}, True),
        (TEXT[:20], {"ending": "interrupted"}, False),
        (TEXT[:20] + TEXT[:20], {"ending": "interrupted"}, True),
        ("An article with other text.", {"origin": "knowledge"}, False),
        (TEXT + TEXT, {"origin": "knowledge"}, True),
        (TEXT + TEXT, {"expected": ""}, True),
        ("", {"error": "Broken"}, False),
    ],
)
def test_an_answer_is_garbled_when_it_repeats_text_or_differs_from_the_ai(text, changes, garbled):
    assert is_garbled(outcome(1, text=text, **changes)) is garbled


@pytest.mark.parametrize(
    ("history", "changes", "lost"),
    [
        ({"m": TEXT}, {}, False),
        ({}, {}, True),
        ({"m": ""}, {}, True),
        ({"m": TEXT[:20]}, {}, True),
        ({"m": TEXT[:20]}, {"ending": "interrupted"}, False),
        ({"m": ""}, {"ending": "interrupted"}, False),  # its worker was killed within the first second
        ({}, {"ending": "interrupted"}, True),
        ({"m": "Other text."}, {"ending": "interrupted"}, True),
        ({}, {"saved": False}, False),
    ],
)
def test_an_answer_is_lost_when_it_was_reported_as_saved_and_is_not(history, changes, lost):
    assert is_lost(outcome(1, **changes), history) is lost


@pytest.mark.parametrize(
    ("affected", "recovered"),
    [
        ([], 0.0),
        ([17.5], 1.5),
        ([11, 17.5], 1.5),
        ([20], None),
    ],
)
def test_recovery_is_the_last_affected_answer_after_the_fault(affected, recovered):
    outcomes = [outcome(at, degraded=at in affected) for at in (11, 16.5, 17.5, 20)]
    assert figures_of(observation(outcomes=outcomes), BASELINE).recovered_after == recovered


@pytest.mark.parametrize(
    "change",
    [{"saved": False}, {"cache": "BYPASS"}, {"correlation_ids": ["a", "b"]}, {"degraded": True}, {"status": 503}],
)
def test_an_answer_that_is_degraded_in_any_way_is_not_recovered(change):
    assert figures_of(observation(outcomes=[outcome(17, **change)]), BASELINE).recovered_after is None


@pytest.mark.parametrize(
    ("change", "miss"),
    [
        ({"garbled": 1}, "1 answers were garbled"),
        ({"lost": 2}, "2 answers were reported as saved and are not"),
        ({"leaked": 3}, "3 calls to the AI leaked"),
        ({"recovered_after": None}, "service did not recover in time"),
        ({"price": Price(151, 0, 0)}, "151 ms added to the first call, at most 150"),
        ({"price": Price(0, 5.2, 0)}, "5.2 ms added to later calls, at most 5"),
        ({"price": Price(0, 0, 95)}, "95 ms added to a tenth of later calls, at most 50"),
    ],
)
def test_each_objective_can_be_missed(change, miss):
    assert missed_objectives(figures_with()) == []
    assert missed_objectives(figures_with(**change)) == [miss]


def test_the_table_has_a_row_for_each_fault_and_misses_name_their_fault():
    report = Report(BASELINE, [figures_with(), figures_with(fault="redis-killed", lost=1)], seconds=60)
    head, rule, *rows = report.as_table().splitlines()
    assert len({len(line) for line in (head, rule, *rows)}) == 1
    assert [row.split()[1] for row in rows] == ["ai-500", "redis-killed"]
    assert report.missed == ["redis-killed at 5/s: 1 answers were reported as saved and are not"]
    assert report.as_dict()["faults"][1]["lost"] == 1


def test_the_end_of_a_call_is_found_in_the_log_by_correlation_id_and_attempt(tmp_path):
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
    second, third = upstream_calls(ledger, lines)
    assert second.ended == breaker_changes(lines)[0].at - 0.5
    assert (third.ended, third.is_open) == (None, True)
    assert [change.state for change in breaker_changes(lines)] == ["open"]


def test_log_lines_of_an_instance_with_a_shifted_clock_are_corrected(tmp_path):
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
    assert [line.at for line in logs.read(clock_shift=3600)] == [pytest.approx(now.timestamp(), abs=0.01)] * 2


def test_the_wait_is_that_of_questions_which_are_not_in_the_cache():
    outcomes = [outcome(11, duration=0.2, words_after=0.1), outcome(12, duration=0.4, words_after=0.3)]
    found = figures_of(observation(outcomes=[*outcomes, outcome(12, kind="known", words_after=9.0)]), BASELINE)
    assert found.wait.p50 == pytest.approx(300)
    assert found.words.p50 == pytest.approx(200)


def test_late_words_miss_an_objective():
    assert "first words of streams after 5.1 s, at most 5" in missed_objectives(figures_with(words=Latency(1, 5100)))
    assert "answers after 13.1 s, at most 13" in missed_objectives(figures_with(wait=Latency(1, 13100)))


def test_a_recovery_that_the_drill_has_not_waited_for_is_not_judged():
    never = figures_with(recovered_after=None)
    assert "service did not recover in time" in missed_objectives(never)
    assert "service did not recover in time" in missed_objectives(
        figures_with(recovered_after=76.0, recovers_within=75)
    )
    assert missed_objectives(replace(never, recovers_within=None)) == []


def test_a_slow_dependency_may_neither_be_logged_as_unavailable_nor_leave_an_answer_unsaved():
    assert missed_objectives(figures_with(outages_logged=2, unsaved=1)) == []
    assert missed_objectives(figures_with(outages_logged=2, unsaved=1, is_only_slow=True)) == [
        "2 outages logged of a dependency that was only slow",
        "1 answers unsaved though all was only slow",
    ]


def test_answers_saved_late_are_reported_as_unsaved_and_are_in_the_history():
    outcomes = [outcome(11), outcome(11, saved=False), outcome(11, saved=False, message_id="another")]
    assert figures_of(observation(outcomes=outcomes), BASELINE).saved_late == 1


def test_a_hostile_visitor_may_neither_slow_others_down_nor_spend_more_than_the_budget():
    usual, during = Baseline(Latency(20, 60), Latency(800, 1000)), Baseline(Latency(30, 60), Latency(800, 1300))
    beside = figures_with(hostile=Hostile(1500, 1500, []), usual=usual, during=usual)
    assert missed_objectives(beside) == []
    assert missed_objectives(replace(beside, during=during)) == ["new answers to others in 1300 ms (p99), usually 1000"]
    assert missed_objectives(replace(beside, hostile=Hostile(1501, 1500, ["GET /x: 200"] * 2))) == [
        "the hostile visitor had 1501 calls of the AI, at most 1500",
        "2 times: GET /x: 200",
    ]


def test_calls_for_a_hostile_visitor_are_not_those_of_others():
    calls = [call(11), call(12, correlation_id="hostile-7"), call(13)]
    assert split_hostile(calls) == ([calls[0], calls[2]], 1)
