"""Resumes the stream of an answer after a client has lost its connection."""

from __future__ import annotations

from functools import partial

from chat import runs
from chat.core.event_position import EventPosition
from chat.core.language import Language
from chat.history import conversations
from chat.history.conversations import ConversationRef
from chat.history.recorder import TurnRecorder
from chat.models import Message
from chat.pipeline import fallbacks
from chat.pipeline.answer_stream import RunStream
from chat.pipeline.conversation_control import save_at_end
from chat.runs import Subscription
from chat.storage import provenance
from chat.storage.provenance import RequestTrace


def resume(
    caller_id: str, conversation_id: str, language: Language, position: EventPosition | None
) -> tuple[RunStream, TurnRecorder] | None:
    """The pending answer of one of the caller's conversations, led by any instance, and the recorder of its turn.

    None if there is none. With the position of an answer that has ended meanwhile: the events after that position,
    while its run is kept.
    """
    message = _resumable_answer(caller_id, conversation_id, position)
    if message is None:
        return None
    is_pending = message.status == Message.Status.PENDING
    run = runs.find(message.run_id, fallbacks.interrupted_ending(language))
    if run is None:
        return None
    after = position.count if position is not None and position.belongs_to(message.public_id) else 0
    if not is_pending and not run.has_events_after(after):
        return None
    recorder = TurnRecorder(
        ConversationRef(caller_id, conversation_id, message.conversation),
        "",
        message.cache_key,
        describe=partial(provenance.complete, message.receipt),
        message_id=message.public_id,
        correlation_id=message.correlation_id,
        is_started=True,
    )
    save_at_end(run, message, recorder.complete)
    subscription = Subscription(run, has_started_it=False, expects_reader=False)
    return RunStream(message.cache_key, RequestTrace("chat"), subscription, after), recorder


def _resumable_answer(caller_id: str, conversation_id: str, position: EventPosition | None) -> Message | None:
    """The pending answer to which `position` belongs, else the latest pending one, else the latest one if it belongs to
    that.
    """
    meant = None
    if position is not None:
        meant = conversations.pending_answer(caller_id, conversation_id, position.belongs_to)
    pending = meant or conversations.pending_answer(caller_id, conversation_id)
    if pending is not None or position is None:
        return pending
    latest = conversations.latest_answer(caller_id, conversation_id)
    return latest if latest is not None and latest.run_id and position.belongs_to(latest.public_id) else None
