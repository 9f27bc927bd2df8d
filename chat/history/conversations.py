"""Reads and changes stored conversations. Every query includes the owner.

Another person's conversation id is treated like an id that does not exist. Functions raise DatabaseUnavailable when the
database does not answer, except `resolve`, so that a question can still be answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet
from django.utils.crypto import constant_time_compare, salted_hmac

from chat.core.events import Origin
from chat.core.question import Turn
from chat.history import claims
from chat.history.kept_document import as_prompt_text
from chat.models import Conversation, Message, new_public_id
from chat.storage import answer_cache, answer_keys, answer_votes, provenance
from chat.storage.db_executor import DatabaseUnavailable, db_executor
from observability import logs, unexpected_errors

log = logs.get_logger(__name__)

HISTORY_MESSAGES = 20

# An answer at its length limit is the AI's own: "and the rest?" rests on it.
_ANSWERED = frozenset([Message.Status.COMPLETE, Message.Status.LENGTH])
_AI_ORIGINS = frozenset[Origin](["ai", "cache"])
_FALLBACK_ORIGINS = frozenset[Origin](["stale", "knowledge", "fallback"])


class UnknownConversation(LookupError):
    """The caller has no conversation with this id."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """The stored question that a message replaces, with all that followed.

    `ids` are ids of the question or of its answer, the most reliable first. If none is stored, the latest question with
    this `text` is meant; an empty `text` means none. If no question is found, nothing is replaced.

    `is_repeat` means the latest question, if it has this id and this text: its reply was lost, and it is asked again.
    """

    ids: tuple[str, ...]
    text: str = ""
    is_repeat: bool = False


class _Row(NamedTuple):
    """What is read of a stored message."""

    pk: int
    client_id: str
    role: str
    text: str
    status: str
    origin: str
    document: Any


@dataclass(slots=True)
class ConversationRef:
    """The conversation that a message belongs to. `row` is None for a new one; `history` is oldest first, `letter` the
    latest document that the person keeps in it, with its facts.

    The message replaces the stored messages from the row `replaced_from` on; `history` ends before them.
    """

    owner: str
    public_id: str
    row: Conversation | None = None
    history: tuple[Turn, ...] = ()
    replaced_from: int | None = None
    letter: str = ""


def resolve(
    owner: str, public_id: str | None, *, allow_new_id: bool = False, replacement: Replacement | None = None
) -> ConversationRef:
    """The conversation for the next message; a new one if `public_id` is None.

    Raises UnknownConversation for an id that is not stored, unless `allow_new_id` is set or the server issued this id
    to the caller. An issued id is not stored if the database was unavailable at its first use, or if the conversation
    was deleted since. In both cases the conversation starts again, and the question is not lost.
    """
    if public_id is None:
        return ConversationRef(owner, _signed_id(owner, new_public_id()))
    try:
        conversation = db_executor.run(lambda: _load(owner, public_id, replacement))
        is_known = conversation.row is not None or allow_new_id or _was_issued_to(owner, public_id)
    except DatabaseUnavailable:
        # An answer without the earlier messages is better than an error.
        log.warning("History could not be read", code="database_away")
        return ConversationRef(owner, public_id)
    except Exception:  # noqa: BLE001 - reported
        unexpected_errors.report("history")
        return ConversationRef(owner, public_id)
    if not is_known:
        raise UnknownConversation(public_id)
    return conversation


def pending_answer(
    owner: str, public_id: str, is_meant: Callable[[str], bool] = lambda _message_id: True
) -> Message | None:
    """The answer of this conversation that is stored as still being written.

    Two tabs may have asked: then the latest whose message id is meant.
    """
    pending = db_executor.run(lambda: list(_answers(owner, public_id).filter(status=Message.Status.PENDING)))
    return next((each for each in reversed(pending) if is_meant(each.public_id)), None)


def latest_answer(owner: str, public_id: str) -> Message | None:
    """The latest answer of this conversation, with any status."""
    return db_executor.run(_answers(owner, public_id).last)


def latest_id(owner: str) -> str | None:
    """The `public_id` of the owner's latest conversation; None without one."""
    latest = Conversation.objects.filter(owner=owner).order_by("-updated_at", "-id")
    return db_executor.run(lambda: latest.values_list("public_id", flat=True).first())


