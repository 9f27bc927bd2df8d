"""Why an answer is what it is: each kind of answer has a true receipt, and nobody but staff is shown it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from django.core.management import CommandError, call_command

from chat import cache, receipts
from chat.models import Message
from chat.upstream import breakers
from tests.frames import begun, parts_in
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "Comment demander l'AEEH pour mon enfant ?"
NONSENSE = "Xyzzy plugh ?"


def receipt_of(reply: Any) -> dict[str, Any]:
    """As an operator finds it, by the id that the person was shown."""
    (found,) = receipts.find(reply.headers["X-Correlation-ID"])
    return found


def kinds(receipt: dict[str, Any]) -> tuple[Any, ...]:
    return receipt["origin"], receipt["ending"], receipt["role"], receipt["cache"]["verdict"]


def outcomes(receipt: dict[str, Any]) -> list[str]:
    return [attempt["outcome"] for attempt in receipt["making"]["attempts"]]


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr("chat.upstream.retry.FIRST_WAIT_SECONDS", 0.05)


@pytest.fixture
def gets_stale(monkeypatch):
    """Whatever is kept is past its time."""
    return lambda: monkeypatch.setattr(cache.Kept, "is_current", property(lambda _: False))


def test_an_answer_of_the_ai(visitor, ai):
    reply = visitor.ask(QUESTION)
    receipt = receipt_of(reply)
    assert kinds(receipt) == ("ai", "stop", "leader", "miss")
    assert receipt["door"] == "chat"
    assert receipt["correlationId"] == receipt["making"]["correlationId"] == reply.headers["X-Correlation-ID"]
    making = receipt["making"]
    assert making["model"] == "stand-in"
    assert making["error"] is None
    assert making["deadlineMs"] == 30_000
    assert making["tokens"]["completion"] > 0
    (attempt,) = making["attempts"]
    assert (attempt["number"], attempt["outcome"], attempt["breaker"], attempt["waitMs"]) == (1, "ok", "closed", 0)
    assert 0 <= attempt["firstWordsMs"] <= attempt["durationMs"] <= making["stages"]["total"]
    assert making["passages"][0]["slug"] == "aeeh"
    assert all(passage["used"] and passage["score"] > 0 for passage in making["passages"])
    assert set(receipt["stages"]) == {"search", "cache", "flight", "total"}
    assert receipt["stages"]["total"] >= making["stages"]["total"] >= making["stages"]["attempts"]


def test_an_answer_after_retries(visitor, ai, impatient):
    ai.fail("error", status=503, count=2)
    receipt = receipt_of(visitor.ask(QUESTION))
    assert kinds(receipt) == ("ai", "stop", "leader", "miss")
    assert outcomes(receipt) == ["http_503", "http_503", "ok"]
    waits = [attempt["waitMs"] for attempt in receipt["making"]["attempts"]]
    assert waits[0] == 0
    assert 25 <= waits[1] <= 50
    assert 50 <= waits[2] <= 100
    assert receipt["making"]["stages"]["waits"] == sum(waits)


def test_a_kept_answer_says_whose_run_wrote_it(visitor, another_visitor, ai):
    first = visitor.ask(QUESTION)
    receipt = receipt_of(another_visitor.ask(QUESTION))
    assert kinds(receipt) == ("cache", "stop", "cached", "hit")
    assert 0 <= receipt["cache"]["ageSeconds"] < 60
    assert receipt["making"] == receipt_of(first)["making"]
    assert receipt["making"]["correlationId"] == first.headers["X-Correlation-ID"] != receipt["correlationId"]


def test_an_older_answer_says_why_and_whose_it_was(visitor, another_visitor, ai, gets_stale, impatient):
    first = visitor.ask(QUESTION)
    gets_stale()
    ai.fail("error", status=500)
    receipt = receipt_of(another_visitor.ask(QUESTION))
    assert kinds(receipt) == ("stale", "stop", "leader", "stale")
    assert receipt["degraded"] == "ai_error"
    assert outcomes(receipt) == ["http_500"] * 3
    assert receipt["making"]["error"] == "http_500"
    assert receipt["making"]["older"]["correlationId"] == first.headers["X-Correlation-ID"]
    assert receipt["making"]["older"]["ageSeconds"] == receipt["cache"]["ageSeconds"]
    assert not any(passage["used"] for passage in receipt["making"]["passages"])


def test_an_article_in_place_of_an_answer(visitor, ai):
    breakers.get("chat").force("open", who="tests", reason="to see what is said", seconds=None)
    receipt = receipt_of(visitor.ask("C'est quoi un PPS et comment en avoir un ?"))
    assert kinds(receipt) == ("knowledge", "stop", "leader", "miss")
    (attempt,) = receipt["making"]["attempts"]
    assert (attempt["outcome"], attempt["breaker"]) == ("circuit_open", "open")
    used = [passage["used"] for passage in receipt["making"]["passages"]]
    assert used == [True, *[False] * (len(used) - 1)]
    assert receipt["making"]["passages"][0]["slug"] == "pps"
    assert receipt["making"]["tokens"] is None


def test_kind_words_in_place_of_an_answer(visitor, ai):
    breakers.get("chat").force("open", who="tests", reason="to see what is said", seconds=None)
    receipt = receipt_of(visitor.ask(NONSENSE))
    assert kinds(receipt) == ("fallback", "stop", "leader", "miss")
    assert receipt["degraded"] == "circuit_open"
    assert not any(passage["used"] for passage in receipt["making"]["passages"])


def test_without_redis_the_cache_is_said_to_be_bypassed(visitor, ai, monkeypatch):
    monkeypatch.setattr(cache, "is_away", lambda: True)
    assert receipt_of(visitor.ask(QUESTION))["cache"]["verdict"] == "bypass"


def test_followers_on_both_instances_name_the_leaders_request(two_servers, ai):
    ai.fail("slow", seconds=1)
    with ThreadPoolExecutor(6) as people:
        replies = list(people.map(lambda number: two_servers[number % 2].ask("Qu'est-ce que la MDPH ?"), range(6)))
    found = [receipt_of(reply) for reply in replies]
    (leader,) = [receipt for receipt in found if receipt["role"] == "leader"]
    assert [receipt["role"] for receipt in found].count("follower") == 5
    assert {receipt["making"]["correlationId"] for receipt in found} == {leader["correlationId"]}
    assert len({receipt["correlationId"] for receipt in found}) == 6


def test_an_answer_that_was_cut(visitor, ai):
    ai.fail("cut")
    receipt = receipt_of(visitor.ask(QUESTION))
    assert kinds(receipt) == ("ai", "interrupted", "leader", "miss")
    assert receipt["degraded"] == "interrupted"
    assert outcomes(receipt) == ["cut"]
    assert receipt["making"]["error"] == "cut"


@pytest.mark.parametrize("context", [{}, {"age": "7"}], ids=["shared", "private"])
def test_an_answer_that_was_stopped(server, ai, context):
    ai.pace(10)
    visitor = requests.Session()
    visitor.get(server.url, timeout=30)  # the page, with its CSRF token
    body = {"message": QUESTION, "context": context}
    visitor.headers["X-CSRFToken"] = visitor.cookies["csrftoken"]
    with visitor.post(f"{server.url}/api/chat/stream", json=body, stream=True, timeout=30) as reply:
        conversation, _ = begun(reply.iter_lines())
        eventually_saved(conversation)
        stop = visitor.post(f"{server.url}/api/chat/{conversation}/stop", timeout=30)
        assert stop.json() == {"stopped": True}
        eventually_saved(conversation, but=Message.Status.PENDING)
    receipt = receipt_of(reply)
    assert kinds(receipt) == ("ai", "stopped", "leader", "miss")
    if context:  # a shared one goes on for the others, and has not been made yet
        assert outcomes(receipt) == ["client_left"]


def eventually_saved(conversation: str, but: str | None = None) -> None:
    answers = Message.objects.filter(conversation__public_id=conversation, role="assistant").exclude(status=but)
    eventually(answers.exists, every=0.05)


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_at_the_openai_door_which_stands_in_no_history(visitor, ai, stream):
    body = {"model": "any", "messages": [{"role": "user", "content": QUESTION}], "stream": stream}
    reply = visitor.post_json("/v1/chat/completions", body)
    assert reply.status_code == 200
    assert b"".join(reply) if stream else reply.content
    receipt = receipt_of(reply)
    assert kinds(receipt) == ("ai", "stop", "leader", "miss")
    assert receipt["door"] == "openai"
    again = receipt_of(visitor.post_json("/v1/chat/completions", body | {"stream": False}))
    assert kinds(again) == ("cache", "stop", "cached", "hit")
    assert again["making"]["correlationId"] == reply.headers["X-Correlation-ID"]


def test_an_explained_document(visitor, ai):
    receipt = receipt_of(
        visitor.post_json("/api/chat/analyze-document", {"document": "Bonjour, votre AEEH est accordée."})
    )
    assert kinds(receipt) == ("ai", "stop", "leader", "bypass")
    assert receipt["door"] == "document"
    assert receipt["making"]["deadlineMs"] == 60_000
    assert outcomes(receipt) == ["ok"]


def test_a_document_that_could_not_be_explained(visitor, ai):
    breakers.get("analyze").force("open", who="tests", reason="to see what is said", seconds=None)
    receipt = receipt_of(
        visitor.post_json("/api/chat/analyze-document", {"document": "Bonjour, votre AEEH est accordée."})
    )
    assert (receipt["origin"], receipt["degraded"]) == ("fallback", "circuit_open")
    assert outcomes(receipt) == ["circuit_open"]


def test_no_word_of_question_or_answer_is_in_a_receipt(visitor, ai):
    body = visitor.ask("Mon fils Ludovic a sept ans, comment demander la PCH ?", context={"ville": "Angoulême"}).json()
    receipt = json.dumps(Message.objects.get(public_id=body["messageId"]).receipt, ensure_ascii=False)
    assert "Ludovic" not in receipt
    assert "Angoulême" not in receipt
    assert not any(word in receipt for word in body["response"].split() if len(word) > 9)
    assert len(receipt) < 2000


# --- Who is shown it --------------------------------------------------------------------------------------------------


def last_metadata(reply: Any) -> dict[str, Any]:
    *_, finish = parts_in(reply)
    return finish["messageMetadata"]


def test_a_visitors_stream_says_nothing_of_it(visitor, ai):
    assert set(last_metadata(visitor.stream(QUESTION))) == {
        "conversationId",
        "correlationId",
        "origin",
        "ending",
        "saved",
    }


def test_staff_is_shown_it_in_the_stream(visitor, ai, admin_user):
    visitor.force_login(admin_user)
    reply = visitor.stream(QUESTION)
    assert last_metadata(reply)["receipt"] == receipt_of(reply)


@pytest.mark.parametrize("cookie", ["forged", ""])
def test_a_cookie_that_is_nobodys_session_shows_nothing(visitor, ai, cookie):
    visitor.cookies["sessionid"] = cookie
    assert "receipt" not in last_metadata(visitor.stream(QUESTION))


def test_a_person_with_an_account_who_is_not_staff_is_shown_nothing(visitor, ai, django_user_model):
    visitor.force_login(django_user_model.objects.create_user("parent"))
    assert "receipt" not in last_metadata(visitor.stream(QUESTION))


def test_in_development_everyone_is_shown_it(visitor, ai, settings):
    settings.DEBUG = True
    assert last_metadata(visitor.stream(QUESTION))["receipt"]["role"] == "leader"


# --- Where operators find it ------------------------------------------------------------------------------------------


def test_the_admin_finds_it_by_the_correlation_id(visitor, ai, admin_client, impatient):
    ai.fail("error", status=503, count=1)
    correlation_id = visitor.ask(QUESTION).headers["X-Correlation-ID"]
    found = admin_client.get("/admin/chat/conversation/", {"q": correlation_id})
    (conversation,) = found.context["cl"].queryset
    page = admin_client.get(f"/admin/chat/conversation/{conversation.pk}/change/").content.decode()
    panel = page.partition('<details class="receipt">')[2].partition("</details>")[0]
    for told in ("leader", "miss", "http_503", "closed", "aeeh", "stand-in", "30000 ms"):
        assert told in panel, told


def test_the_command_tells_it(visitor, ai, capsys, impatient):
    ai.fail("error", status=503, count=1)
    correlation_id = visitor.ask(QUESTION).headers["X-Correlation-ID"]
    call_command("why", correlation_id)
    told = capsys.readouterr().out
    for words in (
        "chat · ai · stop",
        "cache          miss",
        "attempt 1      http_503 · breaker closed",
        "aeeh",
        "used",
    ):
        assert words in told, told
    call_command("why", correlation_id, "--json")
    assert json.loads(capsys.readouterr().out) == receipts.find(correlation_id)


def test_the_command_says_when_it_knows_nothing(ai):
    with pytest.raises(CommandError, match="No answer is known"):
        call_command("why", "req-unknown")
