"""The admin page of the breakers: its content, its actions and their effect."""

from __future__ import annotations

import time

import pytest
import redis
from django.contrib.admin.models import LogEntry
from redis.backoff import NoBackoff
from redis.retry import Retry

from chat.upstream import breaker_registry
from tests.chat.admin.test_admin import staff_client
from tests.support import services

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_breakers")]

PAGE = "/admin/chat/circuitbreaker/"
STATE = PAGE + "state/"
REASON = "the provider moves"


@pytest.fixture
def operator():
    return staff_client("drive_circuitbreaker")


@pytest.fixture
def viewer():
    return staff_client("view_circuitbreaker", name="sacha")


@pytest.fixture
def redis_unavailable(monkeypatch):
    unreachable = redis.Redis(port=services.free_port(), retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(breaker_registry.breaker_redis, "client", unreachable)


def act(client, verb, *, name="chat", reason=REASON, **form):
    return client.post(f"{PAGE}{name}/{verb}/", {"reason": reason, **form})


def breaker_row(client, name="chat"):
    return next(row for row in client.get(STATE).json()["breakers"] if row["name"] == name)


def fail_calls(count, name="chat"):
    for _ in range(count):
        breaker_registry.get(name).acquire().failure("http_503")


def test_forcing_the_breaker_open_stops_calls_to_the_ai(operator, visitor, ai):
    response = act(operator, "open", duration="600")
    assert response.status_code == 302
    assert response["Location"] == PAGE
    answer = visitor.ask("Comment demander l'AEEH ?").json()
    assert answer["degraded"]["reason"] == "circuit_open"
    assert answer["degraded"]["retryAfter"] == 600  # as long as the operator said
    assert 590 < breaker_row(operator)["next_probe_in"] <= 600
    assert ai.calls == 0


def test_reset_lets_the_next_question_reach_the_ai(operator, visitor, ai):
    act(operator, "open", duration="until-reset")
    act(operator, "reset", reason="it has moved")
    assert visitor.ask("Comment demander l'AEEH ?").json()["origin"] == "ai"


def test_a_breaker_forced_closed_stays_closed_after_many_failures(operator):
    act(operator, "close", duration="3600")
    fail_calls(20)
    assert breaker_registry.get("chat").snapshot().state == "closed"


@pytest.mark.parametrize(("duration", "seconds"), [("600", 600), ("3600", 3600), ("until-reset", None)])
def test_a_forced_state_expires_after_the_chosen_duration(operator, duration, seconds):
    act(operator, "open", duration=duration)
    forced = breaker_registry.get("chat").snapshot().forced
    assert forced
    assert forced.by == "camille"
    assert forced.reason == REASON
    assert forced.until == (None if seconds is None else pytest.approx(time.time() + seconds, abs=5))


def test_an_action_changes_one_breaker_only(operator):
    act(operator, "open", name="analyze", duration="600")
    assert breaker_row(operator, "analyze")["state"] == "open"
    assert breaker_row(operator, "chat")["state"] == "closed"


def test_an_action_is_written_to_the_admin_log(operator):
    act(operator, "open", duration="600")
    entry = LogEntry.objects.get()
    assert entry.user.username == "camille"
    assert entry.object_id == "chat"
    assert entry.content_type
    assert entry.content_type.model == "circuitbreaker"
    assert entry.change_message == f"Forced open for 10 minutes: {REASON}"


def test_the_history_shows_operator_and_reason(operator):
    act(operator, "open", duration="600")
    act(operator, "reset", reason="all is well")
    newest, previous = breaker_row(operator)["history"]
    assert (newest["change"], newest["who"], newest["reason"]) == ("Open → Closed", "camille", "all is well")
    assert (previous["change"], previous["cause"], previous["reason"]) == ("Closed → Open", "forced", REASON)


def test_opening_the_confirmation_page_changes_nothing(operator):
    page = operator.get(f"{PAGE}chat/open/")
    assert "Every call to the AI will be refused." in page.content.decode()
    assert breaker_registry.get("chat").snapshot().history == ()


@pytest.mark.parametrize(
    "form", [{"reason": " ", "duration": "600"}, {"duration": "1"}, {"duration": ""}, {}, {"reason": "x" * 201}]
)
def test_an_action_without_reason_or_with_an_invalid_duration_is_rejected(operator, form):
    response = act(operator, "open", **form)
    assert response.status_code == 200
    assert "Nothing was changed yet." in response.content.decode()
    assert breaker_registry.get("chat").snapshot().history == ()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("verb", ["open", "close", "reset"])
def test_a_user_with_view_permission_alone_cannot_act(viewer, verb):
    assert f"{PAGE}chat/{verb}/" not in viewer.get(PAGE).content.decode()
    assert viewer.get(f"{PAGE}chat/{verb}/").status_code == 403
    assert act(viewer, verb, duration="600").status_code == 403
    assert breaker_registry.get("chat").snapshot().history == ()


def test_an_action_without_csrf_token_is_rejected():
    operator = staff_client("drive_circuitbreaker", enforce_csrf_checks=True)
    assert act(operator, "open", duration="600").status_code == 403
    assert breaker_registry.get("chat").snapshot().history == ()


@pytest.mark.parametrize("path", ["weather/open/", "chat/explode/"])
def test_an_unknown_breaker_or_action_is_not_found(operator, path):
    assert operator.get(PAGE + path).status_code == 404


def test_the_page_shows_call_counts_limits_and_the_last_error(viewer):
    fail_calls(2)
    breaker_registry.get("chat").acquire().success(0.1)
    html = viewer.get(PAGE).content.decode()
    assert "2 of 3 calls in 10 s" in html
    assert "67%" in html
    assert "opens at 5 failures in a row, or at 50% of 20 calls" in html
    assert "http_503" in html


def test_the_page_and_its_live_state_have_the_same_texts(viewer, operator):
    act(operator, "open", duration="until-reset")
    html = viewer.get(PAGE).content.decode()
    shown = breaker_row(viewer)
    for text in ("title", "state_text", "meaning", "forced", "calls", "limit", "opened", "next_probe"):
        assert shown[text], text
        assert shown[text] in html, text


def test_the_live_state_counts_down_to_the_next_probe(viewer, settings):
    fail_calls(settings.BREAKER_FAILURE_THRESHOLD)
    shown = breaker_row(viewer)
    assert shown["state"] == "open"
    assert 55 < shown["next_probe_in"] <= 60
    assert shown["next_probe"] in {"in 1:00", "in 0:59", "in 0:58"}
    assert shown["history"][0]["cause"] == "too many failures"


def test_the_live_state_has_a_new_version_after_a_transition(viewer):
    before = breaker_row(viewer)["version"]
    assert breaker_row(viewer)["version"] == before
    breaker_registry.get("chat").reset(who="somebody", reason="")
    assert breaker_row(viewer)["version"] != before


def test_a_reason_is_html_escaped(operator):
    act(operator, "open", reason="<b>now</b>", duration="600")
    html = operator.get(PAGE).content.decode()
    assert "&lt;b&gt;now&lt;/b&gt;" in html
    assert "<b>now</b>" not in html


def test_without_redis_the_page_says_that_the_state_is_local(viewer, redis_unavailable):
    assert viewer.get(STATE).json()["shared"] is False
    alert = viewer.get(PAGE).content.decode().partition('data-part="redis-unavailable"')[2].partition("</p>")[0]
    assert "Redis is unavailable." in alert
    assert "hidden" not in alert


def test_without_redis_an_action_fails_and_is_not_logged(operator, redis_unavailable):
    response = act(operator, "open", duration="600")
    assert "Redis is unavailable, so nothing was changed." in response.content.decode()
    assert not LogEntry.objects.exists()
