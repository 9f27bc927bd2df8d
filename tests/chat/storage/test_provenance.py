"""Provenance: every kind of answer has a correct record, and only staff can read it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from chat.models import Message
from chat.storage import answer_cache
from chat.upstream import breaker_registry
from tests.support.fake_upstream import stream_response
from tests.support.outages import break_redis
from tests.support.polling import eventually
from tests.support.provenance_records import find_provenance
from tests.support.sse import parse_parts, read_start

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "Comment demander l'AEEH pour mon enfant ?"
NONSENSE = "Xyzzy plugh ?"


def provenance_of(reply: Any) -> dict[str, Any]:
    """The record of a response, found by its correlation id."""
    (found,) = find_provenance(reply.headers["X-Correlation-ID"])
    return found


def kinds(record: dict[str, Any]) -> tuple[Any, ...]:
    return record["origin"], record["ending"], record["role"], record["cache"]["verdict"]


def outcomes(record: dict[str, Any]) -> list[str]:
    return [attempt["outcome"] for attempt in record["making"]["attempts"]]


@pytest.fixture
def short_retry_delay(monkeypatch):
    monkeypatch.setattr("chat.upstream.retry.FIRST_WAIT_SECONDS", 0.05)


@pytest.fixture
def expire_cached_answers(monkeypatch):
    """A function that makes every cached answer stale."""
    return lambda: monkeypatch.setattr(answer_cache.CachedAnswer, "is_current", property(lambda _: False))


def test_a_chosen_correlation_id_replaces_nobody_elses_record(visitor, another_visitor, ai):
    """Of answers that no history contains; /v1 is the door without one."""
    headers = {"X-Correlation-ID": "web-1"}
    for person, text in ((visitor, QUESTION), (another_visitor, NONSENSE)):
        body = {"model": "x", "messages": [{"role": "user", "content": text}]}
        assert person.post_json("/v1/chat/completions", body, headers=headers).status_code == 200
    first, second = find_provenance("web-1")
    assert first["making"]["passages"] != second["making"]["passages"] == []


def test_answer_of_the_ai(visitor, ai):
    reply = visitor.ask(QUESTION)
    record = provenance_of(reply)
    assert kinds(record) == ("ai", "stop", "leader", "miss")
    assert record["door"] == "chat"
    assert record["correlationId"] == record["making"]["correlationId"] == reply.headers["X-Correlation-ID"]
    generation = record["making"]
    assert generation["model"] == "stand-in"
    assert generation["error"] is None
    assert generation["deadlineMs"] == 30_000
    assert generation["tokens"]["completion"] > 0
    (attempt,) = generation["attempts"]
    assert (attempt["number"], attempt["outcome"], attempt["breaker"], attempt["waitMs"]) == (1, "ok", "closed", 0)
    assert 0 <= attempt["firstWordsMs"] <= attempt["durationMs"] <= generation["stages"]["total"]
    assert generation["passages"][0]["slug"] == "aeeh"
    assert all(passage["used"] and passage["score"] > 0 for passage in generation["passages"])
    assert set(record["stages"]) == {"search", "cache", "flight", "total"}
    assert record["stages"]["total"] >= generation["stages"]["total"] >= generation["stages"]["attempts"]


def test_passages_without_room_in_the_prompt_are_left_out_and_not_cited(visitor, serve, settings, capsys):
    settings.AI_CONTEXT_TOKENS = 1000
    serve(stream_response("Voyez [1], [2] et [3]."))
    conversation = visitor.ask("Bonjour").json()["conversationId"]
    Message.objects.filter(role="assistant").update(text="Voici ce que je sais. " * 400)
    reply = visitor.ask(QUESTION + " Merci." * 330, conversationId=conversation)
    passages = provenance_of(reply)["making"]["passages"]
    assert reply.json()["origin"] == "ai"
    assert [passage["used"] for passage in passages] == [not passage["leftOut"] for passage in passages]
    left_out = [passage["slug"] for passage in passages if passage["leftOut"]]
    assert left_out
    call_command("why", reply.headers["X-Correlation-ID"])
    assert capsys.readouterr().out.count("left out: no room in the prompt") == len(left_out)
    cited = {source["id"] for source in reply.json()["sources"]}
    assert cited == {str(number) for number in range(1, len(passages) - len(left_out) + 1)}


def test_answer_after_retries(visitor, ai, short_retry_delay):
    ai.fail("error", status=503, count=2)
    record = provenance_of(visitor.ask(QUESTION))
    assert kinds(record) == ("ai", "stop", "leader", "miss")
    assert outcomes(record) == ["http_503", "http_503", "ok"]
    waits = [attempt["waitMs"] for attempt in record["making"]["attempts"]]
    assert waits[0] == 0
    assert 25 <= waits[1] <= 50
    assert 50 <= waits[2] <= 100
    assert record["making"]["stages"]["waits"] == sum(waits)


def test_cached_answer_names_the_request_that_generated_it(visitor, another_visitor, ai):
    first = visitor.ask(QUESTION)
    record = provenance_of(another_visitor.ask(QUESTION))
    assert kinds(record) == ("cache", "stop", "cached", "hit")
    assert 0 <= record["cache"]["ageSeconds"] < 60
    assert record["making"] == provenance_of(first)["making"]
    assert record["making"]["correlationId"] == first.headers["X-Correlation-ID"] != record["correlationId"]


def test_stale_answer_has_the_error_and_the_request_that_generated_it(
    visitor, another_visitor, ai, expire_cached_answers, short_retry_delay
):
    first = visitor.ask(QUESTION)
    expire_cached_answers()
    ai.fail("error", status=500)
    record = provenance_of(another_visitor.ask(QUESTION))
    assert kinds(record) == ("stale", "stop", "leader", "stale")
    assert record["degraded"] == "ai_error"
    assert outcomes(record) == ["http_500"] * 3
    assert record["making"]["error"] == "http_500"
    assert record["making"]["older"]["correlationId"] == first.headers["X-Correlation-ID"]
    assert record["making"]["older"]["ageSeconds"] == record["cache"]["ageSeconds"]
    assert not any(passage["used"] for passage in record["making"]["passages"])


def test_article_as_fallback(visitor, ai):
    breaker_registry.get("chat").force("open", who="tests", reason="test of the fallback", seconds=None)
    record = provenance_of(visitor.ask("C'est quoi un PPS et comment en avoir un ?"))
    assert kinds(record) == ("knowledge", "stop", "leader", "miss")
    (attempt,) = record["making"]["attempts"]
    assert (attempt["outcome"], attempt["breaker"]) == ("circuit_open", "open")
    used = [passage["used"] for passage in record["making"]["passages"]]
    assert used == [True, *[False] * (len(used) - 1)]
    assert record["making"]["passages"][0]["slug"] == "pps"
    assert record["making"]["tokens"] is None


def test_apology_as_fallback(visitor, ai):
    breaker_registry.get("chat").force("open", who="tests", reason="test of the fallback", seconds=None)
    record = provenance_of(visitor.ask(NONSENSE))
    assert kinds(record) == ("fallback", "stop", "leader", "miss")
    assert record["degraded"] == "circuit_open"
    assert not any(passage["used"] for passage in record["making"]["passages"])


def test_cache_verdict_without_redis_is_bypass(visitor, ai, monkeypatch):
    monkeypatch.setattr(answer_cache, "is_unavailable", lambda: True)
    assert provenance_of(visitor.ask(QUESTION))["cache"]["verdict"] == "bypass"


def test_followers_on_both_instances_name_the_request_of_the_leader(two_servers, ai):
    ai.fail("slow", seconds=1)
    with ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(lambda number: two_servers[number % 2].ask(QUESTION), range(6)))
    found = [provenance_of(reply) for reply in replies]
    (leader,) = [record for record in found if record["role"] == "leader"]
    assert [record["role"] for record in found].count("follower") == 5
    assert {record["making"]["correlationId"] for record in found} == {leader["correlationId"]}
    assert len({record["correlationId"] for record in found}) == 6


def test_interrupted_answer(visitor, ai):
    ai.fail("cut")
    record = provenance_of(visitor.ask(QUESTION))
    assert kinds(record) == ("ai", "interrupted", "leader", "miss")
    assert record["degraded"] == "interrupted"
    assert outcomes(record) == ["cut"]
    assert record["making"]["error"] == "cut"


@pytest.mark.parametrize("context", [{}, {"age": "7"}], ids=["shared", "private"])
def test_stopped_answer(server, ai, context):
    ai.pace(10)
    visitor = server.visitor()
    body = {"message": QUESTION, "context": context}
    with visitor.post(f"{server.url}/api/chat/stream", json=body, stream=True, timeout=30) as reply:
        conversation, _ = read_start(reply.iter_lines())
        eventually_saved(conversation)
        stop = visitor.post(f"{server.url}/api/chat/{conversation}/stop", timeout=30)
        assert stop.json() == {"stopped": True}
        eventually_saved(conversation, but=Message.Status.PENDING)
    record = provenance_of(reply)
    assert kinds(record) == ("ai", "stopped", "leader", "miss")
    if context:  # a shared run continues for other readers, so its generation trace does not exist yet
        assert outcomes(record) == ["client_left"]


def eventually_saved(conversation: str, but: str | None = None) -> None:
    answers = Message.objects.filter(conversation__public_id=conversation, role="assistant").exclude(status=but)
    eventually(answers.exists, every=0.05)


@pytest.mark.parametrize("stream", [False, True])
def test_answer_of_the_openai_endpoint_that_is_saved_in_no_history(visitor, ai, stream):
    body = {"model": "any", "messages": [{"role": "user", "content": QUESTION}], "stream": stream}
    reply = visitor.post_json("/v1/chat/completions", body)
    assert reply.status_code == 200
    assert b"".join(reply) if stream else reply.content
    record = provenance_of(reply)
    assert kinds(record) == ("ai", "stop", "leader", "miss")
    assert record["door"] == "openai"
    again = provenance_of(visitor.post_json("/v1/chat/completions", body | {"stream": False}))
    assert kinds(again) == ("cache", "stop", "cached", "hit")
    assert again["making"]["correlationId"] == reply.headers["X-Correlation-ID"]


def test_analysed_document(visitor, ai):
    record = provenance_of(
        visitor.post_json("/api/chat/analyze-document", {"document": "Bonjour, votre AEEH est accordée."})
    )
    assert kinds(record) == ("ai", "stop", "leader", "bypass")
    assert record["door"] == "document"
    assert record["making"]["deadlineMs"] == 60_000
    assert outcomes(record) == ["ok"]


def test_document_analysis_without_the_ai(visitor, ai):
    breaker_registry.get("analyze").force("open", who="tests", reason="test of the fallback", seconds=None)
    record = provenance_of(
        visitor.post_json("/api/chat/analyze-document", {"document": "Bonjour, votre AEEH est accordée."})
    )
    assert (record["origin"], record["degraded"]) == ("fallback", "circuit_open")
    assert outcomes(record) == ["circuit_open"]


def test_record_contains_no_text_of_question_or_answer(visitor, ai):
    body = visitor.ask("Mon fils Ludovic a sept ans, comment demander la PCH ?", context={"ville": "Angoulême"}).json()
    record = json.dumps(Message.objects.get(public_id=body["messageId"]).receipt, ensure_ascii=False)
    assert "Ludovic" not in record
    assert "Angoulême" not in record
    assert not any(word in record for word in body["response"].split() if len(word) > 9)
    assert len(record) < 2000


# --- Access -----------------------------------------------------------------------------------------------------------


def last_metadata(reply: Any) -> dict[str, Any]:
    *_, finish = parse_parts(reply)
    return finish["messageMetadata"]


def test_stream_of_a_visitor_contains_no_provenance(visitor, ai):
    assert set(last_metadata(visitor.stream(QUESTION))) == {
        "conversationId",
        "correlationId",
        "origin",
        "ending",
        "saved",
    }


def test_stream_of_staff_contains_provenance(visitor, ai, admin_user):
    visitor.force_login(admin_user)
    reply = visitor.stream(QUESTION)
    assert last_metadata(reply)["receipt"] == provenance_of(reply)


@pytest.mark.parametrize("cookie", ["forged", ""])
def test_invalid_session_cookie_gives_no_access(visitor, ai, cookie):
    visitor.cookies["sessionid"] = cookie
    assert "receipt" not in last_metadata(visitor.stream(QUESTION))


def test_account_that_is_not_staff_gives_no_access(visitor, ai, django_user_model):
    visitor.force_login(django_user_model.objects.create_user("parent"))
    assert "receipt" not in last_metadata(visitor.stream(QUESTION))


def test_debug_mode_gives_everyone_access(visitor, ai, settings):
    settings.DEBUG = True
    assert last_metadata(visitor.stream(QUESTION))["receipt"]["role"] == "leader"


# --- Lookup by operators ----------------------------------------------------------------------------------------------


def test_admin_finds_a_record_by_correlation_id(visitor, ai, admin_client, short_retry_delay):
    ai.fail("error", status=503, count=1)
    correlation_id = visitor.ask(QUESTION).headers["X-Correlation-ID"]
    found = admin_client.get("/admin/chat/conversation/", {"q": correlation_id})
    (conversation,) = found.context["cl"].queryset
    page = admin_client.get(f"/admin/chat/conversation/{conversation.pk}/change/").content.decode()
    panel = page.partition('<details class="provenance">')[2].partition("</details>")[0]
    for text in (
        "absente du cache",
        "cette demande a interrogé l’IA",
        "http_503",
        "fermé",
        "aeeh",
        "stand-in",
        "30000 ms",
    ):
        assert text in panel, text


def test_why_command_prints_a_record(visitor, ai, capsys, short_retry_delay):
    ai.fail("error", status=503, count=1)
    correlation_id = visitor.ask(QUESTION).headers["X-Correlation-ID"]
    call_command("why", correlation_id)
    output = capsys.readouterr().out
    for text in (
        "chat · ai · stop",
        "cache          miss",
        "attempt 1      http_503 · breaker closed",
        "aeeh",
        "used",
    ):
        assert text in output, output
    call_command("why", correlation_id, "--json")
    assert json.loads(capsys.readouterr().out) == find_provenance(correlation_id)


def test_why_command_fails_for_an_unknown_correlation_id(ai):
    with pytest.raises(CommandError, match="No answer is known"):
        call_command("why", "req-unknown")


def test_why_command_says_what_it_can_not_look_up_while_redis_is_unavailable(visitor, ai, capsys, monkeypatch):
    saved = visitor.ask("Qu'est-ce que la MDPH ?").headers["X-Correlation-ID"]
    break_redis(monkeypatch)
    with pytest.raises(CommandError, match="outside conversations can't be looked up"):
        call_command("why", "req-unknown")
    capsys.readouterr()
    call_command("why", saved)
    shown = capsys.readouterr()
    assert "written by" in shown.out
    assert "outside conversations can't be looked up" in shown.err
