"""People read a problem's detail in the language of their browser; programs read its title and its code."""

from __future__ import annotations

from contextlib import closing
from http import HTTPStatus
from typing import Any, NoReturn

import pytest
from django.test import Client

from tests.support.outages import break_database

pytestmark = pytest.mark.django_db(transaction=True)

MESSAGE = "/api/chat/message"
COMPLETION = "/v1/chat/completions"
TOO_LONG = "x" * 4001


class SlowBody:
    """A body that does not arrive in time."""

    def read(self, size: int = -1) -> NoReturn:
        raise TimeoutError

    readline = read


def completion(text: str) -> dict[str, Any]:
    return {"model": "any", "messages": [{"role": "user", "content": text}]}


def send(language: str = "", path: str = MESSAGE, body: Any = None, environ: Any = None) -> Any:
    client = Client(raise_request_exception=False)
    headers = {"Accept-Language": language} if language else {}
    content = {"message": "Bonjour"} if body is None else body
    return client.post(path, content, content_type="application/json", headers=headers, **(environ or {}))


def too_long(language: str) -> Any:
    return send(language, body={"message": TOO_LONG})


def too_large(language: str) -> Any:
    return send(language, body={"message": "x" * 600_000})


def slow(language: str) -> Any:
    return send(language, environ={"wsgi.input": SlowBody()})


def unclaimed(language: str) -> Any:
    return send(language, "/api/chat/claim", {})


def with_invalid_token(language: str) -> Any:
    return send(language, environ={"HTTP_AUTHORIZATION": "Bearer abc"})


WORDS = [
    (too_long, (422, "invalid"), ("Certains champs ne sont pas valables", "Some fields are not valid")),
    (too_large, (413, "too_large"), ("dépasse 512 Ko", "larger than 512 KB")),
    (slow, (408, "timeout"), ("pas arrivé à temps", "did not arrive in time")),
    (unclaimed, (401, "unauthenticated"), ("Connectez-vous", "Please sign in")),
    (with_invalid_token, (401, "unauthenticated"), ("Reconnectez-vous", "The access token is not valid")),
]


@pytest.mark.parametrize(("ask", "expected", "words"), WORDS)
def test_the_detail_is_in_the_language_of_the_browser(ai, ask, expected, words):
    languages = ["fr-CA,fr;q=0.9,en;q=0.5", "en-GB,en;q=0.9,fr;q=0.5"]
    for language, text in zip(languages, words, strict=True):
        reply = ask(language)
        problem = reply.json()
        assert reply.status_code == problem["status"]
        assert (problem["status"], problem["error"]["code"]) == expected
        assert text in problem["detail"]
        assert problem["error"]["message"] == problem["detail"]
        assert problem["title"] == HTTPStatus(reply.status_code).phrase
    assert ai.calls == 0


@pytest.mark.parametrize("language", ["", "de", "*", "\xe9;;q=x"])
def test_whoever_names_none_of_our_languages_reads_french(ai, language):
    assert "Certains champs ne sont pas valables" in send(language, body={"message": TOO_LONG}).json()["detail"]


@pytest.mark.parametrize(
    ("language", "words"),
    [("fr", "Trop de demandes. Réessayez dans {} s."), ("en", "Too many requests; try again in {} s.")],
)
def test_too_many_requests_tell_when_to_try_again(settings, visitor, ai, language, words):
    settings.RATE_LIMIT_DEFAULT = "1/minute"
    headers = {"Accept-Language": language}
    reply = [visitor.get("/api/chat/conversations", headers=headers) for _ in range(2)][1]
    assert reply.status_code == 429
    assert reply.json()["detail"].replace("\xa0", " ") == words.format(reply["Retry-After"])
    assert reply.json()["title"] == "Too Many Requests"


