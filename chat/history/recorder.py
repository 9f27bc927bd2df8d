"""Saves questions and answers to the history.

A failed write is logged and counted; it does not stop the answer, which is then marked as not saved. If the database
was unavailable or too busy, the finished answer is saved late (late_writes.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from chat.core.clean_text import storable
from chat.core.events import Finish, Source
from chat.core.transcript import Transcript
from chat.history import deletions, late_writes
from chat.history.conversations import ConversationRef
from chat.models import Conversation, Message, new_public_id
from chat.storage import history_sql, provenance
from chat.storage.db_executor import DatabaseUnavailable, db_executor
from chat.storage.provenance import Provenance
from observability import correlation, logs, metrics, unexpected_errors

log = logs.get_logger(__name__)

TITLE_LENGTH = 80


class DeletionUnknown(Exception):
    """The person may have deleted the conversation meanwhile, and Redis can't tell: nothing may be stored."""


@dataclass(slots=True)
class TurnRecorder:
    """Saves one turn of a conversation: a question and its answer.

    `describe` returns the answer's provenance, given its `Finish`, or None while the answer is pending. `provenance` is
    that of the finished answer. `question_id` is the client's own id of the question, `document` what the person
    keeps with it. `is_started` is true once the question and a pending answer are stored, `saved` once the finished
    answer is. `must_check_deletion`: nothing is stored at the start, so that a deletion meanwhile leaves no trace in
    the database. While Redis is unavailable such a turn of a new conversation is not saved.
    """

    conversation: ConversationRef
    question: str
    cache_key: str
    describe: Callable[[Finish | None], Provenance]
    question_id: str = ""
    document: Mapping[str, Any] | None = None
    message_id: str = field(default_factory=new_public_id)
    question_message_id: str = field(default_factory=new_public_id)
    correlation_id: str = field(default_factory=correlation.current)
    asked_at: datetime = field(default_factory=timezone.now)
    saved: bool = False
    provenance: Provenance | None = None
    is_started: bool = False
    must_check_deletion: bool = False

    def start(self, run_id: str) -> None:
        """Save the question, and the answer as pending with the run that writes it.

        If the database is too slow the caller does not wait for it, but it is done all the same: without the row nobody
        could stop or resume the answer.
        """
        answer = Message(status=Message.Status.PENDING, run_id=run_id, receipt=self.describe(None))
        self.is_started = _write(lambda: self._start(answer), is_last=False)
        self.must_check_deletion = not self.is_started

    def _start(self, answer: Message) -> bool:
        if self.must_check_deletion and not self._may_start_late():
            return False
        is_stored = self._insert(answer) or self._is_stored()
        # The caller has given this up, and the person may have deleted everything before it was committed.
        if self.must_check_deletion and self.conversation.row is None and self._was_deleted():
            self._take_back()
        return is_stored

    def _may_start_late(self) -> bool:
        """Whether that brings nothing back that the person has deleted since they asked, and replaces nothing that has
        followed, as the finished answer of this very turn.
        """
        if self.conversation.replaced_from is not None:
            return not self._has_later_turn()
        return self.conversation.row is not None or self._was_deleted() is False

    def complete(self, transcript: Transcript) -> None:
        """Save the finished answer."""
        columns = self._outcome(transcript)
        self.saved = _write(lambda: self._complete(columns), late=lambda: self._complete_late(columns))

    def is_stored(self) -> bool:
        """Whether the end that the reader has received is stored: also by who has stopped the answer for this reader,
        while its run goes on for others.
        """
        if self.saved or not (self.is_started or self.must_check_deletion):
            return self.saved  # a turn that was begun may have been stored late
        stopped = Message.objects.filter(public_id=self.message_id, status=Message.Status.STOPPED)
        with suppress(DatabaseError):
            return db_executor.run(stopped.exists)
        return False

    def _complete(self, columns: Mapping[str, Any]) -> bool:
        """Whether the finished answer is stored now. Raises DeletionUnknown."""
        is_stored: bool | None = False
        if self.must_check_deletion:
            is_stored = self._store_unless_deleted(columns)
        elif not self.is_started:
            is_stored = self._insert(Message(**columns))
        if (
            is_stored
            or history_sql.complete_pending(self.message_id, columns)
            or _is_stored_as(self.message_id, columns)
        ):
            return True
        if is_stored is None:
            raise DeletionUnknown
        return False

    def _complete_late(self, columns: Mapping[str, Any]) -> bool:
        """Save the finished answer late, unless its conversation has changed meanwhile."""
        if history_sql.complete_pending(self.message_id, columns) or _is_stored_as(self.message_id, columns):
            return True
        if self.is_started or self.conversation.replaced_from is not None:
            return False  # deleted since, or what it replaces may have been continued
        if self._has_later_turn():
            return False
        return bool(self._store_unless_deleted(columns))

    def _store_unless_deleted(self, columns: Mapping[str, Any]) -> bool | None:
        """Store the turn unless that could bring back what the person has deleted since they asked.

        False if it is stored already, or the person has deleted; None if that is unknown.
        """
        if self.conversation.row is not None:
            return self._complete_or_insert(columns)  # nothing is inserted into a row that is deleted
        was_deleted = self._was_deleted()
        if was_deleted is False:
            is_stored = self._complete_or_insert(columns)
            # A deletion sets its mark before it deletes rows: if it has not seen these, its mark is seen now.
            was_deleted = self._was_deleted()
            if was_deleted is False:
                return is_stored
            self._take_back()
        elif was_deleted:
            self._take_back()  # the start may have been stored after the deletion
        return None if was_deleted is None else False

    def _complete_or_insert(self, columns: Mapping[str, Any]) -> bool:
        """The start may be stored although its confirmation was late. To insert the turn again, or so late, would also
        replace what has followed meanwhile.
        """
        if history_sql.complete_pending(self.message_id, columns) or _is_stored_as(self.message_id, columns):
            return True
        if self.conversation.replaced_from is not None and self._has_later_turn():
            return False
        return self._insert(Message(**columns))

    def _was_deleted(self) -> bool | None:
        ref = self.conversation
        return deletions.was_deleted(ref.owner, ref.public_id, since=self.asked_at.timestamp())

    def _take_back(self) -> None:
        """Delete the turn, then its conversation if it is empty: one that existed before has other turns."""
        ref = self.conversation
        conversation = Conversation.objects.filter(owner=ref.owner, public_id=ref.public_id)
        Message.objects.filter(
            conversation__in=conversation, public_id__in=[self.question_message_id, self.message_id]
        ).delete()
        conversation.filter(messages=None).delete()

    def _has_later_turn(self) -> bool:
        ref = self.conversation
        stored = Message.objects.filter(conversation__owner=ref.owner, conversation__public_id=ref.public_id)
        return stored.filter(created_at__gt=self.asked_at).exists()

    def _outcome(self, transcript: Transcript) -> dict[str, Any]:
        assert transcript.finish is not None
        self.provenance = self.describe(transcript.finish)
        return _outcome(transcript, self.provenance)

    def _insert(self, answer: Message) -> bool:
        """False if both messages are stored already, by an earlier attempt whose reply was late or lost."""
        conversation = self.conversation.row or self._new_conversation()
        conversation.updated_at = timezone.now()
        answer.public_id, answer.role, answer.cache_key = self.message_id, Message.Role.ASSISTANT, self.cache_key
        question = Message(
            public_id=self.question_message_id,
            role=Message.Role.USER,
            text=self.question,
            client_id=self.question_id,
            document=self.document,
        )
        question.correlation_id = answer.correlation_id = self.correlation_id
        try:
            if self.conversation.replaced_from is None:
                history_sql.insert(conversation, [question, answer])
            else:
                self._replace(conversation, self.conversation.replaced_from, [question, answer])
        except IntegrityError:
            if not self._is_stored():
                raise
            return False
        return True

    def _replace(self, conversation: Conversation, first: int, messages: Sequence[Message]) -> None:
        """Insert the messages in place of the stored ones from the row `first` on: all or nothing."""
        with transaction.atomic():
            conversation.messages.filter(id__gte=first).delete()
            if not conversation.messages.exists():
                Conversation.objects.filter(pk=conversation.pk).update(title=self._title())
            history_sql.insert(conversation, messages)

    def _is_stored(self) -> bool:
        return Message.objects.filter(public_id=self.message_id).exists()

    def _new_conversation(self) -> Conversation:
        return Conversation(owner=self.conversation.owner, public_id=self.conversation.public_id, title=self._title())

    def _title(self) -> str:
        return " ".join(self.question.split())[:TITLE_LENGTH]


