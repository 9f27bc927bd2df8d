"""The history: whose conversations there are, what was said in them, and how a message gets into it.

Everything is looked up with its owner, so another person's id is as unknown as one that never was. The database may be
away: an answer is given all the same, and says that it was not saved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.utils import timezone

from chat import cache, runs
from chat.events import Event
from chat.models import Conversation, Message, new_public_id
from chat.questions import Turn
from chat.transcripts import Transcript
from observability import correlation, logs, metrics

log = logs.get_logger(__name__)

TITLE_LENGTH = 80
HISTORY_MESSAGES = 20
Result = TypeVar("Result")


class UnknownConversation(LookupError):
    """There is no such conversation among the caller's own."""


@dataclass(slots=True)
class Place:
    """Where a message goes: one of the caller's conversations, or one that begins with it."""

    owner: str
    public_id: str
    row: Conversation | None = None
    history: tuple[Turn, ...] = ()


@dataclass(slots=True)
class Record:
    """One question and its answer on their way into the history. `saved` tells whether both have arrived."""

    place: Place
    question: str
    cache_key: str
    message_id: str = field(default_factory=new_public_id)
    correlation_id: str = field(default_factory=correlation.current)
    saved: bool = False
    _has_begun: bool = False

    def begin(self, run_id: str) -> None:
        """Save the question, and the answer as one that is being written by this run."""
        self._has_begun = _saved(lambda: self._insert(Message(status=Message.Status.PENDING, run_id=run_id)))

    def complete(self, transcript: Transcript) -> None:
        """Save the answer as it ended."""
        if self._has_begun:
            self.saved = _saved(lambda: _update(self.message_id, transcript))
        else:
            self.saved = _saved(lambda: self._insert(_filled(Message(), transcript)))

    def _insert(self, answer: Message) -> None:
        with transaction.atomic():
            conversation = self.place.row or self._new_conversation()
            answer.public_id, answer.role = self.message_id, Message.Role.ASSISTANT
            answer.cache_key = self.cache_key
            question = Message(role=Message.Role.USER, text=self.question)
            for message in (question, answer):
                message.conversation, message.correlation_id = conversation, self.correlation_id
            Message.objects.bulk_create([question, answer])
            if self.place.row is not None:
                Conversation.objects.filter(pk=conversation.pk).update(updated_at=timezone.now())
        self.place.row = conversation

    def _new_conversation(self) -> Conversation:
        title = " ".join(self.question.split())[:TITLE_LENGTH]
        place = self.place
        # Two first messages of one conversation may arrive at once, when its id was chosen by the client.
        return Conversation.objects.get_or_create(
            owner=place.owner, public_id=place.public_id, defaults={"title": title}
        )[0]


def locate(owner: str, public_id: str | None, *, may_begin: bool = False) -> Place:
    """Where the next message goes. Raises UnknownConversation unless `may_begin` lets the client choose a new id."""
    if public_id is None:
        return Place(owner, new_public_id())
    try:
        with connection_released():
            row = Conversation.objects.filter(owner=owner, public_id=public_id).first()
            if row is None and not may_begin:
                raise UnknownConversation(public_id)
            return Place(owner, public_id, row, _history(row) if row else ())
    except (DatabaseError, InterfaceError) as error:
        # Better an answer that doesn't know the conversation than none.
        log.warning("History could not be read", code=type(error).__name__)
        return Place(owner, public_id)


def pending(owner: str, public_id: str) -> Message | None:
    """The answer of this conversation that is still being written, as far as the history knows."""
    with connection_released():
        return (
            Message.objects.select_related("conversation")
            .filter(conversation__owner=owner, conversation__public_id=public_id)
            .filter(role=Message.Role.ASSISTANT, status=Message.Status.PENDING)
            .last()
        )


def settle(owner: str, public_id: str, cut_short: Sequence[Event]) -> None:
    """Save how a pending answer ended whose writer died before it could."""
    message = pending(owner, public_id)
    if message is None:
        return
    run = runs.find(message.run_id, cut_short)
    if run is None:
        _saved(lambda: _update(message.public_id, Transcript(cut_short)))
    else:
        run.on_end(lambda transcript: _saved(lambda: _update(message.public_id, transcript)))


