"""Operations that change both a stored conversation and the run that writes its pending answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from chat import runs
from chat.core.events import STOPPED
from chat.core.language import Language
from chat.core.transcript import Transcript
from chat.history import claims, conversations, deletions, recorder
from chat.models import Conversation, Message
from chat.pipeline import fallbacks
from chat.runs.run import EndCallback, Run
from chat.storage import answer_cache, answer_keys
from chat.storage.db_executor import DatabaseUnavailable, db_executor

STOP_SECONDS = 2.0  # at most, for a stopped run to end
MAX_ANSWER_TIME = timedelta(seconds=settings.AI_DEADLINE_CHAT + 5)


class NotAllDeleted(Exception):
    """Redis is unavailable, so the data stored there is not deleted. The caller should retry."""


def stop_answer(owner: str, public_id: str, language: Language, message_id: str | None = None) -> bool:
    """Stop the pending answer of a conversation: that with this `message_id`, or the latest. False if there is none.

    An answer that other people may read too continues for them and ends for this conversation alone.
    """
    message = conversations.pending_answer(owner, public_id, lambda found: message_id in (None, found))
    return message is not None and _stop(message, language)


def _stop(message: Message, language: Language) -> bool:
    if not answer_keys.is_shared(message.cache_key):
        return runs.stop(message.run_id)
    run = runs.find(message.run_id, fallbacks.interrupted_ending(language))
    events = run.events_so_far() if run is not None else ()
    # Before the run may end, which saves the outcome, too.
    is_stopped = recorder.save_outcome(message, Transcript([*events, STOPPED]))
    runs.unsubscribe(message.run_id, message.public_id)
    return is_stopped


def end_replaced_answer(owner: str, public_id: str, language: Language) -> None:
    """Stop the pending answer of a conversation before its question is asked again or edited.

    Waits for the end of its run: if another process leads it, the same question would join it. A shared run continues
    for its other readers.
    While the database is unavailable it does nothing: the question is answered all the same.
    """
    try:
        message = conversations.pending_answer(owner, public_id)
    except DatabaseUnavailable:
        return
    if message is None:
        return
    run = runs.find(message.run_id, fallbacks.interrupted_ending(language))
    _stop(message, language)
    is_ours = not answer_keys.is_shared(message.cache_key)
    if run is not None and (is_ours or run.is_cancelled):
        run.wait_until_ended(STOP_SECONDS)


def save_lost_outcome(owner: str, public_id: str, language: Language) -> None:
    """Save how the pending answer of a conversation ended, if the process that recorded it died before."""
    message = conversations.pending_answer(owner, public_id)
    if message is None:
        return
    interrupted = fallbacks.interrupted_ending(language)
    run = runs.find(message.run_id, interrupted)
    if run is not None:
        save_at_end(run, message, partial(recorder.save_outcome, message), key=message.public_id)
    elif _is_overdue(message):
        recorder.save_outcome(message, Transcript(interrupted))


def save_at_end(run: Run, message: Message, save: EndCallback, key: str = "") -> None:
    """Call `save` with the end of a pending answer's run, for a caller that may not be where the answer was asked for.

    If this process can only not reach the run, the message stays pending: its leader will save how it really ends.
    """

    def save_unless_it_lives(transcript: Transcript) -> None:
        if not run.may_live_elsewhere or _is_overdue(message):
            save(transcript)

    run.on_end(save_unless_it_lives, key)


def _is_overdue(message: Message) -> bool:
    """Whether no answer takes so long. The run of a younger one may only be unreachable for a moment."""
    return timezone.now() - message.created_at > MAX_ANSWER_TIME


def delete_conversations(owner: str, public_id: str | None) -> int:
    """Delete one conversation, or all if `public_id` is None, and the answers cached for the owner alone.

    Returns the number of deleted conversations. Raises UnknownConversation, DatabaseUnavailable, NotAllDeleted.
    """
    if public_id is None:
        return _delete_all([owner])
    conversation = conversations.select_one(owner, public_id)
    _end_pending_answers(conversation)
    logs_deleted = _delete_logs(owner, conversation)  # before the row: without it, a retry would find no conversation
    if not _delete_answers([owner], public_id) or not logs_deleted:
        raise NotAllDeleted
    return conversations.delete(conversation)


def _delete_logs(owner: str, deleted: QuerySet[Conversation]) -> bool:
    """Delete the run logs of these conversations, and all of the owner's that may be of theirs: an answer that was
    replaced, or could not be stored, has no row. False while Redis is unavailable.

    The owner's other answers in progress keep their logs, without which they would break off for readers in other
    processes.
    """
    logged = runs.logged_runs(answer_keys.private_scope(owner))  # first: what begins from now on is kept
    if logged is None:
        return False
    others = conversations.select_all([owner]).exclude(pk__in=deleted)
    in_progress = {message.run_id for message in conversations.pending_answers(others)}
    return runs.delete_logs({*logged, *conversations.private_runs(deleted)} - in_progress)


def erase_person(owner: str, visitor: str | None) -> int:
    """Delete everything stored about one person. Returns the number of conversations.

    `visitor` is the visitor of the caller's cookie, which expires with this request. Answers cached for claimed
    visitors are included, because Redis may have been unavailable during the claim. Raises DatabaseUnavailable,
    NotAllDeleted.
    """
    deleted = _delete_all(db_executor.run(lambda: [owner, *claims.own_visitors(owner, visitor)]))
    claims.delete_all(owner)  # last: a retry needs them to find the visitors
    return deleted


def _delete_all(owners: Sequence[str]) -> int:
    """Delete Redis data and rows of these owners.

    The rows go even while Redis is unavailable; then raises NotAllDeleted.
    """
    selection = conversations.select_all(owners)
    _end_pending_answers(selection)
    logs_deleted = [runs.forget(answer_keys.private_scope(owner)) for owner in owners]
    is_complete = _delete_answers(owners) and all(logs_deleted)  # before the rows: from now on no answer is saved late
    count = conversations.delete(selection)
    if not is_complete:
        raise NotAllDeleted
    return count


def _end_pending_answers(selection: QuerySet[Conversation]) -> None:
    """Cancel the runs. Call before the run logs are deleted, because they name the instance that leads a run."""
    for message in conversations.pending_answers(selection):
        if answer_keys.is_shared(message.cache_key):
            runs.unsubscribe(message.run_id, message.public_id)
        else:
            runs.stop(message.run_id)


def _delete_answers(owners: Sequence[str], public_id: str | None = None) -> bool:
    """Delete the cached answers that belong to these owners alone, and mark the conversation, or all of theirs, as
    deleted. False if Redis is unavailable.
    """
    are_marked = [deletions.mark(owner, public_id) for owner in owners]
    answers_deleted = [answer_cache.forget(owner) is not None for owner in owners]
    return all(are_marked + answers_deleted)
