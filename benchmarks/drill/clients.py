"""HTTP clients of the drill: they send a question, read the answer, and reconnect when a connection breaks.

The connections of a killed instance break. A load balancer would send the request to another instance, and the chat
page would resume its stream there; a client of the drill does the same, once.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

import jwt
import orjson

Kind = Literal["known", "new", "follow-up"]
Mode = Literal["json", "stream"]

TIMEOUT_SECONDS = 30
DISCONNECT_AFTER_SECONDS = 0.2
RECONNECT_DELAY_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its sender's token. `expected` is the stand-in's answer, "" when it is unknown.

    `known` is in the answer cache; `new` carries a unique context and never is; `follow-up` continues an earlier
    conversation. `mode` selects the endpoint: the whole answer as JSON, or a stream.
    """

    number: int
    kind: Kind
    mode: Mode
    text: str
    token: str
    expected: str = ""
    conversation_id: str | None = None

    @property
    def body(self) -> bytes:
        body: dict[str, Any] = {"message": self.text}
        if self.kind != "known":
            body["context"] = {"number": self.number}
        if self.conversation_id:
            body["conversationId"] = self.conversation_id
        return orjson.dumps(body)


@dataclass(slots=True)
class Outcome:
    """The result of one question. `sent_at` in unix seconds, `duration` in seconds up to the last byte.

    `words_after` is the same up to the first useful words of a stream: the AI's, an article or a fallback text.
    `correlation_ids` has one id for each request; `error` says why there is no answer.
    """

    question: Question
    sent_at: float = field(default_factory=time.time)
    correlation_ids: list[str] = field(default_factory=list)
    status: int = 0
    text: str = ""
    origin: str = ""
    ending: str = ""
    degraded: bool = False
    saved: bool = False
    cache: str = ""
    message_id: str = ""
    conversation_id: str = ""
    duration: float = 0.0
    words_after: float | None = None
    error: str = "unanswered"

    @property
    def is_answered(self) -> bool:
        return not self.error and self.status == 200 and bool(self.text)

    @property
    def is_unaffected(self) -> bool:
        """Whether the answer is as without a fault: at the first request, by the AI or the cache, and saved."""
        complete = self.is_answered and self.saved and not self.degraded
        return complete and self.cache != "BYPASS" and len(self.correlation_ids) == 1


class IncompleteStream(Exception):
    """The connection ended before the answer did."""


