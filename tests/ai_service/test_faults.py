from __future__ import annotations

import time

import pytest
import requests

from tests.ai_service.asking import ask, open_call, text_of
from tests.waiting import eventually


def is_well(ai):
    return ask(ai).status_code == 200


def test_down_resets_the_connection_without_an_answer(ai):
    ai.fail("down")
    with open_call(ai) as call, pytest.raises(ConnectionResetError):
        call.recv(1)


def test_down_for_all_calls_is_seen_by_health_too_but_not_by_the_control_surface(ai, http):
    ai.fail("down")
    with pytest.raises(requests.ConnectionError):
        http.get(f"{ai.url}/health", timeout=2)
    ai.heal()
    assert http.get(f"{ai.url}/health", timeout=2).json() == {"status": "healthy"}


@pytest.mark.parametrize("wish", [{"operation": "chat"}, {"share": 0.5}, {"count": 3}])
def test_health_is_well_while_some_calls_are_answered(ai, http, wish):
    ai.fail("down", **wish)
    assert http.get(f"{ai.url}/health", timeout=2).ok


def test_slow_waits_before_the_first_byte_and_then_answers_in_full(ai):
    ai.fail("slow", seconds=0.3)
    answer = ask(ai)
    assert 0.3 < answer.elapsed.total_seconds() < 1
    assert "AEEH" in text_of(answer)
    assert ai.requests[-1]["ended"] == "complete"


def test_drip_sends_byte_by_byte_from_the_status_line_on(ai):
    ai.fail("drip", seconds=0.02)
    with open_call(ai) as call:
        begun = time.monotonic()
        received = b"".join(call.recv(1024) for _ in range(10))
        assert received.startswith(b"HTTP/1.1"[: len(received)])
        assert len(received) <= 2 + (time.monotonic() - begun) / 0.02


def test_error_answers_with_the_status_that_was_wished(ai):
    ai.fail("error", status=503)
    answer = ask(ai)
    assert answer.status_code == 503
    assert answer.json()["error"]["type"] == "server_error"


def test_rate_limited_says_when_to_come_back(ai):
    ai.fail("rate_limited", retry_after=7)
    answer = ask(ai)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


def test_cut_breaks_a_stream_after_so_many_tokens(ai):
    ai.fail("cut", after_tokens=3)
    with open_call(ai) as call:
        received = b"".join(iter(lambda: call.recv(65536), b""))
    assert received.count(b'"content":"') == 1 + 3  # the first one, with the role, is empty
    assert b"[DONE]" not in received
    assert not received.endswith(b"0\r\n\r\n")


def test_cut_breaks_a_plain_answer_at_its_half(ai):
    ai.fail("cut")
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        ask(ai, stream=False)


@pytest.mark.parametrize(("stream", "label"), [(True, "text/event-stream"), (False, "application/json")])
def test_garbage_is_200_under_the_label_one_waits_for(ai, stream, label):
    ai.fail("garbage")
    answer = ask(ai, stream=stream)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, label)
    assert b"data:" not in answer.content
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()


def test_hang_accepts_and_never_answers(ai):
    ai.fail("hang")
    with pytest.raises(requests.ReadTimeout):
        ask(ai, timeout=0.3)
    eventually(lambda: ai.open_calls == 0)
    assert ai.requests[-1]["ended"] == "client_left"


def test_the_next_calls_fail_and_then_no_more(ai):
    ai.fail("error", count=2)
    assert [ask(ai).status_code for _ in range(4)] == [500, 500, 200, 200]


def test_a_share_is_spread_evenly_and_the_same_each_time(ai):
    for _ in range(2):
        ai.fail("error", share=0.4)
        assert [ask(ai).status_code for _ in range(10)] == [200, 200, 500, 200, 500] * 2


def test_a_share_of_a_tenth_is_one_call_in_ten(ai):
    ai.fail("error", share=0.1)
    assert [ask(ai).status_code for _ in range(30)].count(500) == 3


def test_a_fault_may_be_for_one_operation_only(ai, http):
    ai.fail("error", operation="analyze")
    assert is_well(ai)
    document = {"document": "Bonjour"}
    assert http.post(f"{ai.url}/api/chat/analyze-document", json=document, timeout=2).status_code == 500


def test_a_document_in_the_openai_contract_is_an_analysis_too(ai, http):
    ai.fail("error", operation="analyze")
    body = {"messages": [{"role": "user", "content": '<document type="mdph">\nBonjour\n</document>'}]}
    assert http.post(f"{ai.url}/v1/chat/completions", json=body, timeout=2).status_code == 500
    assert ai.calls_of("analyze") == 1


def test_healing_and_resetting_end_all_faults(ai):
    ai.fail("error")
    ai.heal()
    assert is_well(ai)
    ai.fail("error")
    ai.reset()
    assert is_well(ai)


@pytest.mark.parametrize(
    "wish",
    [
        {"fault": "unheard-of"},
        {"fault": "error", "share": 1.5},
        {"fault": "error", "count": -1},
        {"fault": "error", "operation": "sing"},
        {"fault": "error", "seconds": 1},
        {"fault": "error", "status": "many"},
        {"fault": "error", "status": 999},
        {"fault": "slow", "seconds": -1},
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_and_changes_nothing(ai, wish):
    with pytest.raises(ValueError, match=r"\w"):
        ai.fail(**wish)
    assert is_well(ai)
