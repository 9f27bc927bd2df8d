"""Marks of what a person has deleted, so that a turn in progress is not stored after its deletion.

Redis has one for everything of a person and one for each conversation, under pseudonyms. They expire once no turn can
be in progress any more that began before them.
"""

from __future__ import annotations

import time

from chat.storage.answer_cache import FORGOTTEN_SECONDS
from chat.storage.answer_keys import private_scope
from observability.pseudonyms import pseudonym
from observability.shared_redis import shared_redis

NO_KEY = -2  # Redis' reply to PTTL


def mark(owner: str, public_id: str | None = None) -> bool:
    """Mark one conversation, or all of the owner if `public_id` is None, as deleted now. False while Redis is
    unavailable. Call it before the rows are deleted.
    """
    key = _key_of_all(owner) if public_id is None else _key_of_one(owner, public_id)
    return shared_redis.send(("SET", key, "", "EX", FORGOTTEN_SECONDS)) is not None


def was_deleted(owner: str, public_id: str, since: float) -> bool | None:
    """Whether the owner has deleted this conversation, or everything, since then (unix seconds).

    None if that is unknown: while Redis is unavailable, and if a mark may have expired.
    """
    marks = shared_redis.send(("PTTL", _key_of_all(owner)), ("PTTL", _key_of_one(owner, public_id)))
    seconds = time.time() - since
    if marks is None or seconds >= FORGOTTEN_SECONDS:
        return None
    return any(_is_set_within(seconds, int(left)) for left in marks)


def _is_set_within(seconds: float, left: int) -> bool:
    """What is left of its lifetime tells the age of a mark, by Redis' own clock, in whole milliseconds."""
    return left != NO_KEY and FORGOTTEN_SECONDS - (left + 1) / 1000 <= seconds


def _key_of_all(owner: str) -> str:
    return f"bff:deleted:{{{private_scope(owner)}}}"


def _key_of_one(owner: str, public_id: str) -> str:
    return f"{_key_of_all(owner)}:{pseudonym('chat.history.deletions', public_id)}"
