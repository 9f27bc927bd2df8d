from __future__ import annotations

import io
import json
import time
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from chat.upstream import breaker_registry
from tests.support.fake_upstream import CHUNKED, END, STOP, chunk, delta_event, head, stream_response
from tests.support.processes import free_port
from tests.support.rag_service import running_rag_service

SECRETS = ("sk-secret", "a-password", "a-query-secret")


def check(*arguments: str) -> tuple[bool, str]:
    """Whether it works, and what is printed. Two seconds are enough for each answer here."""
    out = io.StringIO()
    try:
        call_command("check_ai", "--timeout", "2", *arguments, stdout=out)
    except CommandError:
        return False, out.getvalue()
    return True, out.getvalue()


def json_response(body: Any, status: str = "200 OK") -> bytes:
    data = json.dumps(body).encode()
    return head(status, "Content-Type: application/json", f"Content-Length: {len(data)}") + data


def streamed(*events: bytes) -> bytes:
    return CHUNKED + b"".join(map(chunk, events)) + END


def test_a_service_that_works_is_said_to_work(ai):
    works, text = check()
    assert works
    assert "Streams its answer." in text
    assert "Says how an answer ended: 'stop'." in text
    assert "Counts tokens: " in text
    assert "PROBLEM" not in text
    assert ai.calls == 1


NOT_WORKING = {
    "a wrong key": (json_response({"error": {"code": "invalid_api_key"}}, "401 No"), "AI_SERVICE_API_KEY"),
    "no credit": (json_response({"error": {"message": "x"}}, "402 No"), "credit is used up"),
    "no quota": (json_response({"error": {"code": "insufficient_quota"}}, "429 No"), "Top it up"),
    "a wrong path": (head("404 Not Found", "Content-Length: 0"), "AI_SERVICE_URL"),
    "a wrong method": (head("405 No", "Content-Length: 0"), "AI_SERVICE_URL"),
    "a redirect elsewhere": (head("302 Found", "Location: https://a.example/", "Content-Length: 0"), "AI_SERVICE_URL"),
    "a wrong model": (json_response({"detail": "The model `a` does not exist"}, "404 No"), "AI_SERVICE_MODEL"),
    "a wrong model, as 400": (json_response({"error": {"param": "model"}}, "400 No"), "AI_SERVICE_MODEL"),
    "a small context": (json_response({"error": {"code": "context_length_exceeded"}}, "400 No"), "context is too"),
    "a failure": (head("503 Service Unavailable", "Retry-After: 7", "Content-Length: 0"), "asks to wait 7 s"),
    "a web page": (head("200 OK", "Content-Type: text/html", "Content-Length: 6") + b"<html>", "AI_SERVICE_PROTOCOL"),
    "an error as 200": (json_response({"error": {"message": "x"}}), "an error with status 200"),
    "no words": (streamed(STOP), "has no words"),
    "a thought alone": (streamed(delta_event("<think>Hm</think>"), STOP), "It thinks, and then says nothing."),
    "a cut": (CHUNKED + chunk(delta_event("Bon")), "stops before its end"),
    "no stop reason": (streamed(delta_event("Bonjour"), b"data: [DONE]\n\n"), "It doesn't say how its answer ended"),
    "an unknown stop reason": (streamed(delta_event("Bonjour"), STOP.replace(b"stop", b"whatever")), "'whatever'"),
    "a filter": (streamed(STOP.replace(b"stop", b"content_filter")), "content filter"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_WORKING)
def test_a_problem_is_reported_with_the_setting_that_corrects_it(serve, settings, name):
    response, expected = NOT_WORKING[name]
    settings.AI_SERVICE_API_KEY = "sk-secret"

    def answer_once(connection):
        connection.sendall(response)
        connection.close()

    serve(answer_once)
    works, text = check()
    assert not works
    assert "PROBLEM" in text
    assert expected in text
    assert "sk-secret" not in text


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (lambda: f"http://127.0.0.1:{free_port()}", "port is closed"),
        (lambda: "http://no-such-host.invalid/v1", "host is unknown"),
    ],
)
def test_an_address_that_cannot_be_connected_to_is_explained(settings, address, expected):
    settings.AI_SERVICE_URL = address()
    works, text = check()
    assert not works
    assert expected in text
    assert "AI_SERVICE_URL" in text


def test_a_service_that_says_nothing_is_not_waited_for_longer_than_asked(serve):
    serve(lambda connection: connection.recv(1))
    works, text = check()
    assert not works
    assert "No answer within 2 s." in text


def test_thoughts_are_noted(serve):
    serve(stream_response("<think>Hm.</think>", "Bonjour"))
    works, text = check()
    assert works
    assert "thinks before it answers" in text


