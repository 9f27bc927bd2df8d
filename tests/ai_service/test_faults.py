from __future__ import annotations

import time

import pytest
import requests

from tests.ai_service.client import ask, open_call, text_of
from tests.support.polling import eventually


def is_healthy(ai):
    return ask(ai).status_code == 200


def test_down_resets_the_connection_without_an_answer(ai):
    ai.fail("down")
    with open_call(ai) as call, pytest.raises(ConnectionResetError):
        call.recv(1)


def test_down_for_all_calls_affects_health_but_not_the_control_surface(ai, http):
    ai.fail("down")
    with pytest.raises(requests.ConnectionError):
        http.get(f"{ai.url}/health", timeout=2)
    ai.heal()
    assert http.get(f"{ai.url}/health", timeout=2).json() == {"status": "healthy"}


@pytest.mark.parametrize("options", [{"operation": "chat"}, {"share": 0.5}, {"count": 3}])
def test_health_is_healthy_while_some_calls_are_answered(ai, http, options):
    ai.fail("down", **options)
    assert http.get(f"{ai.url}/health", timeout=2).ok


def test_slow_delays_the_first_byte_of_a_complete_answer(ai):
    ai.fail("slow", seconds=0.3)
    answer = ask(ai)
    assert answer.elapsed.total_seconds() > 0.3
    assert "AEEH" in text_of(answer)
    assert ai.requests[-1]["ended"] == "complete"


def test_drip_sends_the_response_byte_by_byte_from_the_status_line_on(ai):
    ai.fail("drip", seconds=0.02)
    with open_call(ai) as call:
        began = time.monotonic()
        received = b"".join(call.recv(1024) for _ in range(10))
        assert received.startswith(b"HTTP/1.1"[: len(received)])
        assert len(received) <= 2 + (time.monotonic() - began) / 0.02


def test_error_answers_with_the_requested_status(ai):
    ai.fail("error", status=503)
    answer = ask(ai)
    assert answer.status_code == 503
    assert answer.json()["error"]["type"] == "server_error"


def test_rate_limited_sends_retry_after(ai):
    ai.fail("rate_limited", retry_after=7)
    answer = ask(ai)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


def test_cut_closes_a_stream_after_the_given_number_of_tokens(ai):
    ai.fail("cut", after_tokens=3)
    with open_call(ai) as call:
        received = b"".join(iter(lambda: call.recv(65536), b""))
    assert received.count(b'"content":"') == 1 + 3  # the first one, with the role, is empty
    assert b"[DONE]" not in received
    assert not received.endswith(b"0\r\n\r\n")


def test_cut_closes_a_complete_answer_at_its_half(ai):
    ai.fail("cut")
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        ask(ai, stream=False)


@pytest.mark.parametrize(("stream", "content_type"), [(True, "text/event-stream"), (False, "application/json")])
def test_garbage_is_a_200_with_the_expected_content_type(ai, stream, content_type):
    ai.fail("garbage")
    answer = ask(ai, stream=stream)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, content_type)
    assert b"data:" not in answer.content
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()


def test_hang_accepts_the_request_and_never_answers(ai):
    ai.fail("hang")
    with pytest.raises(requests.ReadTimeout):
        ask(ai, timeout=0.3)
    eventually(lambda: ai.open_calls == 0)
    assert ai.requests[-1]["ended"] == "client_left"


def test_a_count_limits_the_number_of_failing_calls(ai):
    ai.fail("error", count=2)
    assert [ask(ai).status_code for _ in range(4)] == [500, 500, 200, 200]


def test_a_share_is_spread_evenly_and_reproducibly(ai):
    for _ in range(2):
        ai.fail("error", share=0.4)
        assert [ask(ai).status_code for _ in range(10)] == [200, 200, 500, 200, 500] * 2


def test_a_share_of_one_tenth_affects_one_call_in_ten(ai):
    ai.fail("error", share=0.1)
    assert [ask(ai).status_code for _ in range(30)].count(500) == 3


def test_a_fault_can_be_limited_to_one_operation(ai, http):
    ai.fail("error", operation="analyze")
    assert is_healthy(ai)
    document = {"document": "Bonjour"}
    assert http.post(f"{ai.url}/api/chat/analyze-document", json=document, timeout=2).status_code == 500


def test_a_document_in_the_openai_protocol_counts_as_an_analysis(ai, http):
    ai.fail("error", operation="analyze")
    body = {"messages": [{"role": "user", "content": '<document type="mdph">\nBonjour\n</document>'}]}
    assert http.post(f"{ai.url}/v1/chat/completions", json=body, timeout=2).status_code == 500
    assert ai.calls_of("analyze") == 1


def test_heal_and_reset_remove_all_faults(ai):
    ai.fail("error")
    ai.heal()
    assert is_healthy(ai)
    ai.fail("error")
    ai.reset()
    assert is_healthy(ai)


@pytest.mark.parametrize(
    "options",
    [
        {"fault": "unknown"},
        {"fault": "error", "share": 1.5},
        {"fault": "error", "count": -1},
        {"fault": "error", "operation": "sing"},
        {"fault": "error", "seconds": 1},
        {"fault": "error", "status": "many"},
        {"fault": "error", "status": 999},
        {"fault": "slow", "seconds": -1},
    ],
)
def test_invalid_fault_options_are_rejected_and_change_nothing(ai, options):
    with pytest.raises(ValueError, match=r"\w"):
        ai.fail(**options)
    assert is_healthy(ai)


@pytest.mark.parametrize("stream", [False, True])
def test_filtered_ends_the_answer_as_a_content_filter_does(ai, http, stream):
    ai.fail("filtered")
    body = {"model": "any", "stream": stream, "messages": [{"role": "user", "content": "Bonjour"}]}
    answer = http.post(f"{ai.url}/v1/chat/completions", json=body, timeout=5)
    assert '"finish_reason":"content_filter"' in answer.text
    assert '"finish_reason":"stop"' not in answer.text
