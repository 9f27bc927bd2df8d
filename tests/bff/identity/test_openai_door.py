"""/v1 requires a key or a token unless the operator allows anonymous access."""

from __future__ import annotations

import pytest
from django.test import Client

from chat.history import api_keys
from tests.conftest import ChatClient

pytestmark = pytest.mark.django_db(transaction=True)

BODY = {"model": "any", "messages": [{"role": "user", "content": "Bonjour"}]}


@pytest.fixture
def _as_shipped(settings):
    settings.OPENAI_ALLOW_ANONYMOUS = False


@pytest.mark.usefixtures("_as_shipped")
def test_without_a_key_or_a_token_it_is_closed(visitor: ChatClient, ai):
    visitor.ask("Bonsoir")  # a visitor's cookie opens it neither
    reply = visitor.post_json("/v1/chat/completions", BODY)
    assert (reply.status_code, reply["WWW-Authenticate"]) == (401, "Bearer")
    assert reply.json()["error"]["type"] == "authentication_error"
    assert visitor.get("/v1/models").status_code == 401
    assert ai.calls == 1


@pytest.mark.usefixtures("_as_shipped")
def test_a_key_and_a_persons_token_open_it(project, ai):
    row, key = api_keys.create("A program")
    row.save()
    for credential in (key, project.token()):
        headers = {"Authorization": f"Bearer {credential}"}
        reply = Client().post("/v1/chat/completions", BODY, "application/json", headers=headers)
        assert reply.status_code == 200


def test_the_operator_may_open_it_to_visitors(settings, visitor: ChatClient, ai):
    settings.OPENAI_ALLOW_ANONYMOUS = True
    assert visitor.post_json("/v1/chat/completions", BODY).status_code == 200


KEYS = {"none": 200, "sk-no-key-required": 200, "": 200, "bff_made-up": 401, "a.b.c": 401}


@pytest.mark.parametrize(("key", "status"), KEYS.items())
def test_where_it_is_open_a_key_that_a_client_makes_up_is_a_visitors(settings, ai, key, status):
    """OpenAI's clients send none without a key."""
    settings.OPENAI_ALLOW_ANONYMOUS = True
    headers = {"Authorization": f"Bearer {key}"}
    assert ChatClient().post_json("/v1/chat/completions", BODY, headers=headers).status_code == status
    assert ChatClient().get("/api/chat/conversations", headers=headers).status_code == 401
    settings.ALLOW_ANONYMOUS = False
    assert ChatClient().post_json("/v1/chat/completions", BODY, headers=headers).status_code == 401


def test_where_it_is_open_a_client_with_a_made_up_key_may_keep_cookies(settings, ai):
    settings.OPENAI_ALLOW_ANONYMOUS = True
    client, headers = ChatClient(enforce_csrf_checks=True), {"Authorization": "Bearer sk-no-key-required"}
    replies = [client.post_json("/v1/chat/completions", BODY, headers=headers) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 200]
    elsewhere = {**headers, "Origin": "https://elsewhere.example"}
    assert client.post_json("/v1/chat/completions", BODY, headers=elsewhere).status_code == 403


@pytest.mark.usefixtures("_as_shipped")
@pytest.mark.parametrize("key", KEYS)
def test_where_it_is_closed_a_made_up_key_opens_nothing(ai, key):
    headers = {"Authorization": f"Bearer {key}"}
    assert ChatClient().post_json("/v1/chat/completions", BODY, headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("anonymous", "door", "on_v1", "on_api"),
    [(True, False, False, True), (True, True, True, True), (False, True, False, False), (False, False, False, False)],
)
def test_the_openapi_document_tells_where_visitors_are_admitted(settings, anonymous, door, on_v1, on_api):
    settings.ALLOW_ANONYMOUS, settings.OPENAI_ALLOW_ANONYMOUS = anonymous, door
    paths = ChatClient().get("/api/openapi.json").json()["paths"]
    for path, admits in {"/v1/chat/completions": on_v1, "/api/chat/message": on_api}.items():
        assert paths[path]["post"]["security"] == [{"person": []}, *([{"visitor": []}, {}] if admits else [])]