def page_of_conversations(owner: str, before: str | None, limit: int) -> list[Conversation]:
    """The latest first; `before` is the `public_id` of the last one seen. One more than `limit`, if there is."""
    with connection_released():
        mine = Conversation.objects.filter(owner=owner).order_by("-updated_at", "-id")
        if before is not None:
            last = _own(owner, before)
            mine = mine.filter(updated_at__lte=last.updated_at).exclude(updated_at=last.updated_at, id__gte=last.pk)
        return list(mine[: limit + 1])


def page_of_messages(owner: str, public_id: str, after: int, limit: int) -> list[Message]:
    """In order; `after` is the row number of the last one seen, 0 to begin. One more than `limit`, if there is."""
    with connection_released():
        conversation = _own(owner, public_id)
        return list(conversation.messages.filter(id__gt=after).order_by("id")[: limit + 1])


def forget(owner: str, public_id: str | None) -> int:
    """Delete one or all of the caller's conversations, and what was kept for them; how many there were."""
    with connection_released():
        mine = Conversation.objects.filter(owner=owner)
        if public_id is not None:
            mine = mine.filter(pk=_own(owner, public_id).pk)
        for run_id in mine.filter(messages__status=Message.Status.PENDING).values_list("messages__run_id", flat=True):
            runs.stop(run_id)
        count = mine.count()
        mine.delete()
    cache.forget(owner)
    return count


def rate(owner: str, message_id: str, rating: str, comment: str) -> bool:
    """Keep what somebody thinks of an answer; an unhelpful one is not served again. False when there is no such."""
    with connection_released():
        message = Message.objects.filter(
            conversation__owner=owner, public_id=message_id, role=Message.Role.ASSISTANT
        ).first()
        if message is None:
            return False
        Message.objects.filter(pk=message.pk).update(rating=rating, comment=comment)
    if rating == Message.Rating.DOWN and message.cache_key:
        cache.evict(message.cache_key)
    return True


class connection_released:  # noqa: N801 read as a statement
    """Give the connection back afterwards: an answer may stream for half a minute, and there are few connections."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        if not connection.in_atomic_block:
            connection.close()


def _own(owner: str, public_id: str) -> Conversation:
    try:
        return Conversation.objects.get(owner=owner, public_id=public_id)
    except Conversation.DoesNotExist:
        raise UnknownConversation(public_id) from None


def _history(conversation: Conversation) -> tuple[Turn, ...]:
    said = conversation.messages.exclude(text="").order_by("-id").values_list("role", "text")[:HISTORY_MESSAGES]
    return tuple(Turn("user" if role == "user" else "assistant", text) for role, text in reversed(said))


def _filled(message: Message, transcript: Transcript) -> Message:
    for name, value in _columns(transcript).items():
        setattr(message, name, value)
    return message


def _update(message_id: str, transcript: Transcript) -> None:
    Message.objects.filter(public_id=message_id).update(**_columns(transcript))


def _columns(transcript: Transcript) -> dict[str, Any]:
    finish = transcript.finish
    assert finish is not None
    status = {"interrupted": Message.Status.INTERRUPTED, "stopped": Message.Status.STOPPED}
    return {
        "text": transcript.text.replace("\0", ""),
        "status": status.get(finish.ending, Message.Status.COMPLETE),
        "origin": finish.origin,
        "degraded": asdict(finish.degraded) if finish.degraded else None,
        "sources": [asdict(source) for source in transcript.sources],
        "suggestions": list(finish.suggestions),
    }


def _saved(write: Callable[[], object]) -> bool:
    """Whether it was written. A connection may have died since it was last used: that is worth a second try."""
    for is_last in (False, True):
        try:
            with connection_released():
                write()
        except (DatabaseError, InterfaceError) as error:
            if is_last:
                metrics.UNSAVED_MESSAGES.inc()
                log.error("Message not saved", code=type(error).__name__)  # noqa: TRY400 a driver's message quotes rows
        else:
            return True
    return False
