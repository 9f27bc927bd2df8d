from __future__ import annotations

import logging

import pytest

HANDLED = "Request handled"


def test_a_request_is_logged_as_one_line_in_the_documented_shape(client, lines):
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
def test_the_endpoint_is_the_route_not_the_path(client, lines, path, endpoint):
    client.get(path)
    (line,) = lines(HANDLED)
    assert line["endpoint"] == endpoint


def test_a_response_of_a_middleware_is_logged_with_its_route(client, lines):
    client.post("/api/chat/12345678-1234-4234-8234-123456789012/stream", headers={"X-Too-Many": "1"})
    (line,) = lines(HANDLED)
    assert (line["endpoint"], line["status"]) == ("/api/chat/{conversationId}/stream", 429)
    client.post("/nowhere", headers={"X-Too-Many": "1"})
    assert lines(HANDLED)[0]["endpoint"] == "unmatched"


def test_an_unknown_method_is_logged_as_other(client, lines):
    client.generic("PROMPT", "/hello")
    assert lines(HANDLED)[0]["method"] == "OTHER"


def test_requests_of_machines_are_logged_at_debug(client, lines):
    client.get("/healthz")
    client.get("/metrics")
    assert {line["level"] for line in lines(HANDLED)} == {"debug"}
    logging.getLogger("observability").setLevel("INFO")
    try:
        client.get("/healthz")
        assert lines() == []
    finally:
        logging.getLogger("observability").setLevel("DEBUG")


def test_a_stream_is_logged_when_it_ends(client, lines):
    response = client.get("/streamed", headers={"X-Correlation-ID": "c-1", "X-User": "u-1"})
    assert lines(HANDLED) == []
    body = b"".join(response.streaming_content)
    (line,) = lines(HANDLED)
    assert (line["ended"], line["chunks"], line["bytes"], line["events"]) == ("complete", 3, len(body), 0)
    assert line["status"] == 200
    assert 0 <= line["firstByte"] <= line["duration"]
    response.close()
    assert lines(HANDLED) == []


def test_a_disconnected_client_and_a_failed_stream_have_different_outcomes(client, lines):
    abandoned = client.get("/streamed")
    next(abandoned.streaming_content)
    abandoned.close()
    (line,) = lines(HANDLED)
    assert (line["ended"], line["chunks"]) == ("client_left", 1)

    failed = client.get("/streamed?fail=1")
    with pytest.raises(RuntimeError):
        list(failed.streaming_content)
    failed.close()
    (line,) = lines(HANDLED)
    assert (line["ended"], line["chunks"]) == ("failed", 2)


def test_a_client_that_disconnects_before_the_first_byte_is_logged(client, lines):
    client.get("/streamed").close()
    (line,) = lines(HANDLED)
    assert (line["ended"], line["firstByte"], line["bytes"]) == ("client_left", None, 0)


def test_a_file_is_not_logged_as_a_stream(client, lines):
    response = client.get("/file")
    (line,) = lines(HANDLED)
    assert "ended" not in line
    response.close()


def test_an_unhandled_exception_is_logged_once_without_user_data(client, lines):
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
def test_django_logs_no_extra_line_for_an_intended_error_status(client, lines, path):
    client.get(path)
    assert [line["message"] for line in lines()] == [HANDLED]


def test_a_disallowed_host_is_a_warning_that_does_not_quote_it(client, lines, settings):
    settings.ALLOWED_HOSTS = ["example.org"]
    client.get("/host", headers={"Host": "marie.dupont"})
    warned, handled = lines()
    assert (warned["level"], warned["message"]) == ("warning", "Host is not in ALLOWED_HOSTS")
    assert "exception" not in warned
    assert handled["status"] == 400
    assert "dupont" not in f"{warned}{handled}"
