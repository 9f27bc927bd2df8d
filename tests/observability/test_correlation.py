from __future__ import annotations

import re
import subprocess
import sys
import threading

import pytest

from observability import correlation
from tests.support.services import ROOT

NEW_ID = re.compile(r"req-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_the_callers_id_is_returned_and_logged(client, lines):
    response = client.get("/hello", headers={"X-Correlation-ID": "web.42_a-B"})
    assert response["X-Correlation-ID"] == "web.42_a-B"
    assert {line["correlationId"] for line in lines()} == {"web.42_a-B"}


def test_the_request_id_is_used_without_a_correlation_id(client):
    assert client.get("/hello", headers={"X-Request-ID": "r-1"})["X-Correlation-ID"] == "r-1"
    both = client.get("/hello", headers={"X-Request-ID": "r-1", "X-Correlation-ID": "c-1"})
    assert both["X-Correlation-ID"] == "c-1"


@pytest.mark.parametrize("offered", ["", "x" * 65, "a b", "a\nb", "a\n", "é", "<script>", "a,b", "a/b"])
def test_an_invalid_id_is_replaced(client, offered):
    assert NEW_ID.fullmatch(client.get("/hello", headers={"X-Correlation-ID": offered})["X-Correlation-ID"])


@pytest.mark.parametrize(
    "offered",
    [
        "claire.martin.0612345678",
        "06-12-34-56-78",
        "1.85.07.59.350.123.74",
        "4970101234567893",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl",
        "sk-abcdefghijklmnopqrst",
        f"bff_{'aB-3_' * 8}xyz",
    ],
)
def test_an_id_that_the_log_would_hide_is_replaced(client, offered):
    assert NEW_ID.fullmatch(client.get("/hello", headers={"X-Correlation-ID": offered})["X-Correlation-ID"])


@pytest.mark.parametrize(
    "offered",
    [
        "00000000-1111-2222-3333-061234567890",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "web.42_a-B",
        "2026-11-29T01-02-03",
        "task-42",
        "helpdesk-0001",
        "kiosk-7",
        "bff_web-3",
    ],
)
def test_usual_ids_are_kept(client, offered):
    assert client.get("/hello", headers={"X-Correlation-ID": offered})["X-Correlation-ID"] == offered


def test_a_valid_request_id_is_preferred_to_an_invalid_correlation_id(client):
    response = client.get("/hello", headers={"X-Correlation-ID": "a b", "X-Request-ID": "r-1"})
    assert response["X-Correlation-ID"] == "r-1"


def test_sixty_four_characters_are_accepted(client):
    assert client.get("/hello", headers={"X-Correlation-ID": "x" * 64})["X-Correlation-ID"] == "x" * 64


def test_each_request_has_its_own_id(client):
    assert client.get("/hello")["X-Correlation-ID"] != client.get("/hello")["X-Correlation-ID"]


@pytest.mark.parametrize("path", ["/nowhere", "/broken", "/unavailable", "/streamed"])
def test_every_response_has_its_id(client, path):
    client.raise_request_exception = False
    response = client.get(path, headers={"X-Correlation-ID": "c-1"})
    assert response["X-Correlation-ID"] == "c-1"
    response.close()


def test_a_stream_keeps_its_id_while_other_requests_are_handled_between_its_chunks(client, lines):
    chunks = client.get("/streamed", headers={"X-Correlation-ID": "first"}).streaming_content
    assert next(chunks) == b"first"
    client.get("/hello", headers={"X-Correlation-ID": "second"})
    lines()
    assert list(chunks) == [b"\n", b"end"]
    assert [line["correlationId"] for line in lines()] == ["first", "first"]


def test_outside_a_request_the_id_is_that_of_the_process():
    seen = []
    for _ in range(2):
        thread = threading.Thread(target=lambda: seen.append(correlation.current()))
        thread.start()
        thread.join()
    assert seen[0] == seen[1]
    assert seen[0].startswith("proc-")


def test_a_forked_worker_has_its_own_id():
    code = (
        "import os; from observability import correlation; child = os.fork(); child and os.waitpid(child, 0);"
        "print(correlation.current(), flush=True)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    first, second = printed.split()
    assert first != second


def test_a_bound_id_is_restored_after_the_block():
    correlation.set("outer")
    with correlation.bound("inner"):
        assert correlation.current() == "inner"
    assert correlation.current() == "outer"


def test_the_callers_trace_continues_with_a_new_span(client):
    client.get("/hello", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
    sent = [correlation.traceparent() for _ in range(2)]
    for traceparent in sent:
        version, trace, span, flags = traceparent.split("-")
        assert (version, trace, flags) == ("00", TRACE, "01")
        assert re.fullmatch(r"[0-9a-f]{16}", span)
        assert span != "00f067aa0ba902b7"
    assert sent[0] != sent[1]


def test_the_trace_is_passed_to_a_thread_with_the_id(client):
    client.get("/hello", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
    correlation_id, seen = correlation.current(), []

    def work() -> None:
        with correlation.bound(correlation_id):
            seen.append(correlation.traceparent())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert TRACE in seen[0]


@pytest.mark.parametrize(
    "offered",
    [
        "",
        "garbage",
        f"ff-{TRACE}-00f067aa0ba902b7-01",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-00f067aa0ba902b7-01",
    ],
)
def test_without_a_valid_trace_the_trace_is_derived_from_the_id(client, offered):
    client.get("/hello", headers={"traceparent": offered, "X-Correlation-ID": "c-1"})
    first, second = correlation.traceparent(), correlation.traceparent()
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", first)
    assert first.split("-")[1] == second.split("-")[1] != TRACE
    correlation.set("c-2")
    assert correlation.traceparent().split("-")[1] != first.split("-")[1]
