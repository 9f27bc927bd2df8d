"""Those who ask: what they send, what they read, and what they do when a connection breaks.

An instance that is killed takes its connections with it. A load balancer would send such a call to another instance,
and the chat page would take up its stream there; so does a person here, once.
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
Door = Literal["json", "stream"]

TIMEOUT_SECONDS = 30
HANG_UP_SECONDS = 0.2
AWAY_SECONDS = 0.3  # no network is found again sooner


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, by whom and at which door. `expected` is the stand-in's answer, "" when nobody knows it yet.

    `known` is in the answer cache; `new` carries a context of its own and so never is; `follow-up` goes on in an
    earlier conversation.
    """

    number: int
    kind: Kind
    door: Door
    text: str
    token: str
    expected: str = ""
    conversation: str | None = None

    @property
    def body(self) -> bytes:
        body: dict[str, Any] = {"message": self.text}
        if self.kind != "known":
            body["context"] = {"number": self.number}
        if self.conversation:
            body["conversationId"] = self.conversation
        return orjson.dumps(body)


@dataclass(slots=True)
class Outcome:
    """What became of one question. Moments in unix seconds, `first_words` and `took` in seconds since it was asked.

    `correlations` has one id for each time it was sent; `trouble` says why there is no answer.
    """

    question: Question
    asked_at: float = field(default_factory=time.time)
    correlations: list[str] = field(default_factory=list)
    status: int = 0
    text: str = ""
    origin: str = ""
    ending: str = ""
    degraded: bool = False
    saved: bool = False
    cache: str = ""
    message_id: str = ""
    conversation: str = ""
    took: float = 0.0
    trouble: str = "unanswered"

    @property
    def is_answered(self) -> bool:
        return not self.trouble and self.status == 200 and bool(self.text)

    @property
    def is_perfect(self) -> bool:
        """As if nothing were wrong: the first time, by the AI or from the cache, kept in the history."""
        sound = self.is_answered and self.saved and not self.degraded
        return sound and self.cache != "BYPASS" and len(self.correlations) == 1


class Broken(Exception):
    """The connection ended before the answer did."""


