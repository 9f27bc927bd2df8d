"""The history: whose conversations there are, what was said in them, and how a message gets into it.

Everything is looked up with its owner, so another person's id is as unknown as one that never was. The database may be
away: an answer is given all the same, and says that it was not saved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, IntegrityError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from chat import cache, claims, receipts, runs, saving
from chat.database import DatabaseAway, database
from chat.events import Event, Finish
from chat.models import Conversation, Message, new_public_id
from chat.questions import Turn
from chat.receipts import Receipt
from chat.transcripts import Transcript
from observability import correlation, logs, metrics

log = logs.get_logger(__name__)

TITLE_LENGTH = 80
HISTORY_MESSAGES = 20
LONGEST_ANSWER = timedelta(seconds=settings.AI_DEADLINE_CHAT + 5)
Result = TypeVar("Result")


class UnknownConversation(LookupError):
    """There is no such conversation among the caller's own."""


class NotAllDeleted(Exception):
    """Redis is away: what it keeps can't be deleted just now."""


@dataclass(slots=True)
class Place:
    """Where a message goes: one of the caller's conversations, or one that begins with it."""

    owner: str
    public_id: str
    row: Conversation | None = None
    history: tuple[Turn, ...] = ()


@dataclass(slots=True)
class Record:
    """One question and its answer on their way into the history. `saved` tells whether both have arrived.

    `explain` makes the answer's receipt, None standing for an end that hasn't come; `receipt` is that of its end.
    `has_begun` says that the question and a pending answer are there.
    """

    place: Place
    question: str
    cache_key: str
    explain: Callable[[Finish | None], Receipt]
    message_id: str = field(default_factory=new_public_id)
    correlation_id: str = field(default_factory=correlation.current)
    saved: bool = False
    receipt: Receipt | None = None
    has_begun: bool = False

    def begin(self, run_id: str) -> None:
        """Save the question, and the answer as one that is being written by this run."""
        answer = Message(status=Message.Status.PENDING, run_id=run_id, receipt=self.explain(None))
        self.has_begun = _save(lambda: self._insert(answer) or self._is_there())

    def complete(self, transcript: Transcript) -> None:
        """Save the answer as it ended."""
        columns = self._columns(transcript)

        def write() -> bool:
            # A beginning that we gave up waiting for may have been written after all.
            is_new = not self.has_begun and self._insert(Message(**columns))
            return is_new or saving.end(self.message_id, columns) or _has_arrived(self.message_id, columns)

        self.saved = _save(write)

    def settle(self, transcript: Transcript) -> None:
        """Save the answer as it ended, if whoever asked for it has not: it was resumed, maybe because they died."""
        columns = self._columns(transcript)
        still_pending = Message.objects.filter(public_id=self.message_id, status=Message.Status.PENDING)
        self.saved = _save(lambda: saving.end(self.message_id, columns) or not still_pending.exists())

    def _columns(self, transcript: Transcript) -> dict[str, Any]:
        assert transcript.finish is not None
        self.receipt = self.explain(transcript.finish)
        return _columns(transcript, self.receipt)

    def _insert(self, answer: Message) -> bool:
        """False when both are there already, from a try whose confirmation came too late or was lost."""
        conversation = self.place.row or self._new_conversation()
        conversation.updated_at = timezone.now()
        answer.public_id, answer.role, answer.cache_key = self.message_id, Message.Role.ASSISTANT, self.cache_key
        question = Message(role=Message.Role.USER, text=self.question)
        question.correlation_id = answer.correlation_id = self.correlation_id
        is_new = True
        try:
            saving.save(conversation, [question, answer])
        except IntegrityError:
            if not self._is_there():
                raise
            is_new = False
        self.place.row = conversation if conversation.pk else None
        return is_new

    def _is_there(self) -> bool:
        return Message.objects.filter(public_id=self.message_id).exists()

    def _new_conversation(self) -> Conversation:
        title = " ".join(self.question.split())[:TITLE_LENGTH]
        return Conversation(owner=self.place.owner, public_id=self.place.public_id, title=title)