class Client:
    """Sends one question to the first address, and on a broken connection to the next one."""

    def __init__(self, question: Question, addresses: Sequence[str]) -> None:
        self.question = question
        self.addresses = addresses
        self.outcome = Outcome(question)
        self._began = time.perf_counter()
        self._last_event_id = ""
        self._has_finished = False

    def ask(self) -> Outcome:
        """Send the question and read the whole answer."""
        began = self._began = time.perf_counter()
        for address in self.addresses:
            try:
                self._ask_at(address)
            except (IncompleteStream, OSError, http.client.HTTPException) as error:
                self.outcome.error = type(error).__name__
            else:
                break
        self.outcome.duration = time.perf_counter() - began
        return self.outcome

    def abandon_stream(self) -> Outcome:
        """Read the first words of a stream, then close the connection."""
        with self._request(self.addresses[0], "POST", "/api/chat/stream", self.question.body) as response:
            for part in self._parts(response):
                self._add_part(part)
                if self.outcome.text:
                    break
        return self.outcome

    def disconnect_early(self) -> Outcome:
        """Request a whole answer, and close the connection before it can arrive."""
        with closing(self._send(self.addresses[0], "POST", "/api/chat/message", self.question.body)):
            time.sleep(DISCONNECT_AFTER_SECONDS)
        return self.outcome

    def stop_stream(self) -> Outcome:
        """Read the first words of a stream, request a stop at the last address, and read the rest."""
        stop_requested = False
        with self._request(self.addresses[0], "POST", "/api/chat/stream", self.question.body) as response:
            for part in self._parts(response):
                self._add_part(part)
                if self.outcome.text and not stop_requested:
                    self._request_stop(self.addresses[-1])
                    stop_requested = True
        return self.outcome

    def resume_stream(self) -> Outcome:
        """Abandon a stream after its first words, and resume it after a short delay at the last address."""
        self.abandon_stream()
        time.sleep(RECONNECT_DELAY_SECONDS)
        if not self._resume(self.addresses[-1]):
            self.outcome.error = f"nothing to resume (status {self.outcome.status})"
        return self.outcome

    def _ask_at(self, address: str) -> None:
        if self.outcome.text and self._resume(address):
            return
        self.outcome.text = ""
        path = "/api/chat/message" if self.question.mode == "json" else "/api/chat/stream"
        with self._request(address, "POST", path, self.question.body) as response:
            if response.status != 200:
                self.outcome.error = f"status {response.status}"
            elif self.question.mode == "json":
                self._set_answer(orjson.loads(response.read()))
            else:
                self._read_stream(response)

    def _resume(self, address: str) -> bool:
        """Resume the stream after the last event received. False when no run is in progress."""
        path = f"/api/chat/{self.outcome.conversation_id}/stream"
        with self._request(address, "GET", path, None) as response:
            if response.status != 200:
                return False
            self._read_stream(response)
            return True

    def _request_stop(self, address: str) -> None:
        """The status is ignored: the answer may have ended already."""
        path = f"/api/chat/{self.outcome.conversation_id}/stop"
        with closing(self._send(address, "POST", path, None)) as connection, connection.getresponse() as response:
            response.read()

    @contextmanager
    def _request(self, address: str, method: str, path: str, body: bytes | None) -> Iterator[http.client.HTTPResponse]:
        """One request on its own connection, which is closed at the end of the block even if bytes are left."""
        with closing(self._send(address, method, path, body)) as connection, connection.getresponse() as response:
            self.outcome.status, self.outcome.cache = response.status, response.headers.get("X-Cache", "")
            yield response

    def _send(self, address: str, method: str, path: str, body: bytes | None) -> http.client.HTTPConnection:
        """The connection on which the request was sent."""
        attempt = len(self.outcome.correlation_ids) + 1
        self.outcome.correlation_ids.append(f"drill-{self.question.number}-{attempt}")
        headers = {
            "Authorization": f"Bearer {self.question.token}",
            "Content-Type": "application/json",
            "X-Correlation-ID": self.outcome.correlation_ids[-1],
            "X-Forwarded-Proto": "https",  # set by the proxy in production, as is the next
            "X-Forwarded-For": f"192.0.2.{self.question.number % 7}",
            **({"Last-Event-ID": self._last_event_id} if self._last_event_id else {}),
        }
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, path, body, headers)
        except BaseException:
            connection.close()
            raise
        return connection

    def _read_stream(self, response: http.client.HTTPResponse) -> None:
        for part in self._parts(response):
            self._add_part(part)
        if not self._has_finished:
            raise IncompleteStream

    def _parts(self, response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
        """The stream's parts as they arrive."""
        for line in response:
            name, _, value = line.strip().partition(b": ")
            if name == b"id":
                self._last_event_id = value.decode()
            elif name == b"data" and value != b"[DONE]":
                yield orjson.loads(value)

    def _add_part(self, part: dict[str, Any]) -> None:
        outcome = self.outcome
        metadata = part.get("messageMetadata", {})
        match part["type"]:
            case "start":
                outcome.message_id, outcome.conversation_id = part["messageId"], metadata["conversationId"]
            case "text-delta":
                outcome.text += part["delta"]
                self._note_words()
            case "data-interim":
                self._note_words()
            case "data-notice":
                outcome.degraded = outcome.degraded or part["data"]["kind"] in {"degraded", "interrupted"}
            case "finish":
                outcome.origin, outcome.ending = metadata["origin"], metadata["ending"]
                outcome.saved = metadata["saved"]
                outcome.error, self._has_finished = "", True

    def _note_words(self) -> None:
        if self.outcome.words_after is None:
            self.outcome.words_after = time.perf_counter() - self._began

    def _set_answer(self, answer: dict[str, Any]) -> None:
        outcome = self.outcome
        outcome.text, outcome.origin, outcome.saved = answer["response"], answer["origin"], answer["saved"]
        outcome.message_id, outcome.conversation_id = answer["messageId"], answer["conversationId"]
        outcome.degraded = answer["degraded"] is not None
        outcome.ending = "interrupted" if outcome.degraded and answer["degraded"]["reason"] == "interrupted" else "stop"
        outcome.error = ""


def access_token(subject: str, secret: str) -> str:
    """A Supabase access token for this subject, valid for a day."""
    expiry = datetime.now(UTC) + timedelta(days=1)
    claims = {"sub": subject, "aud": "authenticated", "role": "authenticated", "exp": expiry}
    return jwt.encode(claims, secret, algorithm="HS256")
