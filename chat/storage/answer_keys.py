"""The keys of cached answers.

A key is an HMAC over everything that may change the answer: the wording of the question, its language, the history and
context, the AI (address, protocol, model), the prompt version and the version of the passages. An edited knowledge
entry therefore outdates only the answers that used it. Scope `public` is for questions that stand alone (no history,
context, letter, identifier or caller's token) and are common (chat/pipeline/sharing.py); all other answers are stored
for their caller only. Keys reveal neither text nor caller.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import cache

import orjson
from django.conf import settings

from chat.core.question import Question


def key_of(question: Question, *, prompt_version: str, knowledge_version: str) -> str:
    """The cache key of the answer to this question; `knowledge_version` is the version of its passages."""
    ai = _ai(settings.AI_SERVICE_URL, settings.AI_SERVICE_PROTOCOL, settings.AI_SERVICE_MODEL)
    parts = (question.wording, question.language, *ai, prompt_version, knowledge_version)
    if question.is_public:
        return f"public:{_digest(*parts)}"
    own = ([(turn.role, turn.text) for turn in question.history], question.letter, sorted(question.context.items()))
    return f"{private_scope(question.caller_id)}:{_digest(*parts, *own)}"


def key_of_service(key: str, service: str) -> str:
    """The key of one AI service's answer to the question with this key; `fallback` is the second one's role."""
    if service != "fallback":
        return key
    ai = _ai(
        settings.AI_SERVICE_FALLBACK_URL, settings.AI_SERVICE_FALLBACK_PROTOCOL, settings.AI_SERVICE_FALLBACK_MODEL
    )
    scope = key.partition(":")[0]
    return f"{scope}:{_digest(key, *ai)}"


def is_shared(key: str) -> bool:
    """Whether several callers may receive the answer under this key."""
    return key.startswith("public:")


def private_scope(caller_id: str) -> str:
    """The key scope of one caller's private answers."""
    return _digest("owner", caller_id)[:32]


def answer_key(key: str) -> str:
    """The Redis key of a cached answer."""
    return f"bff:answer:{on_one_shard(key)}"


def on_one_shard(key: str) -> str:
    """An answer's key as part of a Redis key, with a hash tag: a cluster has all keys of one shared question, or of one
    caller's private questions, on one shard, so that a script may use them together.
    """
    scope, _, digest = key.partition(":")
    return f"{{{key}}}" if scope == "public" else f"{{{scope}}}:{digest}"


def index_key(scope: str) -> str:
    """The Redis key of the index of one caller's private answers."""
    return f"bff:answers-of:{{{scope}}}"


def forgotten_key(scope: str) -> str:
    """The Redis key of the mark that one caller's private answers were deleted."""
    return f"bff:forgotten:{{{scope}}}"


def _ai(address: str, protocol: str, model: str) -> tuple[str, str, str]:
    """The attributes that identify the AI in a cache key."""
    return address.rstrip("/"), protocol, model


@cache
def _secret() -> bytes:
    return hashlib.sha256(b"answer-cache:" + settings.SECRET_KEY.encode()).digest()


def _digest(*parts: object) -> str:
    return hmac.new(_secret(), orjson.dumps(parts), hashlib.sha256).hexdigest()
