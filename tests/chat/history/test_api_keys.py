"""API keys: created and revoked in the admin, shown once, each a caller of its own."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from chat.history import api_keys
from chat.models import ApiKey
from tests.support.outages import break_database

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = {"model": "any", "messages": [{"role": "user", "content": "Bonjour"}]}


@pytest.fixture
def create_key():
    """Creates keys as the admin does."""

    def create(name: str = "school site", **fields) -> str:
        row, key = api_keys.create(name, fields.pop("expires_at", None))
        for field, value in fields.items():
            setattr(row, field, value)
        row.save()
        return key

    return create


def complete(key: str):
    return Client().post(
        "/v1/chat/completions", QUESTION, content_type="application/json", headers={"Authorization": f"Bearer {key}"}
    )


def conversations(key: str) -> list[dict[str, str]]:
    return Client().get("/api/chat/conversations", headers={"Authorization": f"Bearer {key}"}).json()["items"]


def test_a_client_with_a_key_is_answered_and_gets_no_cookie(create_key, ai, settings):
    settings.ALLOW_ANONYMOUS = False
    reply = complete(create_key())
    assert reply.status_code == 200
    assert not reply.cookies
    assert complete("").status_code == 401


@pytest.mark.parametrize(
    "alter",
    [
        lambda key: key[:-1],
        lambda key: key + "a",
        lambda key: key[:-1] + ("a" if key[-1] != "a" else "b"),
        lambda key: key.lower().replace("bff_", "BFF_"),
        lambda key: "bff_",
        lambda key: "bff_" + "é" * 43,
    ],
)
def test_an_altered_key_is_refused_with_an_openai_error(create_key, alter, settings):
    settings.OPENAI_ALLOW_ANONYMOUS = False  # open, it takes what is no key of ours for a visitor's
    reply = complete(alter(create_key()))
    assert reply.status_code == 401
    assert reply["WWW-Authenticate"] == "Bearer"
    assert reply.json()["error"]["type"] == "authentication_error"


@pytest.mark.parametrize("spaced", ["  {}", " {} ", "   {}\t"])
def test_spaces_around_a_key_are_ignored(create_key, ai, spaced):
    authorization = "Bearer" + spaced.format(create_key())
    reply = Client().get("/api/chat/conversations", headers={"Authorization": authorization})
    assert reply.status_code == 200


def test_an_expired_key_is_refused_and_an_unexpired_one_accepted(create_key, ai):
    now = timezone.now()
    assert complete(create_key(expires_at=now - timedelta(seconds=1))).status_code == 401
    assert complete(create_key(expires_at=now + timedelta(hours=1))).status_code == 200


def test_a_revoked_key_is_refused_within_seconds(create_key, ai, monkeypatch):
    key = create_key()
    assert complete(key).status_code == 200
    ApiKey.objects.update(revoked_at=timezone.now())
    monkeypatch.setattr(api_keys, "CACHE_SECONDS", 0)
    assert complete(key).status_code == 401


def test_each_key_has_its_own_history_and_its_own_limit(create_key, ai, settings):
    settings.RATE_LIMIT_CHAT = "1/minute"
    mine, yours = create_key(), create_key()
    for key in (mine, yours):
        headers = {"Authorization": f"Bearer {key}"}
        reply = Client().post("/api/chat/message", {"message": "Bonjour"}, "application/json", headers=headers)
        assert reply.status_code == 200
    assert complete(mine).status_code == 429
    assert len(conversations(mine)) == len(conversations(yours)) == 1
    assert conversations(mine)[0]["id"] != conversations(yours)[0]["id"]


def test_without_the_database_cached_keys_stay_valid_and_others_get_a_503(create_key, ai, monkeypatch):
    known, unknown = create_key(), create_key()
    assert complete(known).status_code == 200
    monkeypatch.setattr(api_keys, "CACHE_SECONDS", 0)
    break_database(monkeypatch)
    assert complete(known).status_code == 200
    reply = complete(unknown)
    assert reply.status_code == 503
    assert int(reply["Retry-After"]) > 0


def test_a_malformed_key_causes_no_database_query(monkeypatch):
    break_database(monkeypatch)
    assert complete("bff_guess").status_code == 401


def test_lookups_of_unknown_keys_are_limited_by_address_and_cached_keys_are_not(create_key, ai, settings, monkeypatch):
    looked_up: list[str] = []
    read = api_keys._read

    def record(digest: str) -> object:
        looked_up.append(digest)
        return read(digest)

    monkeypatch.setattr(api_keys, "_read", record)
    settings.RATE_LIMIT_DEFAULT = "3/minute"
    known = create_key()
    assert complete(known).status_code == 200
    guesses = [api_keys.create("never saved")[1] for _ in range(4)]
    replies = [complete(guess) for guess in guesses]
    assert [reply.status_code for reply in replies] == [401, 401, 429, 429]
    assert len(looked_up) == 3
    assert replies[-1].json()["error"]["type"] == "rate_limit_error"
    assert 1 <= int(replies[-1]["Retry-After"]) <= 60
    assert replies[-1]["RateLimit-Policy"] == '"keys";q=3;w=60'
    assert complete(known).status_code == 200


def test_only_the_day_of_the_last_use_is_stored(create_key, ai):
    complete(create_key())
    assert ApiKey.objects.get().last_used_on == timezone.localdate()


def test_in_the_admin_a_key_is_shown_once_and_stored_as_a_digest(admin_client, ai):
    page = admin_client.post("/admin/chat/apikey/add/", {"name": "School", "expires_at_0": "", "expires_at_1": ""})
    found = re.search(r"bff_[\w-]{43}", page.content.decode())
    assert found
    key = found[0]
    assert "no-store" in page["Cache-Control"]
    assert complete(key).status_code == 200
    row = ApiKey.objects.get()
    assert key not in str(ApiKey.objects.values().get())
    shown = [admin_client.get(f"/admin/chat/apikey/{path}").content.decode() for path in ("", f"{row.pk}/change/")]
    for page in shown:
        assert row.prefix in page
        assert key not in page
        assert row.digest not in page


def test_in_the_admin_a_key_is_revoked_and_never_deleted(admin_client, create_key):
    create_key()
    row = ApiKey.objects.get()
    order = {"action": "revoke", "_selected_action": [row.pk]}
    assert admin_client.post("/admin/chat/apikey/", order).status_code == 302
    row.refresh_from_db()
    assert not row.is_in_force
    assert admin_client.post(f"/admin/chat/apikey/{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_key_is_never_logged(create_key, ai, capfd):
    key = create_key()
    complete(key)
    complete(key[:-1])
    output = capfd.readouterr()
    assert key[:-1] not in output.out + output.err
