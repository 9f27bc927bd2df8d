"""Pages of other origins: what their browsers may send, and whose cookies they may use."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from django.test import override_settings

from tests.conftest import ChatClient

pytestmark = pytest.mark.django_db(transaction=True)

APP, OTHER = "https://app.example.org", "https://evil.example.org"
WITH_CREDENTIALS = {"CORS_ALLOW_CREDENTIALS": True, "CORS_ALLOWED_ORIGINS": [APP], "CSRF_TRUSTED_ORIGINS": [APP]}


def preflight(headers: str, origin: str = APP) -> Any:
    options = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": headers}
    return ChatClient().options("/v1/chat/completions", headers=options)


@override_settings(CORS_ALLOWED_ORIGINS=[APP])
def test_every_header_of_openais_client_is_allowed():
    """Taken from a request that the client builds, so that its next version is tested too."""
    client = openai.OpenAI(api_key="any", organization="any", project="any")
    options = openai._models.FinalRequestOptions(method="post", url="/chat/completions", json_data={})
    request = client._build_request(options)
    allowed = {name.strip() for name in preflight("x-stainless-lang")["Access-Control-Allow-Headers"].split(",")}
    # The browser sets these itself, or allows them without asking.
    forbidden = {"host", "connection", "content-length", "accept", "accept-encoding"}
    assert set(request.headers) - forbidden - allowed == set()


@override_settings(CORS_ALLOWED_ORIGINS=[APP])
@pytest.mark.parametrize(
    "name",
    [
        "user-agent",
        "x-request-id",
        "traceparent",
        "tracestate",
        "baggage",
        "sentry-trace",
        "idempotency-key",
        "last-event-id",
    ],
)
def test_headers_of_other_clients_are_allowed(name):
    assert name in preflight(name)["Access-Control-Allow-Headers"]


@override_settings(CORS_ALLOWED_ORIGINS=[APP])
def test_credentials_are_not_allowed_unless_configured(visitor, ai):
    reply = visitor.post_json("/api/chat/message", {"message": "Bonjour"}, headers={"Origin": OTHER})
    assert "Access-Control-Allow-Origin" not in reply
    reply = visitor.get("/api/chat/conversations", headers={"Origin": APP})
    assert reply["Access-Control-Allow-Origin"] == APP
    assert "Access-Control-Allow-Credentials" not in reply


@override_settings(**WITH_CREDENTIALS)
def test_a_visitor_on_another_origin_has_a_history(ai):
    browser = ChatClient(enforce_csrf_checks=True)
    token = browser.get("/api/chat/csrf", headers={"Origin": APP})
    assert token["Access-Control-Allow-Origin"] == APP
    assert token["Access-Control-Allow-Credentials"] == "true"
    for name in ("visitor", "csrftoken"):
        cookie = token.cookies[name].OutputString()
        assert "SameSite=None; Partitioned" in cookie
        assert "Secure" in cookie
    headers = {"Origin": APP, "X-CSRFToken": token.json()["csrfToken"]}
    answer = browser.post_json("/api/chat/message", {"message": "Bonjour"}, headers=headers)
    assert answer.status_code == 200
    page = browser.get("/api/chat/history", headers={"Origin": APP}).json()
    assert page["conversationId"] == answer.json()["conversationId"]


@override_settings(**WITH_CREDENTIALS)
@pytest.mark.parametrize("origin", [OTHER, APP + ".evil.org", "http://app.example.org", "null", APP.upper()])
def test_other_origins_get_neither_cookies_nor_answers(ai, origin):
    browser = ChatClient(enforce_csrf_checks=True)
    reply = browser.get("/api/chat/csrf", headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in reply
    assert "Partitioned" not in reply.cookies["visitor"].OutputString()
    headers = {"Origin": origin, "X-CSRFToken": reply.json()["csrfToken"]}
    assert browser.post_json("/api/chat/message", {"message": "Bonjour"}, headers=headers).status_code == 403
    assert ai.calls == 0


@override_settings(**WITH_CREDENTIALS)
def test_the_token_is_required_and_stays_the_same(ai):
    browser = ChatClient(enforce_csrf_checks=True)
    browser.get("/api/chat/csrf", headers={"Origin": APP})
    assert browser.post_json("/api/chat/message", {"message": "Bonjour"}, headers={"Origin": APP}).status_code == 403
    secret = browser.cookies["csrftoken"].value
    browser.get("/api/chat/csrf", headers={"Origin": APP})
    assert browser.cookies["csrftoken"].value == secret


@override_settings(**WITH_CREDENTIALS)
def test_our_own_page_keeps_its_cookies_to_itself(visitor):
    assert "SameSite=Lax" in visitor.get("/api/chat/csrf").cookies["visitor"].OutputString()


@override_settings(**WITH_CREDENTIALS)
@pytest.mark.parametrize("path", ["/", "/admin/login/", "/metrics", "/readyz", "/healthz", "/nowhere"])
def test_pages_and_operations_are_not_for_other_origins(visitor, path):
    asking = {"Origin": APP, "Access-Control-Request-Method": "GET"}
    assert "Access-Control-Allow-Origin" not in visitor.get(path, headers={"Origin": APP})
    assert "Access-Control-Allow-Origin" not in visitor.options(path, headers=asking)


@override_settings(**WITH_CREDENTIALS)
@pytest.mark.parametrize("path", ["/", "/admin/login/"])
@pytest.mark.parametrize("header", ["Origin", "Referer"])
def test_a_token_of_the_api_opens_no_page_to_another_origin(visitor, ai, path, header):
    browser = ChatClient(enforce_csrf_checks=True)
    token = browser.get("/api/chat/csrf", headers={"Origin": APP}).json()["csrfToken"]
    form = {"message": "Bonjour", "username": "a", "password": "b", "csrfmiddlewaretoken": token}
    assert browser.post(path, form, secure=True, headers={header: APP}).status_code == 403


@override_settings(ALLOWED_HOSTS=["chat.example.org", ".example.net"])
@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://chat.example.org:8443", 200), ("https://app.example.net", 403), ("https://elsewhere.example", 403)],
)
def test_a_form_of_our_own_page_arrives_behind_a_proxy_that_drops_the_port(visitor, ai, origin, status):
    browser, host = ChatClient(enforce_csrf_checks=True), {"Host": "chat.example.org"}
    with override_settings(CSRF_TRUSTED_ORIGINS=[origin]):
        token = browser.get("/", secure=True, headers=host).context["csrf_token"]
        form = {"message": "Bonjour", "csrfmiddlewaretoken": str(token)}
        assert browser.post("/", form, secure=True, headers={"Origin": origin, **host}).status_code == status


@pytest.mark.without_coverage
def test_a_trailing_slash_of_an_origin_is_dropped():
    from tests.bff.test_settings import manage

    code = "from django.conf import settings; print(settings.CORS_ALLOWED_ORIGINS, settings.CSRF_TRUSTED_ORIGINS)"
    process = manage(
        "shell", "--no-imports", "-c", code, CORS_ALLOWED_ORIGINS="https://a.example.org/, https://b.example.org"
    )
    assert process.stdout.count("['https://a.example.org', 'https://b.example.org']") == 2, (
        process.stdout + process.stderr
    )
    assert manage("check", CORS_ALLOWED_ORIGINS="https://a.example.org/").returncode == 0