def locate(owner: str, public_id: str | None, *, may_begin: bool = False) -> Place:
    """Where the next message goes. Raises UnknownConversation unless `may_begin` lets the client choose a new id.

    An id that this very person got from us is no such choice: that conversation began while the database was away – or
    was forgotten meanwhile, which we don't remember: then it begins anew, and the question isn't lost.
    """
    if public_id is None:
        return Place(owner, _marked(owner, new_public_id()))
    try:
        place = database.ask(lambda: _find(owner, public_id))
    except DatabaseAway:
        # Better an answer that doesn't know the conversation than none.
        log.warning("History could not be read", code="database_away")
        return Place(owner, public_id)
    if place.row is None and not may_begin and not _is_theirs(owner, public_id):
        raise UnknownConversation(public_id)
    return place


def pending(owner: str, public_id: str) -> Message | None:
    """The answer of this conversation that is still being written, as far as the history knows."""
    return database.ask(_answers(owner, public_id).filter(status=Message.Status.PENDING).last)


def last_answer(owner: str, public_id: str) -> Message | None:
    """The latest answer of this conversation, however it ended."""
    return database.ask(_answers(owner, public_id).last)


def settle(owner: str, public_id: str, cut_short: Sequence[Event]) -> None:
    """Save how a pending answer ended whose writer died before it could."""
    message = pending(owner, public_id)
    if message is None:
        return
    run = runs.find(message.run_id, cut_short)
    if run is not None:
        run.on_end(lambda transcript: _save_end(message, transcript))
    elif timezone.now() - message.created_at > LONGEST_ANSWER:  # before that it may only be out of sight
        _save_end(message, Transcript(cut_short))


def stop(message: Message, cut_short: Sequence[Event]) -> bool:
    """End a pending answer. One that others may be reading too goes on for them and ends for this conversation."""
    if not cache.is_shared(message.cache_key):
        return runs.stop(message.run_id)
    run = runs.find(message.run_id, cut_short)
    said = run.said() if run is not None else ()
    stopped = Transcript([*said, Finish("ai", ending="stopped")])
    runs.leave(message.run_id, message.public_id)
    return _save_end(message, stopped)


def page_of_conversations(owner: str, before: str | None, limit: int) -> list[Conversation]:
    """The latest first; `before` is the `public_id` of the last one seen. One more than `limit`, if there is."""

    def read() -> list[Conversation]:
        mine = Conversation.objects.filter(owner=owner).order_by("-updated_at", "-id")
        if before is not None:
            last = _own(owner, before)
            mine = mine.filter(updated_at__lte=last.updated_at).exclude(updated_at=last.updated_at, id__gte=last.pk)
        return list(mine[: limit + 1])

    return database.ask(read)


def page_of_messages(owner: str, public_id: str, after: int, limit: int) -> list[Message]:
    """In order; `after` is the row number of the last one seen, 0 to begin. One more than `limit`, if there is."""
    return database.ask(lambda: list(_own(owner, public_id).messages.filter(id__gt=after).order_by("id")[: limit + 1]))


def forget(owner: str, public_id: str | None) -> int:
    """Delete one or all of the caller's conversations, and what was kept for them; how many there were.

    Raises DatabaseAway, NotAllDeleted: then ask again.
    """
    if public_id is None:
        return forget_all([owner])
    one = Conversation.objects.filter(owner=owner, pk=database.ask(lambda: _own(owner, public_id)).pk)
    _end_answers(one)
    _forget_kept([owner])  # first: a conversation that is gone could not be asked for again
    return _delete(one)


def forget_all(owners: Sequence[str]) -> int:
    """The same for all that is kept under several names of one person. While Redis is away, the rows are deleted."""
    theirs = Conversation.objects.filter(owner__in=owners)
    _end_answers(theirs)
    count = _delete(theirs)
    _forget_kept(owners)
    return count


