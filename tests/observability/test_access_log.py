from __future__ import annotations

import logging

import pytest

HANDLED = "Request handled"


def test_a_request_leaves_one_line_in_the_contracts_shape(client, lines):
    client.get("/hello?message=prompt", headers={"X-User": "u-1"})
    (line,) = lines(HANDLED)
    assert list(line)[:4] == ["timestamp", "level", "message", "correlationId"]
    assert (
        line.items() >= {"level": "info", "userId": "u-1", "endpoint": "/hello", "method": "GET", "status": 200}.items()
    )
    assert isinstance(line["duration"], int)
    assert "prompt" not in str(line)


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/api/chat/12345678-1234-4234-8234-123456789012/stream", "/api/chat/{conversationId}/stream"),
        ("/old/7/", "/old/{page}/"),
        ("/nowhere/marie.dupont", "unmatched"),
        ("/static/none.css", "/static/{path}"),
    ],
)
def test_the_endpoint_is_the_route_never_the_path(client, lines, path, endpoint):
    client.get(path)
    (line,) = lines(HANDLED)
    assert line["endpoint"] == endpoint


def test_an_answer_given_before_routing_has_its_route_all_the_same(client, lines):
    client.post("/api/chat/12345678-1234-4234-8234-123456789012/stream", headers={"X-Too-Many": "1"})
    (line,) = lines(HANDLED)
    assert (line["endpoint"], line["status"]) == ("/api/chat/{conversationId}/stream", 429)
    client.post("/nowhere", headers={"X-Too-Many": "1"})
    assert lines(HANDLED)[0]["endpoint"] == "unmatched"


def test_a_method_that_nobody_knows_is_other(client, lines):
    client.generic("PROMPT", "/hello")
    assert lines(HANDLED)[0]["method"] == "OTHER"


def test_what_machines_ask_is_said_at_debug(client, lines):
    client.get("/healthz")
    client.get("/metrics")
    assert {line["level"] for line in lines(HANDLED)} == {"debug"}
    logging.getLogger("observability").setLevel("INFO")
    try:
        client.get("/healthz")
        assert lines() == []
    finally:
        logging.getLogger("observability").setLevel("DEBUG")


def test_a_stream_leaves_its_line_at_its_end(client, lines):
    response = client.get("/streamed", headers={"X-Correlation-ID": "c-1", "X-User": "u-1"})
    assert lines(HANDLED) == []
    body = b"".join(response.streaming_content)
    (line,) = lines(HANDLED)
    assert (line["ended"], line["chunks"], line["bytes"], line["events"]) == ("complete", 3, len(body), 0)
    assert line["status"] == 200
    assert 0 <= line["firstByte"] <= line["duration"]
    response.close()
    assert lines(HANDLED) == []


def test_a_client_that_left_is_told_apart_from_a_stream_that_failed(client, lines):
    left = client.get("/streamed")
    next(left.streaming_content)
    left.close()
    (line,) = lines(HANDLED)
    assert (line["ended"], line["chunks"]) == ("client_left", 1)

    failed = client.get("/streamed?fail=1")
    with pytest.raises(RuntimeError):
        list(failed.streaming_content)
    failed.close()
    (line,) = lines(HANDLED)
    assert (line["ended"], line["chunks"]) == ("failed", 2)


def test_a_client_that_left_before_the_first_byte_leaves_a_line_too(client, lines):
    client.get("/streamed").close()
    (line,) = lines(HANDLED)
    assert (line["ended"], line["firstByte"], line["bytes"]) == ("client_left", None, 0)


def test_a_file_is_no_stream_the_server_sends_it_by_itself(client, lines):
    response = client.get("/file")
    (line,) = lines(HANDLED)
    assert "ended" not in line
    response.close()


def test_an_error_of_ours_is_told_once_with_its_exception_and_without_content(client, lines):
    client.raise_request_exception = False
    client.get("/broken?message=prompt", headers={"X-Correlation-ID": "c-1"})
    failed, handled = lines()
    assert (failed["message"], failed["level"], failed["correlationId"]) == ("Request failed", "error", "c-1")
    (raised,) = failed["exception"]
    assert (raised["type"], raised["message"]) == ("ValueError", "[withheld]")
    assert raised["frames"][-1].endswith(" in broken")
    assert (handled["message"], handled["status"], handled["endpoint"]) == (HANDLED, 500, "/broken")
    assert "prompt" not in f"{failed}{handled}"


@pytest.mark.parametrize("path", ["/nowhere", "/unavailable"])
def test_django_adds_no_line_of_its_own_to_an_answer_that_was_meant(client, lines, path):
    client.get(path)
    assert [line["message"] for line in lines()] == [HANDLED]


def test_a_host_that_is_not_ours_is_a_warning_that_does_not_quote_it(client, lines, settings):
    settings.ALLOWED_HOSTS = ["example.org"]
    client.get("/misled", headers={"Host": "marie.dupont"})
    warned, handled = lines()
    assert (warned["level"], warned["message"]) == ("warning", "Host is not in ALLOWED_HOSTS")
    assert "exception" not in warned
    assert handled["status"] == 400
    assert "dupont" not in f"{warned}{handled}"
