"""The RAG protocol: a service that finds passages itself and answers with one JSON object.

The reply must have a text. Everything else is read leniently: sources may be titles or objects, suggestions texts or
objects, and other values are ignored; none of them makes the answer fail.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

from django.utils.crypto import salted_hmac

from chat.core.citations import separated
from chat.core.clean_text import from_first_visible, storable
from chat.core.events import Degraded, Delta, Event, Finish, Source
from chat.core.json_codec import encode
from chat.core.language import Language
from chat.core.question import Question
from chat.upstream.request import ProtocolError, UpstreamRequest, decode

REPLY_LIMIT = 1024 * 1024  # bytes
MAX_SOURCES = 50
MAX_SUGGESTIONS = 10
LABEL_LENGTH = 300  # characters of a source's title or a suggestion

_HTTP_URL = re.compile(r"https?://[^\s\x00-\x20]+", re.IGNORECASE)
_TITLE_FIELDS = ("title", "name", "label", "source", "document", "text", "question")
_URL_FIELDS = ("url", "link", "href", "uri", "source_url", "sourceUrl", "source")
_HEALTHY_STATUSES = frozenset(
    ["", "ok", "success", "succeeded", "successful", "complete", "completed", "done", "finished", "healthy", "200"]
)
_FAILED_STATUSES = frozenset(
    ["error", "fail", "failed", "failure", "unavailable", "unhealthy", "down", "timeout", "overloaded", "exception"]
)
_WEAKNESS_FIELDS = ("degraded", "fallback", "is_fallback", "isFallback", "partial")


def chat(question: Question, user: str, help_lines: str = "", *, caller_token: str = "") -> UpstreamRequest:
    """A request to answer a question in its conversation. The `user_id` is a pseudonym of the user, always the same for
    an empty one.

    The `user_context` has the help lines beside the question's own context: whom to call in danger.
    The caller's own token, if given, is sent in place of our key.
    """
    body = {
        "message": question.text,
        "user_id": _pseudonym(user),
        "conversation_history": [{"role": turn.role, "content": turn.text} for turn in question.history],
        "user_context": {**dict(question.context), **({"help_lines": help_lines} if help_lines else {})},
    }
    return UpstreamRequest(
        "chat", "/api/chat/send", encode(body), read_answer, question.language, bearer_token=caller_token
    )


def analysis(
    document: str, document_kind: str, file_name: str, language: Language, *, caller_token: str = ""
) -> UpstreamRequest:
    """A request to explain a document's text; `document_kind` is `medical`, `administrative`, `mdph` or `other`.

    The protocol's `documentType` is `text`, `pdf` or `image`. It is always `text`: files are read here, and their
    identifiers masked, before anything leaves.
    """
    body = {
        "document": base64.b64encode(document.encode("utf-8", "replace")).decode(),
        "documentType": "text",
        "documentKind": document_kind,
        "fileName": file_name,
    }
    return UpstreamRequest(
        "analyze", "/api/chat/analyze-document", encode(body), read_analysis, language, bearer_token=caller_token
    )


def read_answer(chunks: Iterator[bytes]) -> Iterator[Event]:
    """Decode the response to `chat()`. Raises ProtocolError."""
    reply = _read_json(chunks)
    # Validate the whole reply before the first event: after the first words there is no fallback.
    text = _first_text(reply, "answer", "response")
    sources = list(_sources(reply))
    yield Delta(separated(text, {int(source.id) for source in sources}))
    yield from sources
    yield _finish(reply)


def read_analysis(chunks: Iterator[bytes]) -> Iterator[Event]:
    """Decode the response to `analysis()`. Raises ProtocolError."""
    reply = _read_json(chunks)
    nested = reply.get("analysis")
    text = _first_text((nested | reply) if isinstance(nested, dict) else reply, "fullAnalysis", "analysis", "summary")
    yield Delta(text)
    yield _finish(reply)


def _pseudonym(user: str) -> str:
    """The same for all requests of one user; can't be reversed without SECRET_KEY."""
    return salted_hmac("chat.upstream.rag", user, algorithm="sha256").hexdigest()


def _read_json(chunks: Iterator[bytes]) -> dict[str, Any]:
    """The reply. Raises ProtocolError also for one that reports a failure, whatever its HTTP status says."""
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > REPLY_LIMIT:
            raise ProtocolError("too_large")
    reply = decode(bytes(body))
    if reply.get("error") or reply.get("success") is False or _status(reply) in _FAILED_STATUSES:
        raise ProtocolError("error_object")
    return reply


def _status(reply: dict[str, Any]) -> str:
    """The reply's status as a word; a number is taken for an HTTP status."""
    status = reply.get("status")
    if status is None or status is True or status in range(200, 300):
        return ""
    if (isinstance(status, int) and status >= 400) or status is False:
        return "failed"
    return status.strip().casefold() if isinstance(status, str) else "unknown"


def _finish(reply: dict[str, Any]) -> Finish:
    """The end. An answer of a service in trouble is not cached; an unknown status is taken for trouble."""
    is_weak = _status(reply) not in _HEALTHY_STATUSES or any(reply.get(field) for field in _WEAKNESS_FIELDS)
    return Finish("ai", degraded=Degraded("ai_error") if is_weak else None, suggestions=_suggestions(reply))


def _first_text(reply: dict[str, Any], *names: str) -> str:
    """The first of these fields that has words in it. Raises ProtocolError if none has."""
    for name in names:
        value = reply.get(name)
        if isinstance(value, str) and (text := from_first_visible(storable(value))):
            return text
    raise ProtocolError("wrong_type" if any(reply.get(name) for name in names) else "empty")


def _sources(reply: dict[str, Any]) -> Iterator[Source]:
    """The sources in their order; a title without a web address becomes a source without link (`url` is empty).

    `id` is the position in the reply, by which a text may cite the source.
    """
    for number, entry in enumerate(_list(reply.get("sources"))[:MAX_SOURCES], 1):
        url = _url(entry)
        if title := _label(entry) or url:
            yield Source(str(number), title, url)


def _url(entry: Any) -> str:
    """A web address, empty without one: no `javascript:` link that a user could click on."""
    values = [entry.get(field) for field in _URL_FIELDS] if isinstance(entry, dict) else [entry]
    texts = (storable(value).strip() for value in values if isinstance(value, str))
    return next((text for text in texts if _HTTP_URL.fullmatch(text)), "")


def _suggestions(reply: dict[str, Any]) -> tuple[str, ...]:
    return tuple(filter(None, map(_label, _list(reply.get("suggestions")))))[:MAX_SUGGESTIONS]


def _list(value: Any) -> list[Any]:
    """A list as it is; one text or object as a list of one; anything else as none."""
    if isinstance(value, str | dict):
        return [value] if value else []
    return value if isinstance(value, list) else []


def _label(entry: Any) -> str:
    """A text or an object's title in one line; empty if there is none."""
    values = [entry.get(field) for field in _TITLE_FIELDS] if isinstance(entry, dict) else [entry]
    lines = (" ".join(storable(value).split()) for value in values if isinstance(value, str))
    return next(filter(None, lines), "")[:LABEL_LENGTH]
