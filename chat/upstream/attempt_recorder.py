"""Reports the outcome of one attempt, once: to the breaker, the service's state, metrics, log, trace and provenance."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Literal, NoReturn
from urllib.parse import urlsplit

from chat.core.attempt import Attempt
from chat.core.events import Delta, Event, Finish
from chat.core.watchdog import Watchdog
from chat.upstream.breaker import Permit
from chat.upstream.breaker.breaker import SLOW
from chat.upstream.errors import AIInterrupted, AIMisconfigured, AIRejected, AIUnavailable
from chat.upstream.http.cancel_scope import WATCH_INTERVAL_SECONDS, CallCancelled
from chat.upstream.http.transport import StatusError
from chat.upstream.request import AnswerFiltered, CallError, Operation, ProtocolError
from chat.upstream.service import AIService
from chat.upstream.service_state import ServiceState
from observability import logs, metrics, tracing

log = logs.get_logger(__name__)

TEXT_LIMIT = 1_000_000  # characters

# The `outcome` label of bff_ai_request_duration_seconds.
OutcomeLabel = Literal["ok", "client_left", "rejected", "misconfigured", "timeout", "error", "interrupted"]


class AttemptRecorder:
    """Context manager around one attempt: settles its permit, records its outcome, turns CallErrors into AIErrors.

    A cancelled call and a bug of this program say nothing about the service: neither permit nor `state` count them.
    `finish` is the answer's last event once it has arrived, else None.
    """

    def __init__(
        self, service: AIService, state: ServiceState, operation: Operation, attempt: Attempt, permit: Permit
    ) -> None:
        self.service = service
        self.state = state
        self.operation = operation
        self.attempt = attempt
        self.permit = permit
        self.finish: Finish | None = None
        self.span = tracing.start_span(lambda: _span(service, operation, attempt))
        self._started_at = time.monotonic()
        self._slow_at = self._started_at + permit.slow_call
        self._first_words_after: float | None = None  # seconds
        self._characters = 0

    def observe(self, event: Event) -> None:
        """Record an event. Raises AnswerFiltered or ProtocolError if the answer is empty, or exceeds TEXT_LIMIT."""
        if isinstance(event, Delta):
            self._characters += len(event.text)
            if self._characters > TEXT_LIMIT:
                raise ProtocolError("too_large")
            if self._first_words_after is None:
                self._record_first_words()
        elif isinstance(event, Finish):
            if not self._characters:
                raise AnswerFiltered if event.ending == "filtered" else ProtocolError("empty")
            self.finish = event

    def __enter__(self) -> AttemptRecorder:
        _silent_attempts.add(self)
        return self

    def __exit__(self, _: object, error: BaseException | None, __: TracebackType | None) -> None:
        _silent_attempts.remove(self)
        match error:
            case None:
                self._succeed()
            case GeneratorExit() | CallCancelled():
                self.permit.neutral()
                self._report("client_left", "client_left")
            case CallError():
                self._fail(error)
            case _:  # a bug
                self.permit.neutral()
                self._report("error", "bug")

    def is_slow(self) -> bool:
        """Whether the first words are overdue."""
        return self._first_words_after is None and time.monotonic() > self._slow_at

    def count_as_slow(self) -> None:
        """Count the attempt as a failure while it still hangs. Its later result is ignored."""
        self.permit.failure(SLOW)

    def _record_first_words(self) -> None:
        _silent_attempts.remove(self)
        self._first_words_after = time.monotonic() - self._started_at
        self.attempt.first_words_ms = round(self._first_words_after * 1000)
        metrics.AI_TIME_TO_FIRST_CHUNK.labels(self.service.role, self.operation).observe(self._first_words_after)
        self.permit.answer_began(self._first_words_after)

    def _succeed(self) -> None:
        assert self.finish is not None
        assert self._first_words_after is not None
        self.permit.success(self._first_words_after)
        self.state.record_success()
        if usage := self.finish.usage:
            metrics.AI_TOKENS.labels(self.service.role, "prompt").inc(usage.prompt_tokens)
            metrics.AI_TOKENS.labels(self.service.role, "completion").inc(usage.completion_tokens)
        self._report("ok", "ok")

    def _fail(self, error: CallError) -> NoReturn:
        """Record the failure and raise the AIError for this CallError."""
        retry_after = error.retry_after if isinstance(error, StatusError) else None
        fault = error.fault if isinstance(error, StatusError) else "service"
        if fault == "operator":
            self.permit.neutral()
            self._report("misconfigured", error.code)
            self.state.record_refusal(error.code)
            raise AIMisconfigured("ai_misconfigured", error.code) from error
        self.state.record_failure()
        if fault == "request" or isinstance(error, AnswerFiltered):
            self.permit.neutral()
            self._report("rejected", error.code)
            raise AIRejected("ai_rejected", error.code) from error
        window_counts = self.permit.failure(error.code, retry_after)
        if self._characters:
            self._report("interrupted", error.code)
            raise AIInterrupted("interrupted", error.code) from error
        if error.code in {"deadline", "first_words_timeout", "read_timeout"}:
            self._report("timeout", error.code)
            raise AIUnavailable("timeout", error.code) from error
        self._report("error", error.code)
        raise AIUnavailable("ai_error", error.code, retry_after=retry_after, window_counts=window_counts) from error

    def _report(self, outcome: OutcomeLabel, code: str) -> None:
        duration = time.monotonic() - self._started_at
        self.attempt.outcome, self.attempt.duration_ms = code, round(duration * 1000)
        if self.finish and (usage := self.finish.usage):
            tokens = {"input": usage.prompt_tokens, "output": usage.completion_tokens}
            self.span.set_attributes({f"gen_ai.usage.{kind}_tokens": count for kind, count in tokens.items()})
        self.span.end("" if outcome == "ok" else code)
        metrics.AI_REQUEST_DURATION.labels(self.service.role, self.operation, outcome).observe(duration)
        log.info(
            "AI call finished",
            service=self.service.role,
            operation=self.operation,
            attempt=self.attempt.number,
            outcome=code,
            duration=self.attempt.duration_ms,
        )


# A call without first words counts as a failure once it is overdue, not only when it ends.
_silent_attempts = Watchdog[AttemptRecorder](
    "silent-attempts", WATCH_INTERVAL_SECONDS, AttemptRecorder.is_slow, AttemptRecorder.count_as_slow
)


def _span(service: AIService, operation: Operation, attempt: Attempt) -> tuple[str, tracing.Attributes]:
    """A span's name and attributes, by OpenTelemetry's semantic conventions for generative AI."""
    address = urlsplit(service.address)
    return f"chat {service.model}", {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": service.protocol,
        "gen_ai.request.model": service.model,
        "server.address": address.hostname or "",
        "server.port": address.port or (443 if address.scheme == "https" else 80),
        "http.request.resend_count": attempt.number - 1,
        "chat_bff.service": service.role,
        "chat_bff.operation": operation,
        "chat_bff.breaker.state": attempt.breaker or "",
    }
