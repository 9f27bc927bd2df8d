"""Answers one question: from the cache, else from a run shared by all identical questions, else a fallback."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter

from chat import knowledge, runs
from chat.core.events import Origin
from chat.core.question import Passage, Question, normalise
from chat.core.transcript import Transcript
from chat.history.conversations import ConversationRef
from chat.history.recorder import TurnRecorder
from chat.pipeline import fallbacks, help_lines, sharing
from chat.pipeline.answer_job import AnswerJob
from chat.pipeline.answer_stream import AnswerStream, CachedStream, RunStream
from chat.runs import Subscription
from chat.storage import ai_statistics, answer_cache, budgets, fleet_counters
from chat.storage.answer_cache import CachedAnswer
from chat.storage.provenance import Entrypoint, RequestTrace
from chat.upstream import prompts
from chat.upstream.errors import internal_error, over_budget
from observability import unexpected_errors
from observability.caller import Caller

MAX_PASSAGES = 3


@dataclass(frozen=True, slots=True)
class PendingAnswer:
    """An answer to be sent to a client, and the recorder of its turn.

    `started_at` is on the performance counter. The client has received the first `after` events already.
    """

    stream: AnswerStream
    recorder: TurnRecorder
    started_at: float
    after: int = 0


def answer_in_conversation(
    question: Question, conversation: ConversationRef, caller: Caller, *, question_id: str = "", not_before: float = 0
) -> PendingAnswer:
    """Answer a message of a conversation and save the turn. `question_id` is the client's own id of the question."""
    started_at = perf_counter()
    stream = answer(question, caller, not_before=not_before)
    recorder = TurnRecorder(
        conversation, question.text, stream.cache_key, describe=stream.provenance, question_id=question_id
    )
    stream.save_turn(recorder)
    return PendingAnswer(stream, recorder, started_at)


def answer(
    question: Question,
    caller: Caller | None = None,
    *,
    entrypoint: Entrypoint = "chat",
    not_before: float = 0,
    warm: bool = False,
) -> AnswerStream:
    """Answer from the cache, else from the AI, else with a fallback.

    What the AI writes counts in the budgets of `caller`. An answer cached before `not_before` (unix seconds) is
    generated again. `warm` selects the longer cache lifetime.
    """
    trace = RequestTrace(entrypoint)
    job = _resolve(_without_repetition(question).masked(), caller, trace, not_before=not_before, warm=warm)
    cached = job.usable_answer
    if cached is None:
        with trace.stage("flight"):
            job = job if _may_ask(caller) else _refused(job)
            subscription = _subscribe(job)
        subscription.run.on_end(partial(_count_ending, is_leader=subscription.is_leader, warm=warm))
        return RunStream(job.cache_key, trace, subscription)
    if cached.should_be_renewed() and _may_renew():
        _subscribe(replace(job, is_background=True))
    with unexpected_errors.survived("cache"):
        _count_answer("cache", warm=warm)
    return CachedStream(job.cache_key, trace, cached, job.distress_notice)


def _resolve(
    question: Question, caller: Caller | None, trace: RequestTrace, *, not_before: float, warm: bool
) -> AnswerJob:
    """Search the passages, compute the cache key and look in the cache."""
    passages: Sequence[Passage] = ()
    cache_key, cached, has_failed = "", None, True
    with trace.stage("search"), unexpected_errors.survived("knowledge"):
        passages = find_passages(question)
        question = question if warm else sharing.marked(question, passages)
        cache_key, has_failed = _cache_key(question, passages), False
    # Without the knowledge base the answer must not be shared.
    cache_key = cache_key or _key_of_nothing_else(question)
    with trace.stage("cache"), unexpected_errors.survived("cache"):
        if not has_failed:
            question, cache_key, cached = _look_up(question, passages, cache_key, caller)
            if not warm:
                answer_cache.count_lookup(cached)
    trace.record_lookup(cached, is_available=not answer_cache.is_unavailable())
    return AnswerJob(
        question,
        passages,
        cache_key,
        cached,
        _distress_notice(question),
        not_before,
        warm,
        is_background=warm,
        refusal=internal_error() if has_failed else None,
    )


def _look_up(
    question: Question, passages: Sequence[Passage], cache_key: str, caller: Caller | None
) -> tuple[Question, str, CachedAnswer | None]:
    """Look in the cache. A question that several people have asked is not unusual, and has another key."""
    if not (question.is_unusual and caller):
        return question, cache_key, answer_cache.get(cache_key)
    are_several, cached = sharing.look_up_unusual(question, caller, cache_key)
    if not are_several:
        return question, cache_key, cached
    question = replace(question, is_unusual=False)
    cache_key = _cache_key(question, passages)
    return question, cache_key, answer_cache.get(cache_key)


def _distress_notice(question: Question) -> str:
    with unexpected_errors.survived("answer"):
        return help_lines.distress_notice(question.text, question.language)
    return ""


def _may_ask(caller: Caller | None) -> bool:
    """Whether the budgets allow another answer, which is counted. True if counting itself fails."""
    with unexpected_errors.survived("cache"):
        return budgets.spend_answer(caller)
    return True


def _may_renew() -> bool:
    """Whether the token budget allows a renewal. The person has the cached answer in any case."""
    with unexpected_errors.survived("cache"):
        return budgets.has_tokens_left()
    return True


def _refused(job: AnswerJob) -> AnswerJob:
    """The same job without asking the AI, because a budget is used up. Other callers can't join it."""
    error = over_budget(budgets.seconds_until_reset())
    older = job.stale or job.answer_of_fallback()  # under the key that the job loses here
    return replace(job, cache_key=_key_of_nothing_else(job.question), stale=older, refusal=error)


def _key_of_nothing_else(question: Question) -> str:
    return f"{answer_cache.private_scope(question.caller_id)}:{secrets.token_hex(16)}"


def _without_repetition(question: Question) -> Question:
    """The question without its own repetition in the history, if it is asked again after a failure."""
    last = question.history[-1] if question.history else None
    if last is None or last.role != "user" or normalise(last.text) != normalise(question.text):
        return question
    return replace(question, history=question.history[:-1])


def find_passages(question: Question) -> list[Passage]:
    """The passages of the knowledge base that ground the answer, best first."""
    return knowledge.search(question.wording, question.language, MAX_PASSAGES, question.earlier)


def cache_key_of(question: Question) -> str:
    """The cache key of the answer to this question."""
    question = question.masked()
    return _cache_key(question, find_passages(question))


def _cache_key(question: Question, passages: Sequence[Passage]) -> str:
    prompt_version = prompts.version(help_lines.as_markdown(question.language))
    return answer_cache.key_of(question, prompt_version=prompt_version, knowledge_version=knowledge.version(passages))


def _subscribe(job: AnswerJob) -> Subscription:
    return runs.subscribe(job.cache_key, job, fallbacks.interrupted_ending(job.question.language))


def _count_ending(transcript: Transcript, *, is_leader: bool, warm: bool) -> None:
    assert transcript.finish is not None
    if is_leader:
        ai_statistics.count(transcript.finish, warm=warm)
    _count_answer(transcript.finish.origin, warm=warm)


def _count_answer(origin: Origin, *, warm: bool) -> None:
    """Count an answer that a client receives, or one that was generated for the cache alone."""
    if warm:
        fleet_counters.count_warm_up()
    else:
        fleet_counters.count_answer("chat", origin)
