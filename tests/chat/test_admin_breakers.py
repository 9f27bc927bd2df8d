"""The breakers' page: what operators see, what they may order, and that it is obeyed."""

from __future__ import annotations

import time

import pytest
import redis
from django.contrib.admin.models import LogEntry
from redis.backoff import NoBackoff
from redis.retry import Retry

from chat.upstream import breakers
from tests import services
from tests.chat.test_admin import member_of_staff

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/admin/chat/circuitbreaker/"
STATE = PAGE + "state/"
REASON = "the provider moves"


@pytest.fixture
def operator():
    return member_of_staff("drive_circuitbreaker")


@pytest.fixture
def viewer():
    return member_of_staff("view_circuitbreaker", name="sacha")


@pytest.fixture
def redis_away(monkeypatch):
    nobody = redis.Redis(port=services.free_port(), retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(breakers, "get_redis_connection", lambda alias: nobody)


def order(client, verb, *, name="chat", reason=REASON, **form):
    return client.post(f"{PAGE}{name}/{verb}/", {"reason": reason, **form})


def card(client, name="chat"):
    return next(card for card in client.get(STATE).json()["cards"] if card["name"] == name)


def fail(count, name="chat"):
    for _ in range(count):
        breakers.get(name).acquire().failure("http_503")


def test_forced_open_means_that_the_next_question_costs_no_call(operator, visitor, ai):
    answer = order(operator, "open", duration="600")
    assert answer.status_code == 302
    assert answer["Location"] == PAGE
    told = visitor.ask("Comment demander l'AEEH ?").json()
    assert told["degraded"]["reason"] == "circuit_open"
    assert 590 < told["degraded"]["retryAfter"] <= 600
    assert ai.calls == 0


def test_reset_lets_the_next_question_through(operator, visitor, ai):
    order(operator, "open", duration="until-reset")
    order(operator, "reset", reason="it has moved")
    assert visitor.ask("Comment demander l'AEEH ?").json()["origin"] == "ai"


def test_forced_closed_holds_however_many_calls_fail(operator):
    order(operator, "close", duration="3600")
    fail(20)
    assert breakers.get("chat").snapshot().state == "closed"


@pytest.mark.parametrize(("duration", "seconds"), [("600", 600), ("3600", 3600), ("until-reset", None)])
def test_a_forced_state_ends_when_the_operator_said(operator, duration, seconds):
    order(operator, "open", duration=duration)
    forced = breakers.get("chat").snapshot().forced
    assert forced.by == "camille"
    assert forced.reason == REASON
    assert forced.until == (None if seconds is None else pytest.approx(time.time() + seconds, abs=5))


def test_an_order_is_for_one_breaker(operator):
    order(operator, "open", name="analyze", duration="600")
    assert card(operator, "analyze")["state"] == "open"
    assert card(operator, "chat")["state"] == "closed"


def test_an_order_stays_in_the_admin_log(operator):
    order(operator, "open", duration="600")
    entry = LogEntry.objects.get()
    assert entry.user.username == "camille"
    assert entry.object_id == "chat"
    assert entry.content_type.model == "circuitbreaker"
    assert entry.change_message == f"Forced open for 10 minutes: {REASON}"


def test_who_and_why_stay_in_the_history(operator):
    order(operator, "open", duration="600")
    order(operator, "reset", reason="all is well")
    newest, before = card(operator)["history"]
    assert (newest["change"], newest["who"], newest["reason"]) == ("Open → Closed", "camille", "all is well")
    assert (before["change"], before["cause"], before["reason"]) == ("Closed → Open", "forced", REASON)


def test_looking_at_the_confirmation_changes_nothing(operator):
    page = operator.get(f"{PAGE}chat/open/")
    assert "Every call to the AI will be refused." in page.content.decode()
    assert breakers.get("chat").snapshot().history == ()


@pytest.mark.parametrize(
    "form", [{"reason": " ", "duration": "600"}, {"duration": "1"}, {"duration": ""}, {}, {"reason": "x" * 201}]
)
def test_an_order_without_a_reason_or_with_no_such_duration_is_not_carried_out(operator, form):
    answer = order(operator, "open", **form)
    assert answer.status_code == 200
    assert "Nothing was changed yet." in answer.content.decode()
    assert breakers.get("chat").snapshot().history == ()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("verb", ["open", "close", "reset"])
def test_who_may_only_look_orders_nothing(viewer, verb):
    assert f"{PAGE}chat/{verb}/" not in viewer.get(PAGE).content.decode()
    assert viewer.get(f"{PAGE}chat/{verb}/").status_code == 403
    assert order(viewer, verb, duration="600").status_code == 403
    assert breakers.get("chat").snapshot().history == ()


def test_an_order_from_a_foreign_page_is_refused():
    operator = member_of_staff("drive_circuitbreaker", enforce_csrf_checks=True)
    assert order(operator, "open", duration="600").status_code == 403
    assert breakers.get("chat").snapshot().history == ()


@pytest.mark.parametrize("path", ["weather/open/", "chat/explode/"])
def test_an_unknown_breaker_or_order_is_not_found(operator, path):
    assert operator.get(PAGE + path).status_code == 404


def test_the_page_shows_what_calls_have_done(viewer):
    fail(2)
    breakers.get("chat").acquire().success(0.1)
    html = viewer.get(PAGE).content.decode()
    assert "2 of 3 calls in 60 s" in html
    assert "67%" in html
    assert "opens at 5 failures and 50%" in html
    assert "http_503" in html


def test_the_page_and_its_live_state_say_the_same(viewer, operator):
    order(operator, "open", duration="until-reset")
    html = viewer.get(PAGE).content.decode()
    shown = card(viewer)
    for text in ("title", "state_text", "meaning", "forced", "calls", "limit", "opened", "next_probe"):
        assert shown[text], text
        assert shown[text] in html, text


def test_the_live_state_counts_down_to_the_next_probe(viewer, settings):
    fail(settings.BREAKER_FAILURE_THRESHOLD)
    shown = card(viewer)
    assert shown["state"] == "open"
    assert 55 < shown["next_probe_in"] <= 60
    assert shown["next_probe"] in {"in 1:00", "in 0:59", "in 0:58"}
    assert shown["history"][0]["cause"] == "too many failures"


def test_the_live_state_says_when_there_is_a_new_history(viewer):
    before = card(viewer)["version"]
    assert card(viewer)["version"] == before
    breakers.get("chat").reset(who="somebody", reason="")
    assert card(viewer)["version"] != before


def test_a_reason_is_shown_as_it_was_written(operator):
    order(operator, "open", reason="<b>now</b>", duration="600")
    html = operator.get(PAGE).content.decode()
    assert "&lt;b&gt;now&lt;/b&gt;" in html
    assert "<b>now</b>" not in html


def test_without_redis_the_page_says_that_it_knows_little(viewer, redis_away):
    assert viewer.get(STATE).json()["shared"] is False
    alert = viewer.get(PAGE).content.decode().partition('data-part="away"')[2].partition("</p>")[0]
    assert "Redis is away." in alert
    assert "hidden" not in alert


def test_without_redis_an_order_fails_and_leaves_no_trace(operator, redis_away):
    answer = order(operator, "open", duration="600")
    assert "Redis is away, so nothing was changed." in answer.content.decode()
    assert not LogEntry.objects.exists()