def page_of_messages(owner: str, public_id: str, after: int, limit: int) -> list[Message]:
    """Oldest first. `after` is the primary key of the previous page's last row, 0 for the first page. One extra row if
    there are more. Raises UnknownConversation.
    """
    return db_executor.run(
        lambda: list(_get(owner, public_id).messages.filter(id__gt=after).order_by("id")[: limit + 1])
    )


def newest_messages(owner: str, public_id: str, after: int, limit: int) -> list[Message]:
    """The newest `limit` messages after the row `after`, oldest first. Raises UnknownConversation."""

    def read() -> list[Message]:
        newest = _get(owner, public_id).messages.filter(id__gt=after).order_by("-id")[:limit]
        return list(reversed(newest))

    return db_executor.run(read)


def save_rating(owner: str, message_id: str, rating: Mapping[str, str], *, network: str) -> bool:
    """Store `rating`, `reason` and `comment` of an answer that the owner received, and count the rating.

    False if they received no such answer.
    """

    def write() -> Message | None:
        answers = Message.objects.filter(conversation__owner=owner, public_id=message_id, role=Message.Role.ASSISTANT)
        answers.update(**rating)
        return answers.only("cache_key", "origin", "receipt").first()

    answer = db_executor.run(write)
    if answer is not None:
        _count_rating(answer, rating["rating"], owner, network)
    return answer is not None


def _count_rating(answer: Message, rating: str, person: str, network: str) -> None:
    """Expire the cached answer once several people have rated a shared one down, or one person a private one."""
    generation = provenance.generation_of(answer.receipt or {})
    if answer.origin not in _AI_ORIGINS or generation is None:
        return
    if rating != Message.Rating.DOWN:
        answer_votes.withdraw(answer.cache_key, generation, person)
    elif not answer_keys.is_shared(answer.cache_key) or answer_votes.add(answer.cache_key, generation, person, network):
        answer_cache.outdate(answer.cache_key, generation)


def replace_answer(answer: Message) -> bool | None:
    """Make the cached answer stale, so that the AI is asked again. False if the cache does not hold it (any more), None
    while Redis is unavailable.
    """
    generation = provenance.generation_of(answer.receipt or {})
    return False if generation is None else answer_cache.outdate(answer.cache_key, generation)


def select_one(owner: str, public_id: str) -> QuerySet[Conversation]:
    """One conversation as a query. Raises UnknownConversation."""
    return Conversation.objects.filter(owner=owner, pk=db_executor.run(lambda: _get(owner, public_id)).pk)


def select_all(owners: Sequence[str]) -> QuerySet[Conversation]:
    """All conversations of these owners as a query."""
    return Conversation.objects.filter(owner__in=owners)


def pending_answers(conversations: QuerySet[Conversation]) -> list[Message]:
    """The answers in these conversations that are stored as still being written."""
    pending = Message.objects.filter(conversation__in=conversations, status=Message.Status.PENDING)
    return db_executor.run(lambda: list(pending))


def private_runs(conversations: QuerySet[Conversation]) -> list[str]:
    """The ids of the runs that have written, or write, these conversations' private answers."""
    answers = Message.objects.filter(conversation__in=conversations).exclude(run_id="").only("run_id", "cache_key")
    found = db_executor.run(lambda: list(answers))
    return [answer.run_id for answer in found if not answer_keys.is_shared(answer.cache_key)]


def delete(conversations: QuerySet[Conversation]) -> int:
    """Delete these conversations with their messages. Returns the number of conversations."""
    return db_executor.run(lambda: conversations.delete()[1].get(Conversation._meta.label, 0))


def _signed_id(owner: str, number: str) -> str:
    """A conversation id with a signature that shows the server issued it to this owner."""
    return f"{number}-{salted_hmac('chat.conversations', owner + number, algorithm='sha256').hexdigest()[:12]}"


