"""How a question and its answer get into the tables: both, with their conversation, or nothing.

Each is one statement, put together once: the ORM takes twice the CPU to say the same, and this is what every message
pays for its place in the history.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Field, JSONField

from chat.models import Conversation, Message
from chat.upstream.exchange import encode

_NEW = """
INSERT INTO chat_conversation (owner, public_id, title, created_at, updated_at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (owner, public_id) DO UPDATE SET updated_at = EXCLUDED.updated_at RETURNING id
"""
_KNOWN = "UPDATE chat_conversation SET updated_at = %s WHERE id = %s RETURNING id"
_SAVE = """
WITH place AS ({place}), said (number, {columns}) AS (VALUES {rows})
INSERT INTO chat_message (conversation_id, {columns}) SELECT place.id, {columns} FROM place, said ORDER BY number
RETURNING conversation_id
"""
_END = "UPDATE chat_message SET {changes} WHERE public_id = %s AND status = %s"


def end(public_id: str, columns: Mapping[str, Any]) -> bool:
    """Save how a pending answer ended. False when there is none: it has been saved, stopped or forgotten meanwhile."""
    its = [_value(_field(name), value) for name, value in columns.items()]
    with connection.cursor() as cursor:
        cursor.execute(_ending(tuple(columns)), [*its, public_id, Message.Status.PENDING.value])
        return bool(cursor.rowcount)


def save(conversation: Conversation, messages: Sequence[Message]) -> None:
    """Insert the messages, in their order; `updated_at` becomes the conversation's.

    A conversation without a `pk` is made, or is the one that its owner has by that id meanwhile; it has its `pk` then.
    Raises IntegrityError, and nothing is saved, when a message was saved before or the conversation has been deleted.
    """
    save_all = _in_one_statement if connection.vendor == "postgresql" else _in_one_transaction
    save_all(conversation, messages)


def _in_one_statement(conversation: Conversation, messages: Sequence[Message]) -> None:
    """One trip instead of four: trips are most of what the history costs, and a kept answer costs little else."""
    its: list[Any] = [conversation.updated_at, conversation.pk]
    if conversation.pk is None:
        its = [conversation.owner, conversation.public_id, conversation.title, conversation.created_at, its[0]]
    said = [value for message in messages for value in _values(message)]
    with connection.cursor() as cursor:
        cursor.execute(_statement(len(messages), is_new=conversation.pk is None), [*its, *said])
        if not cursor.rowcount:
            raise IntegrityError("the conversation is gone")
        conversation.pk = cursor.fetchone()[0]


def _in_one_transaction(conversation: Conversation, messages: Sequence[Message]) -> None:
    with transaction.atomic():
        if conversation.pk is None:
            its = {"owner": conversation.owner, "public_id": conversation.public_id}
            made, _ = Conversation.objects.get_or_create(**its, defaults={"title": conversation.title})
            conversation.pk = made.pk
        Conversation.objects.filter(pk=conversation.pk).update(updated_at=conversation.updated_at)
        for message in messages:
            message.conversation_id = conversation.pk
        Message.objects.bulk_create(messages)


@cache
def _statement(count: int, *, is_new: bool) -> str:
    columns = ", ".join(str(field.column) for field in _fields())
    types = ", ".join(f"%s::{field.db_type(connection)}" for field in _fields())
    rows = ", ".join(f"({number}, {types})" for number in range(count))
    return _SAVE.format(place=_NEW if is_new else _KNOWN, columns=columns, rows=rows)


@cache
def _ending(names: tuple[str, ...]) -> str:
    return _END.format(changes=", ".join(f"{_field(name).column} = %s" for name in names))


def _values(message: Message) -> Iterator[Any]:
    for field in _fields():
        yield _value(field, getattr(message, field.attname))


def _value(field: Field[Any, Any], value: Any) -> Any:
    """As the driver takes it; JSON as text, which orjson writes in a tenth of the time."""
    if not isinstance(field, JSONField):
        return field.get_db_prep_save(value, connection)
    return None if value is None else encode(value).decode()


@cache
def _field(name: str) -> Field[Any, Any]:
    return next(field for field in Message._meta.concrete_fields if field.name == name)


@cache
def _fields() -> list[Field[Any, Any]]:
    """What a message brings along; the rest comes from its conversation and the database."""
    ours = ("id", "conversation_id")
    return [field for field in Message._meta.concrete_fields if field.column not in ours]
