"""Answers one question: from the cache, else from a run shared by all identical questions, else a fallback."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from chat import knowledge, runs
from chat.core.events import Origin
from chat.core.question import Passage, Question, normalise
from chat.core.transcript import Transcript
from chat.history.conversations import ConversationRef
from chat.history.recorder import TurnRecorder
from chat.pipeline import distress_notice, fallbacks, help_lines, sharing
from chat.pipeline.answer_job import AnswerJob, Purpose
from chat.pipeline.answer_stream import AnswerStream, CachedStream, RunStream
from chat.pipeline.distress import tells_of_another_death
from chat.pipeline.distress_topics import Distress
from chat.runs import Subscription
from chat.storage import ai_statistics, answer_cache, answer_keys, budgets, fleet_counters
from chat.storage.answer_cache import CachedAnswer
from chat.storage.budgets import SpentAnswer
from chat.storage.provenance import Entrypoint, RequestTrace
from chat.upstream import prompts
from chat.upstream.errors import internal_error, over_budget
from observability import unexpected_errors
from observability.caller import Caller

MAX_PASSAGES = 3
ABOUT_DANGER = {  # slugs of entries that are never beside the point in distress
    "epilepsie",
    "epuisement-parental",
    "harcelement-scolaire",
    "lignes-ecoute",
    "maltraitance-etablissement",
    "numeros-urgence",
    "repit-aidants",
    "traumatisme-cranien",
}
ABOUT_GRIEF = {"deces-enfant"}  # the same for a parent whose child has died; they would frighten anybody else
# They hold everyday words (who to call, tears, tired), and would frighten somebody who is well.
FOR_DANGER_ALONE = {"epuisement-parental", "numeros-urgence"}
ABOUT_THIS_ASSISTANT = {"cet-assistant"}  # its words – who answers, reads, writes – are those of any office, too


def answer_in_conversation(
    question: Question, conversation: ConversationRef, caller: Caller, *, question_id: str = "", not_before: float = 0
) -> tuple[AnswerStream, TurnRecorder]:
    """Answer a message of a conversation and save the turn. `question_id` is the client's own id of the question.

    The question gets the conversation's history and letter.
    """
    question = replace(question, history=conversation.history, letter=conversation.letter)
    stream = answer(question, caller, not_before=not_before)
    recorder = TurnRecorder(
        conversation, question.text, stream.cache_key, describe=stream.provenance, question_id=question_id
    )
    stream.save_turn(recorder)
    return stream, recorder


def answer(
    question: Question,
    caller: Caller | None = None,
    *,
    entrypoint: Entrypoint = "chat",
    not_before: float = 0,
    purpose: Purpose = "answer",
) -> AnswerStream:
    """Answer from the cache, else from the AI, else with a fallback.

    What the AI writes counts in the budgets of `caller`. An answer cached before `not_before` (unix seconds) is
    generated again.
    """
    trace = RequestTrace(entrypoint)
    job = _resolve(_without_repetition(question.masked()), caller, trace, not_before=not_before, purpose=purpose)
    cached = job.usable_answer
    if cached is None:
        with trace.stage("flight"):
            spent = _spend_answer(caller)
            subscription = _subscribe(job if spent else _refused(job))
        subscription.run.on_end(partial(_count_ending, purpose=purpose, subscription=subscription, spent=spent))
        return RunStream(job.cache_key, trace, subscription)
    if purpose == "answer" and cached.should_be_renewed() and _may_renew():
        renewal = _subscribe(replace(job, purpose="renewal"))
        renewal.run.on_end(partial(_count_generation, purpose="renewal", subscription=renewal))
    with unexpected_errors.survived("cache"):
        _count_answer("cache", purpose)
    return CachedStream(job.cache_key, trace, job.replay(cached, job.distress_notice))


def _resolve(
    question: Question, caller: Caller | None, trace: RequestTrace, *, not_before: float, purpose: Purpose
) -> AnswerJob:
    """Search the passages, compute the cache key and look in the cache."""
    passages: Sequence[Passage] = ()
    cache_key, cached, has_failed = "", None, True
    kinds = distress_notice.kinds_of(question.text)
    earlier = () if kinds else distress_notice.earlier_kinds(question)
    with trace.stage("search"), unexpected_errors.survived("knowledge"):
        passages = find_passages(question, earlier if earlier == ("grief",) else kinds)
        question = question if purpose == "warm_up" else sharing.marked(question, passages)
        cache_key, has_failed = _cache_key(question, passages), False
    # Without the knowledge base the answer must not be shared.
    cache_key = cache_key or _one_time_key(question)
    with trace.stage("cache"), unexpected_errors.survived("cache"):
        if not has_failed:
            question, cache_key, cached = _look_up(question, passages, cache_key, caller)
            if purpose == "answer":
                answer_cache.count_lookup(cached)
    trace.record_lookup(cached, is_available=not answer_cache.is_unavailable())
    return AnswerJob(
        question,
        passages,
        cache_key,
        cached,
        distress_notice.notice_for(question, kinds, earlier),
        not_before,
        purpose,
        refusal=internal_error() if has_failed else None,
        state=fallbacks.state_of(kinds, earlier),
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


def _spend_answer(caller: Caller | None) -> SpentAnswer | None:
    """Count an answer in the budgets. None if one is used up, but not if counting fails."""
    with unexpected_errors.survived("cache"):
        return budgets.spend_answer(caller)
    return SpentAnswer()


def _may_renew() -> bool:
    """Whether the token budget allows a renewal. The person has the cached answer in any case."""
    with unexpected_errors.survived("cache"):
        return budgets.has_tokens_left()
    return True


def _refused(job: AnswerJob) -> AnswerJob:
    """The same job without asking the AI, because a budget is used up. Other callers can't join it."""
    error = over_budget(budgets.seconds_until_reset())
    older = job.cached or job.cached_by_second_ai()  # under the key that the job loses here
    return replace(job, cache_key=_one_time_key(job.question), cached=older, refusal=error)


