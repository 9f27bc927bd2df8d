"""The RAG protocol: a service that finds its own passages and answers in one piece of JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.utils.crypto import salted_hmac

from chat.events import Delta, Event, Finish, Source
from chat.questions import Language, Question
from chat.upstream.exchange import Exchange, ProtocolError, decode, encode, expect

REPLY_LIMIT = 1024 * 1024  # bytes
_WEB_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)


def chat(question: Question) -> Exchange:
    """Ask a question with its conversation. The service knows the person by a pseudonym alone."""
    body = {
        "message": question.text,
        "user_id": _pseudonym(question.caller_id),
        "conversation_history": [{"role": turn.role, "content": turn.text} for turn in question.history],
        "user_context": dict(question.context),
    }
    return Exchange("chat", "/api/chat/send", encode(body), read_answer, question.language)


def analysis(document: str, document_type: str, file_name: str, language: Language) -> Exchange:
    """Ask what a document's text says; `document_type` is `medical`, `administrative`, `mdph` or `other`."""
    body = {"document": document, "documentType": document_type, "fileName": file_name}
    return Exchange("analyze", "/api/chat/analyze-document", encode(body), read_analysis, language)


def read_answer(pieces: Iterator[bytes]) -> Iterator[Event]:
    reply = _reply(pieces)
    # All of it is looked at before the first word is said: afterwards it is too late to say something else.
    text = expect(str, reply.get("answer") or reply.get("response"))
    sources, suggestions = [*_sources(reply)], _suggestions(reply)
    yield Delta(text)
    yield from sources
    yield Finish("ai", suggestions=suggestions)


def read_analysis(pieces: Iterator[bytes]) -> Iterator[Event]:
    reply = _reply(pieces)
    text, suggestions = expect(str, reply.get("analysis")), _suggestions(reply)
    yield Delta(text)
    yield Finish("ai", suggestions=suggestions)


def _pseudonym(caller_id: str) -> str:
    """Always the same for one person, and no way back from it without our SECRET_KEY."""
    return salted_hmac("chat.upstream.rag", caller_id, algorithm="sha256").hexdigest()


def _reply(pieces: Iterator[bytes]) -> dict[str, Any]:
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > REPLY_LIMIT:
            raise ProtocolError("too_large")
    return decode(bytes(body))


def _sources(reply: dict[str, Any]) -> Iterator[Source]:
    for number, entry in enumerate(expect(list, reply.get("sources") or []), 1):
        source = expect(dict, entry)
        url = expect(str, source.get("url") or "")
        if _WEB_ADDRESS.fullmatch(url):  # never `javascript:` and its like, which somebody may click on
            yield Source(str(number), expect(str, source.get("title") or url), url)


def _suggestions(reply: dict[str, Any]) -> tuple[str, ...]:
    return tuple(expect(str, suggestion) for suggestion in expect(list, reply.get("suggestions") or []))
