from __future__ import annotations

import time

import pytest

from tests.ai_service.client import ask, open_call
from tests.support.polling import eventually, quickest


def test_only_ai_calls_are_counted_by_operation(ai, http):
    ask(ai)
    ask(ai, stream=False)
    http.post(f"{ai.url}/api/chat/send", json={"message": "Bonjour"}, timeout=5)
    http.post(f"{ai.url}/api/chat/analyze-document", json={"document": "Bonjour"}, timeout=5)
    for free in ("health", "v1/models", "_control/stats"):
        http.get(f"{ai.url}/{free}", timeout=2)
    assert (ai.calls, ai.calls_of("chat"), ai.calls_of("analyze"), ai.open_calls) == (4, 3, 1, 0)


def test_a_failed_call_is_counted(ai):
    ai.fail("error")
    ask(ai)
    assert ai.calls == 1
    assert (ai.requests[0]["fault"], ai.requests[0]["ended"]) == ("error", "fault")


def test_each_call_is_recorded_without_secrets(ai):
    before = time.time()
    ask(ai, Idempotency_Key="k1", X_Retry_Count="2", X_Deadline_Ms="900", Authorization="Bearer secret", X_Other="no")
    ask(ai, stream=False)
    first, second = ai.requests
    assert (first["operation"], first["path"]) == ("chat", "/v1/chat/completions")
    assert (first["stream"], second["stream"]) == (True, False)
    assert before <= first["at"] <= second["at"] <= time.time()
    assert first["headers"] == {
        "idempotency-key": "k1",
        "x-retry-count": "2",
        "x-deadline-ms": "900",
        "authorization-present": True,
    }
    assert second["headers"] == {"authorization-present": False}
    assert first["ended"] == second["ended"] == "complete"
    assert "AEEH" not in str(ai.requests)


def test_a_reset_clears_the_ledger_except_for_open_calls(ai):
    ai.fail("hang")
    with open_call(ai):
        eventually(lambda: ai.open_calls == 1)
        ai.reset()
        assert (ai.calls, ai.requests, ai.open_calls) == (0, [], 1)
    eventually(lambda: ai.open_calls == 0)


@pytest.mark.parametrize("fault", [("hang", {}), ("slow", {"seconds": 60}), ("drip", {"seconds": 60})])
def test_a_disconnect_during_a_fault_is_detected_immediately(ai, fault):
    kind, options = fault
    ai.fail(kind, **options)

    def detection() -> float:
        with open_call(ai):
            eventually(lambda: ai.open_calls == 1)
            time.sleep(0.05)
            assert ai.open_calls == 1
            assert ai.requests[-1]["ended"] == "open"
        return eventually(lambda: ai.open_calls == 0)

    assert quickest(detection, 0.2) < 0.2
    assert ai.requests[-1]["ended"] == "client_left"


@pytest.mark.parametrize("stream", [True, False])
def test_a_disconnect_between_two_tokens_is_detected_immediately(ai, stream):
    ai.pace(0.1)

    def detection() -> float:
        with open_call(ai, stream=stream) as call:
            eventually(lambda: ai.open_calls == 1)
            if stream:
                assert call.recv(65536).startswith(b"HTTP/1.1 200 OK")
        return eventually(lambda: ai.open_calls == 0)

    assert quickest(detection, 0.2) < 0.2
    assert ai.requests[-1]["ended"] == "client_left"


def test_a_pipelined_request_is_not_a_disconnect(ai):
    ai.pace(200)
    with open_call(ai) as call:
        call.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = b"".join(iter(lambda: call.recv(65536), b""))
    assert b"[DONE]" in received
    assert received.endswith(b'{"status":"healthy"}')
    assert ai.requests[-1]["ended"] == "complete"


def test_one_connection_serves_many_calls(ai, http):
    for _ in range(5):
        http.post(f"{ai.url}/api/chat/send", json={"message": "Bonjour"}, timeout=5)
    assert [call["ended"] for call in ai.requests] == ["complete"] * 5