def save_outcome(message: Message, transcript: Transcript) -> bool:
    """Save how a pending answer ended. False if it is not pending any more, or the write failed."""
    assert transcript.finish is not None
    columns = _outcome(transcript, provenance.complete(message.receipt, transcript.finish))
    work = partial(history_sql.complete_pending, message.public_id, columns)
    return _write(work, late=work)


def _is_stored_as(message_id: str, columns: Mapping[str, Any]) -> bool:
    """Whether an earlier attempt, whose reply was lost, has stored this outcome."""
    return Message.objects.filter(public_id=message_id, status=columns["status"], text=columns["text"]).exists()


def _outcome(transcript: Transcript, record: Provenance) -> dict[str, Any]:
    """The columns of a finished answer."""
    finish = transcript.finish
    assert finish is not None
    return {
        "text": storable(transcript.text),
        "status": Message.Status.COMPLETE if finish.ending == "stop" else Message.Status(finish.ending),
        "origin": finish.origin,
        "degraded": asdict(finish.degraded) if finish.degraded else None,
        "sources": [_storable_source(source) for source in transcript.sources],
        "suggestions": list(map(storable, finish.suggestions)),
        "receipt": record,
    }


def _storable_source(source: Source) -> dict[str, Any]:
    return {name: storable(value) if isinstance(value, str) else value for name, value in source.as_json().items()}


def _write(work: Callable[[], bool], late: Callable[[], bool] | None = None, *, is_last: bool = True) -> bool:
    """The result of `work`; False if the database fails or does not answer in time. Then `late` is done soon after.

    A turn whose deletion is unknown is given up. Only the last write of a turn counts as unsaved: it stores what an
    earlier one could not. The earlier one is done late, too, for who stops or resumes the answer meanwhile.
    """
    try:
        return db_executor.run(work, even_if_late=not is_last)
    except (DatabaseError, DeletionUnknown) as error:
        if is_last:
            metrics.UNSAVED_MESSAGES.inc()
        log.error("Message not saved", code=type(error).__name__)  # noqa: TRY400 a driver's message quotes rows
        if late is not None and isinstance(error, DatabaseUnavailable):
            late_writes.queue.add(late)
        return False
    except Exception:  # noqa: BLE001 - reported
        if is_last:
            metrics.UNSAVED_MESSAGES.inc()
        unexpected_errors.report("history")
        return False