def _was_issued_to(owner: str, public_id: str) -> bool:
    """Whether the server issued this id to the owner or to a visitor whom the owner has claimed."""
    return _is_signed_for(owner, public_id) or any(
        _is_signed_for(visitor, public_id) for visitor in db_executor.run(lambda: claims.visitors_of(owner))
    )


def _is_signed_for(owner: str, public_id: str) -> bool:
    return constant_time_compare(public_id, _signed_id(owner, public_id.rpartition("-")[0]))


def _load(owner: str, public_id: str, replacement: Replacement | None) -> ConversationRef:
    row = Conversation.objects.filter(owner=owner, public_id=public_id).first()
    if row is None:
        return ConversationRef(owner, public_id)
    is_repeat = replacement is not None and replacement.is_repeat
    first = None if replacement is None or is_repeat else _first_replaced(row, replacement)
    earlier = row.messages.all() if first is None else row.messages.filter(id__lt=first)
    latest = earlier.order_by("-id").values_list(*_Row._fields)[:HISTORY_MESSAGES]
    rows = [_Row(*values) for values in reversed(list(latest))]
    if replacement is not None and is_repeat and (place := _place_of_repeated(rows, replacement)) is not None:
        first, rows = rows[place].pk, rows[:place]
    letter = next((as_prompt_text(each.document) for each in reversed(rows) if each.document), "")
    return ConversationRef(owner, public_id, row, _turns(rows), first, letter)


def _place_of_repeated(rows: Sequence[_Row], repeat: Replacement) -> int | None:
    """Where the question stands that is asked again; None if another one is the latest, or none is."""
    place = max((place for place, row in enumerate(rows) if row.role == Message.Role.USER), default=None)
    if place is None or rows[place].document:
        return None
    return place if rows[place].client_id in repeat.ids and rows[place].text == repeat.text else None


def _first_replaced(conversation: Conversation, replacement: Replacement) -> int | None:
    """The primary key of the question that the replacement means; None if it is not stored, or is a kept document.

    Only the document itself, sent again, could replace it: its name as a question would delete it.
    """
    question = _question_meant(conversation, replacement)
    return None if question is None or question.document else question.pk


def _question_meant(conversation: Conversation, replacement: Replacement) -> Message | None:
    questions = conversation.messages.filter(role=Message.Role.USER).only("document").order_by("-id")
    for message_id in replacement.ids:
        found = conversation.messages.filter(Q(public_id=message_id) | Q(client_id=message_id)).last()
        if found is not None:
            return questions.filter(id__lte=found.pk).first()
    return questions.filter(text=replacement.text).first() if replacement.text else None


def _answers(owner: str, public_id: str) -> QuerySet[Message]:
    messages = Message.objects.filter(conversation__owner=owner, conversation__public_id=public_id)
    return messages.filter(role=Message.Role.ASSISTANT).select_related("conversation")


def _get(owner: str, public_id: str) -> Conversation:
    try:
        return Conversation.objects.get(owner=owner, public_id=public_id)
    except Conversation.DoesNotExist:
        raise UnknownConversation(public_id) from None


def _turns(rows: Sequence[_Row]) -> tuple[Turn, ...]:
    """The latest questions with the AI's answers to them, and the last question if its answer failed to come.

    Left out with their questions are fallbacks and answers that were stopped, filtered, refused or are still being
    written. The last question is kept if its answer failed, because the next message may refer to it.
    """
    turns: list[Turn] = []
    question = unanswered = ""
    for _, _, role, text, status, origin, _ in rows:
        if role == Message.Role.USER:
            question, unanswered = text, ""
        elif question and text and status in _ANSWERED and origin in _AI_ORIGINS:
            turns += [Turn("user", question), Turn("assistant", text)]
            question = unanswered = ""
        else:
            failed = status == Message.Status.INTERRUPTED or origin in _FALLBACK_ORIGINS
            question, unanswered = "", question if failed else ""
    return (*turns, Turn("user", unanswered)) if unanswered else tuple(turns)
