"""What became of one attempt, told once: to the breaker, to the metrics, to the log, and to whoever asked."""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, NoReturn
from urllib.parse import urlsplit

from django.conf import settings

from chat.events import Delta, Event, Finish
from chat.upstream.breaker import Permit, State
from chat.upstream.errors import AIInterrupted, AIRejected, AIUnavailable
from chat.upstream.exchange import CallError, Operation, ProtocolError
from chat.upstream.line import HangUpError
from chat.upstream.transport import StatusError
from observability import logs, metrics, tracing

log = logs.get_logger(__name__)

TEXT_LIMIT = 1_000_000  # characters

Outcome = Literal["ok", "client_left", "rejected", "timeout", "error", "interrupted"]


@dataclass(slots=True)
class Attempt:
    """One attempt as it is told to whoever asked; `wait_ms` is what was waited before it."""

    number: int
    wait_ms: int = 0
    breaker: State | None = None
    outcome: str = "under_way"
    first_words_ms: int | None = None
    duration_ms: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "waitMs": self.wait_ms,
            "breaker": self.breaker,
            "outcome": self.outcome,
            "firstWordsMs": self.first_words_ms,
            "durationMs": self.duration_ms,
        }


class Attempting:
    """Follows one attempt from its permit to its end, as a `with` block, and turns faults into AIErrors.

    `finish` is the answer's last event, once it is complete.
    """

    def __init__(self, operation: Operation, attempt: Attempt, permit: Permit) -> None:
        self.operation = operation
        self.attempt = attempt
        self.permit = permit
        self.finish: Finish | None = None
        self.span = tracing.begin(lambda: _traced(operation, attempt))
        self._began = time.monotonic()
        self._first_words_after: float | None = None
        self._characters = 0

    def see(self, event: Event) -> None:
        """Take note of what the AI said. Raises ProtocolError when that is nothing, or far too much."""
        if isinstance(event, Delta):
            self._characters += len(event.text)
            if self._characters > TEXT_LIMIT:
                raise ProtocolError("too_large")
            if self._first_words_after is None:
                self._note_first_words()
        elif isinstance(event, Finish):
            if not self._characters:
                raise ProtocolError("empty")
            self.finish = event

    def __enter__(self) -> Attempting:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: TracebackType | None) -> None:
        match error:
            case None:
                self._complete()
            case GeneratorExit() | HangUpError():
                self.permit.ignore()
                self._tell("client_left", "client_left")
            case CallError():
                self._fail(error)
            case _:  # a mistake of ours says nothing about the service
                self.permit.ignore()
                self._tell("error", "bug")

    def _note_first_words(self) -> None:
        self._first_words_after = time.monotonic() - self._began
        self.attempt.first_words_ms = round(self._first_words_after * 1000)
        metrics.AI_TIME_TO_FIRST_CHUNK.labels(self.operation).observe(self._first_words_after)
        if self.permit.is_probe:  # recovery need not wait for a whole answer to be written
            self.permit.success(self._first_words_after)

    def _complete(self) -> None:
        assert self.finish is not None
        assert self._first_words_after is not None
        self.permit.success(self._first_words_after)
        if usage := self.finish.usage:
            metrics.AI_TOKENS.labels("prompt").inc(usage.prompt_tokens)
            metrics.AI_TOKENS.labels("completion").inc(usage.completion_tokens)
        self._tell("ok", "ok")

    def _fail(self, error: CallError) -> NoReturn:
        """Settle the permit and raise what the caller should do about it."""
        retry_after = error.retry_after if isinstance(error, StatusError) else None
        if isinstance(error, StatusError) and error.is_rejection:
            self.permit.neutral()
            self._tell("rejected", error.code)
            raise AIRejected("ai_rejected", error.code) from error
        tally = self.permit.failure(error.code, retry_after)
        if self._characters:
            self._tell("interrupted", error.code)
            raise AIInterrupted("interrupted", error.code) from error
        if error.code in {"deadline", "read_timeout"}:
            self._tell("timeout", error.code)
            raise AIUnavailable("timeout", error.code) from error
        self._tell("error", error.code)
        raise AIUnavailable("ai_error", error.code, retry_after=retry_after, tally=tally) from error

    def _tell(self, outcome: Outcome, code: str) -> None:
        duration = time.monotonic() - self._began
        self.attempt.outcome, self.attempt.duration_ms = code, round(duration * 1000)
        if self.finish and (usage := self.finish.usage):
            tokens = {"input": usage.prompt_tokens, "output": usage.completion_tokens}
            self.span.note({f"gen_ai.usage.{kind}_tokens": count for kind, count in tokens.items()})
        self.span.end("" if outcome == "ok" else code)
        metrics.AI_REQUEST_DURATION.labels(self.operation, outcome).observe(duration)
        log.info(
            "AI call finished",
            operation=self.operation,
            attempt=self.attempt.number,
            outcome=code,
            duration=self.attempt.duration_ms,
        )


def _traced(operation: Operation, attempt: Attempt) -> tuple[str, tracing.Attributes]:
    """What a span says of an attempt, in the words of OpenTelemetry's conventions for generative AI."""
    address = urlsplit(settings.AI_SERVICE_URL)
    return f"chat {settings.AI_SERVICE_MODEL}", {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": settings.AI_SERVICE_PROTOCOL,
        "gen_ai.request.model": settings.AI_SERVICE_MODEL,
        "server.address": address.hostname or "",
        "server.port": address.port or (443 if address.scheme == "https" else 80),
        "http.request.resend_count": attempt.number - 1,
        "chat_bff.operation": operation,
        "chat_bff.breaker.state": attempt.breaker or "",
    }