def rate(owner: str, message_id: str, rating: str, comment: str) -> bool:
    """Keep what somebody thinks of an answer; an unhelpful one is not served again. False when there is no such."""

    def write() -> str | None:
        mine = Message.objects.filter(conversation__owner=owner, public_id=message_id, role=Message.Role.ASSISTANT)
        mine.update(rating=rating, comment=comment)
        return mine.values_list("cache_key", flat=True).first()

    cache_key = database.ask(write)
    if cache_key and rating == Message.Rating.DOWN:
        cache.evict(cache_key)
    return cache_key is not None


def _marked(owner: str, number: str) -> str:
    """A conversation's id, from which we can tell later that we gave it to this person."""
    return f"{number}-{salted_hmac('chat.conversations', owner + number, algorithm='sha256').hexdigest()[:12]}"


def _is_theirs(owner: str, public_id: str) -> bool:
    """Whether we gave this id to them, or to a visitor who they turned out to be. Raises DatabaseAway."""
    return _is_given_out(owner, public_id) or any(
        _is_given_out(visitor, public_id) for visitor in database.ask(lambda: claims.visitors_of(owner))
    )


def _is_given_out(owner: str, public_id: str) -> bool:
    return constant_time_compare(public_id, _marked(owner, public_id.rpartition("-")[0]))


def _end_answers(conversations: QuerySet[Conversation]) -> None:
    """End what is being written in them, while its log still tells who writes it."""
    under_way = Message.objects.filter(conversation__in=conversations, status=Message.Status.PENDING)
    for message in database.ask(lambda: list(under_way)):
        if cache.is_shared(message.cache_key):
            runs.leave(message.run_id, message.public_id)
        else:
            runs.stop(message.run_id)


def _delete(conversations: QuerySet[Conversation]) -> int:
    return database.ask(lambda: conversations.delete()[1].get(Conversation._meta.label, 0))


def _forget_kept(owners: Sequence[str]) -> None:
    """Forget what Redis keeps for each of them alone: their answers, and the logs of those."""
    logs_are_gone = [runs.forget(cache.owner_of(owner)) for owner in owners]
    answers_are_gone = [cache.forget(owner) is not None for owner in owners]
    if not all(logs_are_gone + answers_are_gone):
        raise NotAllDeleted


def _find(owner: str, public_id: str) -> Place:
    row = Conversation.objects.filter(owner=owner, public_id=public_id).first()
    return Place(owner, public_id, row, _history(row) if row else ())


def _answers(owner: str, public_id: str) -> QuerySet[Message]:
    mine = Message.objects.filter(conversation__owner=owner, conversation__public_id=public_id)
    return mine.filter(role=Message.Role.ASSISTANT).select_related("conversation")


def _own(owner: str, public_id: str) -> Conversation:
    try:
        return Conversation.objects.get(owner=owner, public_id=public_id)
    except Conversation.DoesNotExist:
        raise UnknownConversation(public_id) from None


def _history(conversation: Conversation) -> tuple[Turn, ...]:
    said = conversation.messages.exclude(text="").order_by("-id").values_list("role", "text")[:HISTORY_MESSAGES]
    return tuple(Turn("user" if role == "user" else "assistant", text) for role, text in reversed(said))


def _save_end(message: Message, transcript: Transcript) -> bool:
    """Save how a pending answer ended, for whoever asked for it; whether that was still to be done."""
    assert transcript.finish is not None
    columns = _columns(transcript, receipts.completed(message.receipt, transcript.finish))
    return _save(lambda: saving.end(message.public_id, columns))


def _has_arrived(message_id: str, columns: Mapping[str, Any]) -> bool:
    """Whether just this was saved before, by a try whose confirmation was lost with the connection."""
    return Message.objects.filter(public_id=message_id, status=columns["status"], text=columns["text"]).exists()


def _columns(transcript: Transcript, receipt: Receipt) -> dict[str, Any]:
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
        "receipt": receipt,
    }


def _save(write: Callable[[], bool]) -> bool:
    """Whether it was written, as far as can be told now."""
    try:
        return database.ask(write)
    except DatabaseError as error:
        metrics.UNSAVED_MESSAGES.inc()
        log.error("Message not saved", code=type(error).__name__)  # noqa: TRY400 a driver's message quotes rows
        return False
