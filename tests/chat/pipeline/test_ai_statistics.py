"""Which generated answers are among the AI's times, failures and tokens on the dashboard."""

from __future__ import annotations

from django_redis import get_redis_connection

from chat.core.question import Question
from chat.pipeline import question_answering
from chat.runs import redis_log
from chat.storage import fleet_counters
from chat.storage.answer_cache import CachedAnswer
from chat.storage.provenance import RequestTrace
from tests.support.polling import eventually

QUESTION = Question("Bonjour", "fr", "")


def counted(kind: str) -> int:
    """The sum of all counters of this name, or of names that begin with `kind:`."""
    rows = fleet_counters.last_minutes(3).values()
    return sum(number for row in rows for name, number in row.items() if f"{name}:".startswith(f"{kind}:"))


def test_a_run_that_was_taken_over_is_counted(ai):
    redis_log.renew_lease("other-process")
    trace = RequestTrace("chat")
    job = question_answering._resolve(QUESTION, None, trace, not_before=0, purpose="answer")
    assert redis_log.acquire(job.cache_key, "other-process", "run")
    stream = question_answering.answer(QUESTION)
    roles = [stream.role]
    get_redis_connection("default").delete("bff:process:other-process")
    assert stream.read_to_end().text
    roles.append(stream.role)
    assert roles == ["follower", "leader"]
    assert counted("tokens") > 0


def test_a_renewal_is_counted_without_an_answer_for_a_client(ai, monkeypatch):
    question_answering.answer(QUESTION).read_to_end()
    once = counted("tokens")
    monkeypatch.setattr(CachedAnswer, "should_be_renewed", lambda _: True)
    question_answering.answer(QUESTION).read_to_end()
    eventually(lambda: counted("tokens") == 2 * once)
    assert (counted("answer:ai"), counted("answer:cache"), counted("whole")) == (1, 1, 1)