def test_thoughts_in_a_field_of_their_own_are_noted(serve):
    thought = b'data: {"choices":[{"delta":{"reasoning_content":"Hm"}}]}\n\n'
    serve(streamed(thought, delta_event("Bonjour"), STOP))
    assert "thinks before it answers" in check()[1]


def test_a_service_that_refuses_stream_options_works(serve, settings):
    def answer(connection):
        has_options = b"stream_options" in server.requests[-1]
        refusal = json_response({"detail": detail}, "422 Unprocessable Entity")
        connection.sendall(refusal if has_options else stream_response("Bonjour"))

    detail = "strict"
    server = serve(answer)
    works, text = check()
    assert works
    assert "AI_MAX_OUTPUT_TOKENS has no effect" in text
    assert "counts no tokens" in text
    detail = "stream_options"
    assert "refuses stream_options." in check()[1]
    settings.AI_MAX_OUTPUT_TOKENS = 0
    assert "refuses stream_options." in check()[1]


def test_an_answer_that_is_not_streamed_is_noted(serve):
    serve(json_response({"choices": [{"message": {"content": "Bonjour"}, "finish_reason": "stop"}]}))
    works, text = check()
    assert works
    assert "doesn't stream" in text


def test_limits_are_proposed_for_a_slow_service(serve, settings):
    settings.AI_FIRST_WORDS_SECONDS, settings.BREAKER_SLOW_CALL_SECONDS = 0.2, 15.0

    def answer_late(connection):
        time.sleep(0.4)
        connection.sendall(stream_response("Bonjour"))

    serve(answer_late)
    works, text = check()
    assert not works
    assert "AI_FIRST_WORDS_SECONDS=" in text
    assert "BREAKER_SLOW_CALL_SECONDS=" not in text


def test_a_long_prompt_that_is_refused_is_about_the_context(serve, settings):
    settings.AI_CONTEXT_TOKENS = 4000

    def answer_short_prompts(connection):
        if len(server.requests[-1]) > 4000:
            connection.close()
        else:
            connection.sendall(stream_response("Bonjour"))

    server = serve(answer_short_prompts)
    assert check()[0]
    works, text = check("--long")
    assert not works
    assert "Set AI_CONTEXT_TOKENS" in text
    assert 10_000 < len(server.requests[-1]) < 13_000


def test_a_long_prompt_that_is_cut_in_silence_is_noticed(serve):
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":512,"completion_tokens":1}}\n\n'
    serve(streamed(delta_event("Bonjour"), usage, STOP))
    works, text = check("--long")
    assert not works
    assert "cut in silence: it counts 512 tokens" in text


def test_no_secret_is_printed(serve, settings):
    address = serve(stream_response("Bonjour")).address
    settings.AI_SERVICE_URL = address.replace("http://", "http://somebody:a-password@") + "/v1?key=a-query-secret"
    settings.AI_SERVICE_API_KEY = "sk-secret"
    for text in (check()[1], check("--json")[1]):
        assert not any(secret in text for secret in SECRETS)
        assert "/v1?…" in text


def test_findings_are_printed_as_json(ai):
    works, text = check("--json")
    (report,) = json.loads(text)
    assert works is report["works"] is True
    assert report["service"] == "AI_SERVICE"
    assert report["firstWordsSeconds"] > 0
    assert {finding["level"] for finding in report["findings"]} == {"ok"}


def test_the_circuit_breaker_neither_blocks_nor_counts_the_call(ai):
    breaker = breaker_registry.get("chat")
    breaker.force("open", who="a test", reason="a test", seconds=None)
    assert check()[0]
    ai.fail("error", status=503)
    assert not check()[0]
    assert breaker.snapshot().failures == 0


def test_a_service_of_the_rag_protocol_is_asked_in_its_words(settings):
    settings.AI_SERVICE_PROTOCOL, settings.AI_SERVICE_API_KEY = "rag", "sk-secret"
    with running_rag_service("sk-secret") as service:
        settings.AI_SERVICE_URL = service.address
        assert check()[0]
        service.extra = {"degraded": True}
        assert "It reports trouble" in check()[1]
        settings.AI_SERVICE_API_KEY = "another"
        works, text = check()
        assert not works
        assert "AI_SERVICE_API_KEY" in text


def test_the_second_service_is_asked_too_and_its_settings_are_named(ai, settings):
    settings.AI_SERVICE_FALLBACK_URL = f"http://127.0.0.1:{free_port()}"
    works, text = check()
    first, _, second = text.partition("\n\n")
    assert not works
    assert "PROBLEM" not in first
    assert second.startswith(f"AI_SERVICE_FALLBACK_URL={settings.AI_SERVICE_FALLBACK_URL} ")
    assert "or set AI_SERVICE_FALLBACK_URL." in second