@pytest.mark.parametrize(
    ("language", "words"),
    [("fr", "Trop de clés ou de jetons"), ("en", "Too many invalid keys or tokens; try again in ")],
)
def test_too_many_invalid_tokens(settings, ai, language, words):
    settings.RATE_LIMIT_DEFAULT = "1/minute"
    reply = [with_invalid_token(language) for _ in range(2)][1]
    assert reply.status_code == 429
    assert words in reply.json()["detail"]
    assert reply["Retry-After"] in reply.json()["detail"]


@pytest.mark.parametrize(
    ("language", "words"), [("fr", "L’historique n’est pas disponible"), ("en", "The history is not available")]
)
def test_without_the_database_the_history_says_so(visitor, monkeypatch, language, words):
    break_database(monkeypatch)
    reply = visitor.get("/api/chat/conversations", headers={"Accept-Language": language})
    assert (reply.status_code, reply["Retry-After"]) == (503, "5")
    assert words in reply.json()["detail"]


@pytest.mark.parametrize(
    ("body", "french", "english"),
    [
        ({"message": TOO_LONG}, "4000 caractères au plus", "4000 characters at most"),
        (
            {"id": "c1", "messages": [{"role": "user", "parts": [{"type": "text", "text": TOO_LONG}]}]},
            "4000 caractères au plus",
            "4000 characters at most",
        ),
        ({"message": "  "}, "vide", "empty"),
        # Only a program can have caused it.
        ({"message": 5}, "valid string", "valid string"),
    ],
)
def test_the_message_of_a_field_that_people_fill_is_in_their_language(ai, body, french, english):
    path = "/api/chat/stream" if "messages" in body else MESSAGE
    for language, words in [("fr", french), ("en", english)]:
        (error,) = send(language, path, body).json()["errors"]
        assert error["field"] == "message"
        assert words in error["message"]


def test_a_pasted_document_that_is_empty(ai):
    (error,) = send("fr", "/api/chat/analyze-document", {"document": ""}).json()["errors"]
    assert error["field"] == "document"
    assert "vide" in error["message"]


@pytest.mark.parametrize(
    ("body", "environ", "expected"),
    [
        ({"model": "x" * 201}, {}, (400, "model: Value should have at most 200 items")),
        ({"model": "x" * 600_000}, {}, (413, "The request is larger than 512 KB.")),
        ({}, {"wsgi.input": SlowBody()}, (408, "The request's body did not arrive in time.")),
        ({}, {"HTTP_AUTHORIZATION": "Bearer a.b.c"}, (401, "The access token is not valid.")),
        ({}, {"HTTP_AUTHORIZATION": "Token abc"}, (401, "Only bearer tokens are accepted.")),
    ],
)
def test_programs_read_english_below_v1(settings, body, environ, expected):
    settings.OPENAI_ALLOW_ANONYMOUS = not environ.get("HTTP_AUTHORIZATION")
    reply = send("fr", COMPLETION, completion("Bonjour") | body, environ)
    status, words = expected
    assert reply.status_code == status
    assert reply.json()["error"]["message"].startswith(words)


def test_too_many_requests_are_english_below_v1(settings, visitor, ai):
    settings.OPENAI_ALLOW_ANONYMOUS, settings.RATE_LIMIT_DEFAULT = True, "1/minute"
    reply = [visitor.get("/v1/models", headers={"Accept-Language": "fr"}) for _ in range(2)][1]
    assert reply.status_code == 429
    assert reply.json()["error"]["message"] == f"Too many requests; try again in {reply['Retry-After']} s."


@pytest.mark.parametrize(
    ("path", "words"), [(COMPLETION, "Several answers to you"), ("/api/chat/message", "Plusieurs réponses pour vous")]
)
def test_too_many_answers_at_a_time_are_english_below_v1(settings, visitor, ai, path, words):
    settings.PARALLEL_ANSWERS_PER_CALLER, settings.OPENAI_ALLOW_ANONYMOUS = 1, True
    headers = {"Accept-Language": "fr"}
    with closing(visitor.post_json("/api/chat/stream", {"message": "Bonjour"})):
        reply = visitor.post_json(path, {}, headers=headers)
    assert reply.status_code == 429
    assert reply.json()["error"]["message"].startswith(words)