def _one_time_key(question: Question) -> str:
    return f"{answer_keys.private_scope(question.caller_id)}:{secrets.token_hex(16)}"


def _without_repetition(question: Question) -> Question:
    """The question without its own repetition in the history, if it is asked again after a failure."""
    last = question.history[-1] if question.history else None
    if last is None or last.role != "user" or normalise(last.text) != normalise(question.text):
        return question
    return replace(question, history=question.history[:-1])


def find_passages(question: Question, kinds: Sequence[Distress]) -> list[Passage]:
    """The passages of the knowledge base that ground the answer to a message with these kinds of distress, best first.

    In distress only good fits and entries about danger, after a child's death about that: everyday words find unrelated
    entries. Without distress some of the latter count only as a good fit. The entry about this assistant counts only as
    the best match or as a good fit. After another death, nothing is said of a child's.
    """
    passages = knowledge.current().search(question.wording, question.language, MAX_PASSAGES, question.earlier)
    if tells_of_another_death(question.text):
        passages = [each for each in passages if each.slug not in ABOUT_GRIEF]
    best = {each.slug for each in passages[:1]}
    slugs = (best | {each.slug for each in passages} - ABOUT_THIS_ASSISTANT) - ABOUT_GRIEF - FOR_DANGER_ALONE
    if kinds:
        slugs = ABOUT_GRIEF if tuple(kinds) == ("grief",) else ABOUT_DANGER
    return [each for each in passages if each.score >= knowledge.GOOD_FIT or each.slug in slugs]


def cache_key_of(question: Question) -> str:
    """The cache key of the answer to this question."""
    question = question.masked()
    return _cache_key(question, find_passages(question, distress_notice.kinds_of(question.text)))


def _cache_key(question: Question, passages: Sequence[Passage]) -> str:
    prompt_version = prompts.version(help_lines.as_markdown(question.language))
    return answer_keys.key_of(question, prompt_version=prompt_version, knowledge_version=knowledge.version(passages))


def _subscribe(job: AnswerJob) -> Subscription:
    """Join or start the run of this job. A renewal continues without readers: its person has the cached answer."""
    ending = fallbacks.interrupted_ending(job.question.language)
    return runs.subscribe(job.cache_key, job, ending, expects_reader=job.purpose != "renewal")


def _count_ending(
    transcript: Transcript, *, purpose: Purpose, subscription: Subscription, spent: SpentAnswer | None
) -> None:
    assert transcript.finish is not None
    if spent:
        spent.settle(transcript)
    _count_generation(transcript, purpose=purpose, subscription=subscription)
    _count_answer(transcript.finish.origin, purpose)


def _count_generation(transcript: Transcript, *, purpose: Purpose, subscription: Subscription) -> None:
    """Count what the AI did for this answer, once in the fleet. The leader is known at the end: it may have changed."""
    if subscription.is_leader and transcript.finish is not None:
        ai_statistics.count(transcript.finish, is_background=purpose != "answer")


def _count_answer(origin: Origin, purpose: Purpose) -> None:
    """Count an answer that a client receives, or one that was generated for the cache alone."""
    if purpose == "warm_up":
        fleet_counters.count_warm_up()
    else:
        fleet_counters.count_answer("chat", origin)