class Person:
    """Asks one question, and reads until there is an answer, at the first of the addresses and else at the next."""

    def __init__(self, question: Question, addresses: Sequence[str]) -> None:
        self.question = question
        self.addresses = addresses
        self.outcome = Outcome(question)
        self._last_event = ""
        self._has_ended = False

    def ask(self) -> Outcome:
        began = time.perf_counter()
        for address in self.addresses:
            try:
                self._ask_at(address)
            except (Broken, OSError, http.client.HTTPException) as error:
                self.outcome.trouble = type(error).__name__
            else:
                break
        self.outcome.took = time.perf_counter() - began
        return self.outcome

    def ask_and_vanish(self) -> Outcome:
        """Read the first words of a stream, then leave without a word."""
        with self._call(self.addresses[0], "POST", "/api/chat/stream", self.question.body) as reply:
            for part in self._parts(reply):
                self._take(part)
                if self.outcome.text:
                    break
        return self.outcome

    def ask_and_hang_up(self) -> None:
        """Ask for the whole answer, and go before it can have come."""
        with closing(self._asking(self.addresses[0], "POST", "/api/chat/message", self.question.body)):
            time.sleep(HANG_UP_SECONDS)

    def ask_and_stop(self) -> Outcome:
        """Read the first words of a stream, have it stopped at the last address, and read what still comes."""
        asked_to = False
        with self._call(self.addresses[0], "POST", "/api/chat/stream", self.question.body) as reply:
            for part in self._parts(reply):
                self._take(part)
                if self.outcome.text and not asked_to:
                    asked_to = self._stop(self.addresses[-1])
        return self.outcome

    def ask_and_come_back(self) -> Outcome:
        """Lose a stream after its first words, and take it up a moment later at the last address."""
        self.ask_and_vanish()
        time.sleep(AWAY_SECONDS)
        if not self._resume(self.addresses[-1]):
            self.outcome.trouble = f"nothing to take up (status {self.outcome.status})"
        return self.outcome

    def _ask_at(self, address: str) -> None:
        if self.outcome.text and self._resume(address):
            return
        self.outcome.text = ""
        path = "/api/chat/message" if self.question.door == "json" else "/api/chat/stream"
        with self._call(address, "POST", path, self.question.body) as reply:
            if reply.status != 200:
                self.outcome.trouble = f"status {reply.status}"
            elif self.question.door == "json":
                self._take_whole(orjson.loads(reply.read()))
            else:
                self._read(reply)

    def _resume(self, address: str) -> bool:
        """Take up the stream where it broke off. False when nothing is being written any more."""
        path = f"/api/chat/{self.outcome.conversation}/stream"
        with self._call(address, "GET", path, None) as reply:
            if reply.status != 200:
                return False
            self._read(reply)
            return True

    def _stop(self, address: str) -> bool:
        """Ask for the end of the answer; its own reply says whether there was one to end, which both may be."""
        path = f"/api/chat/{self.outcome.conversation}/stop"
        with closing(self._asking(address, "POST", path, None)) as connection, connection.getresponse() as reply:
            reply.read()
        return True

    @contextmanager
    def _call(self, address: str, method: str, path: str, body: bytes | None) -> Iterator[http.client.HTTPResponse]:
        """One call on a connection of its own, closed at the end of the block whatever is still coming."""
        with closing(self._asking(address, method, path, body)) as connection, connection.getresponse() as reply:
            self.outcome.status, self.outcome.cache = reply.status, reply.headers.get("X-Cache", "")
            yield reply

    def _asking(self, address: str, method: str, path: str, body: bytes | None) -> http.client.HTTPConnection:
        """A connection on which the call was sent."""
        number = len(self.outcome.correlations) + 1
        self.outcome.correlations.append(f"drill-{self.question.number}-{number}")
        headers = {
            "Authorization": f"Bearer {self.question.token}",
            "Content-Type": "application/json",
            "X-Correlation-ID": self.outcome.correlations[-1],
            "X-Forwarded-Proto": "https",  # as the proxy in front of production says
            **({"Last-Event-ID": self._last_event} if self._last_event else {}),
        }
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, path, body, headers)
        except BaseException:
            connection.close()
            raise
        return connection

    def _read(self, reply: http.client.HTTPResponse) -> None:
        for part in self._parts(reply):
            self._take(part)
        if not self._has_ended:
            raise Broken

    def _parts(self, reply: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
        """The stream's parts as they arrive."""
        for line in reply:
            name, _, value = line.strip().partition(b": ")
            if name == b"id":
                self._last_event = value.decode()
            elif name == b"data" and value != b"[DONE]":
                yield orjson.loads(value)

    def _take(self, part: dict[str, Any]) -> None:
        outcome = self.outcome
        told = part.get("messageMetadata", {})
        match part["type"]:
            case "start":
                outcome.message_id, outcome.conversation = part["messageId"], told["conversationId"]
            case "text-delta":
                outcome.text += part["delta"]
            case "data-notice":
                outcome.degraded = outcome.degraded or part["data"]["kind"] in {"degraded", "interrupted"}
            case "finish":
                outcome.origin, outcome.ending, outcome.saved = told["origin"], told["ending"], told["saved"]
                outcome.trouble, self._has_ended = "", True

    def _take_whole(self, answer: dict[str, Any]) -> None:
        outcome = self.outcome
        outcome.text, outcome.origin, outcome.saved = answer["response"], answer["origin"], answer["saved"]
        outcome.message_id, outcome.conversation = answer["messageId"], answer["conversationId"]
        outcome.degraded = answer["degraded"] is not None
        outcome.ending = "interrupted" if outcome.degraded and answer["degraded"]["reason"] == "interrupted" else "stop"
        outcome.trouble = ""


def token(name: str, secret: str) -> str:
    """An access token as Supabase gives them, for a person of that name, good for a day."""
    claims = {"sub": name, "aud": "authenticated", "exp": datetime.now(UTC) + timedelta(days=1)}
    return jwt.encode(claims, secret, algorithm="HS256")
