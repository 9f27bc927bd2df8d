"""One call to the AI, from its deadline to its last event. All calls of this program go through here.

    with closing(session.get(service.primary()).stream(openai.chat(messages, model, "fr"))) as events:
        for event in events:
            ...

The methods of AISession follow a call in this order:

1. `stream` makes what all attempts share; the deadline is the caller's, or, without one, set here.
2. `_events` takes a concurrency slot for the whole call.
3. `_first_event` makes attempts until one has its first event. retry.py decides whether and when to make another.
4. `_attempt` gets a permit from the breaker, sends the POST and decodes the response into events.
5. AttemptRecorder, around the POST, settles the permit, records the outcome and raises the AIError for a failure.
"""

from __future__ import annotations

import hashlib
import math
import os
import threading
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache

from django.conf import settings
from django.utils.crypto import salted_hmac

from chat.core.attempt import Attempt
from chat.core.events import Delta, Event, Finish, Notice
from chat.core.language import Language
from chat.upstream import breaker_registry
from chat.upstream.attempt_recorder import AttemptRecorder
from chat.upstream.breaker import Breaker, CircuitOpen, Permit
from chat.upstream.errors import AIUnavailable
from chat.upstream.http.cancel_scope import CallCancelled, CancelScope, Deadline
from chat.upstream.http.transport import ReplyBody, StatusError, Transport
from chat.upstream.options import AcceptedOptions
from chat.upstream.request import Operation, UpstreamRequest
from chat.upstream.retry import LONGEST_WAIT_SECONDS, Retry, RetryBudget, is_streak, retries
from chat.upstream.service import AIService
from chat.upstream.service_state import ServiceState
from chat.upstream.slots import Slots
from observability import correlation, logs, metrics

log = logs.get_logger(__name__)

RETRY_NOTICE: dict[Language, str] = {"fr": "Nouvelle tentative dans {} s", "en": "Trying again in {} s"}


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The time limits of one operation, in seconds: of the whole call, of one read, and to the first words."""

    deadline: float
    read: float
    first_words: float = math.inf


@dataclass(frozen=True, slots=True)
class _Call:
    """The state that all attempts of one call share."""

    request: UpstreamRequest
    scope: CancelScope
    headers: dict[str, str]
    is_background: bool
    push: Callable[[str], object] | None
    attempts: list[Attempt] = field(default_factory=list)


class AISession:
    """Makes calls to one AI service within a deadline, through its breaker, with retries. One per process and service.

    `state` is the service's state as calls have found it. `wait` sleeps for some seconds or until the event is set, and
    returns whether it was set; tests replace it.
    """

    def __init__(
        self,
        service: AIService,
        *,
        breaker_of: Callable[[AIService, Operation], Breaker] = breaker_registry.of,
        wait: Callable[[threading.Event, float], bool] = threading.Event.wait,
    ) -> None:
        self.service = service
        self._breaker_of = breaker_of
        self._wait = wait
        self._retry_budget = RetryBudget()
        self._options = AcceptedOptions()
        self.state = ServiceState(service.role, _identity(service), breaker_registry.breaker_redis)
        self._slots = Slots(settings.AI_MAX_CONCURRENCY)
        self._transport = Transport(
            service.address,
            service.api_key,
            connections=settings.AI_MAX_CONCURRENCY,
            connect_timeout=settings.AI_CONNECT_TIMEOUT,
        )
        self._timeouts: dict[Operation, Timeouts] = {
            "chat": self._timeouts_of(
                settings.AI_DEADLINE_CHAT, settings.AI_READ_TIMEOUT_CHAT, settings.AI_FIRST_WORDS_SECONDS
            ),
            "analyze": self._timeouts_of(settings.AI_DEADLINE_ANALYZE, settings.AI_READ_TIMEOUT_ANALYZE),
        }
        for operation in self._timeouts:  # at zero: increase() does not see the first event of a series that it creates
            metrics.AI_REQUEST_DURATION.labels(service.role, operation, "misconfigured")

    def _timeouts_of(self, deadline: float, read: float, first_words: float = math.inf) -> Timeouts:
        """The limits for one service. With a fallback, a silent service may use half of the time only."""
        return Timeouts(deadline, read, min(first_words, deadline / 2) if self.service.has_fallback else first_words)

    def stream(
        self,
        request: UpstreamRequest,
        *,
        deadline: Deadline | None = None,
        is_background: bool = False,
        push: Callable[[str], object] | None = None,
    ) -> EventStream:
        """Return the answer's `Delta`s and `Source`s as they arrive, then one `Finish`; a `Notice` before each retry.

        Iterating it raises AIUnavailable, AIRejected or AIMisconfigured before the first words, AIInterrupted after
        them. A background call has no reader. After the first event, text goes to `push` instead of the iterator: the
        generators between here and the run have nothing to do with it.
        """
        timeouts = self._timeouts[request.operation]
        headers = {"X-Correlation-ID": correlation.current(), "Idempotency-Key": str(uuid.uuid4())}
        if request.bearer_token:
            headers["Authorization"] = f"Bearer {request.bearer_token}"
        call = _Call(
            request,
            scope=CancelScope(deadline or Deadline.after(timeouts.deadline), timeouts.read, timeouts.first_words),
            headers=headers,
            is_background=is_background,
            push=push,
        )
        return EventStream(self._events(call), call.scope, call.attempts)

    def _events(self, call: _Call) -> Generator[Event, None, None]:
        """Yield the notices of retries, then the events of the first attempt that has any."""
        with self._concurrency_slot():
            self._retry_budget.count_call()
            answer = yield from self._first_event(call)
            if answer is None:
                return
            first, following = answer
            with closing(following):
                yield first
                yield from following

    @contextmanager
    def _concurrency_slot(self) -> Iterator[None]:
        """Take one of this process' AI_MAX_CONCURRENCY slots. Raises AIUnavailable at once when none is free."""
        if not self._slots.take():
            raise AIUnavailable("overloaded", "overloaded")
        try:
            yield
        finally:
            self._slots.release()

    def _first_event(self, call: _Call) -> Generator[Event, None, tuple[Event, Generator[Event, None, None]] | None]:
        """Make attempts until one has its first event; return that event and the following ones.

        None when the call was cancelled. A separate generator, so that the state of the retries is freed before the
        answer is streamed.
        """
        try:
            return self._begin(call, 1, 0)
        except AIUnavailable as error:
            failure = error
        longest_wait = LONGEST_WAIT_SECONDS if self.service.has_fallback else math.inf
        for tenacity_attempt, retry in retries(failure, call.scope.words_deadline, self._retry_budget, longest_wait):
            yield _retry_notice(call.request, retry)
            if self._wait(call.scope.cancelled, retry.wait):
                return None
            service_fails = is_streak(self._breaker(call).failures_in_row)
            if service_fails and self.service.has_fallback:
                raise retry.failure
            with tenacity_attempt:  # a failure in this block goes to the retry policy
                if service_fails:  # no retry: the first attempts of other calls show whether the service is back
                    raise retry.failure
                self._report_retry(call.request, retry)
                return self._begin(call, retry.attempt, round(retry.wait * 1000))
        raise AssertionError("retries() raises the last error when no attempt is left")

    def _begin(self, call: _Call, number: int, wait_ms: int) -> tuple[Event, Generator[Event, None, None]]:
        """Make an attempt; return its first event and the following ones."""
        attempt = Attempt(self.service.role, number, wait_ms)
        call.attempts.append(attempt)
        events = self._attempt(call, attempt)
        first = next(events)
        call.scope.words_have_begun()
        return first, events

    def _attempt(self, call: _Call, attempt: Attempt) -> Generator[Event, None, None]:
        """One permit, one POST, one outcome."""
        permit = self._acquire_permit(call, attempt)
        recorder = AttemptRecorder(self.service, self.state, call.request.operation, attempt, permit)
        headers = call.headers | {
            "traceparent": recorder.span.traceparent(),
            "X-Retry-Count": str(attempt.number - 1),
            "X-Deadline-Ms": str(max(0, int(call.scope.deadline.remaining() * 1000))),
        }
        with recorder, self._post(call, headers) as response:
            push = None
            for event in call.request.read(response):
                recorder.observe(event)
                if push is not None and isinstance(event, Delta):
                    push(event.text)
                elif not isinstance(event, Finish):
                    yield event
                    push = call.push
        # Record the outcome before the last event: most consumers stop reading there.
        assert recorder.finish is not None
        yield recorder.finish

    def _post(self, call: _Call, headers: dict[str, str]) -> ReplyBody:
        """POST the request with the options that the service accepts."""
        return self._options.send(call.request, lambda body: self._post_body(call, body, headers))

    def _post_body(self, call: _Call, body: bytes, headers: dict[str, str]) -> ReplyBody:
        """POST this body. A 401 or 403 to the caller's own token becomes the request's fault, not the operator's."""
        try:
            return self._transport.post(call.request.path, body, headers, call.scope)
        except StatusError as error:
            if call.request.bearer_token and error.status in {401, 403}:
                error.fault = "request"
            raise

    def _acquire_permit(self, call: _Call, attempt: Attempt) -> Permit:
        """Get a permit from the breaker. Raises AIUnavailable when the circuit is open or the deadline has passed."""
        if call.scope.deadline.remaining() <= 0:  # not the service's failure: the breaker does not count it
            attempt.outcome = "deadline"
            raise AIUnavailable("timeout", "deadline")
        try:
            permit = self._breaker(call).acquire(_subject(call.request), is_background=call.is_background)
        except CircuitOpen as error:
            metrics.BREAKER_REJECTIONS.labels(error.name).inc()
            attempt.breaker, attempt.outcome = error.state, "circuit_open"
            raise AIUnavailable("circuit_open", "circuit_open", retry_after=error.retry_after) from error
        attempt.breaker = permit.state
        return permit

    def _breaker(self, call: _Call) -> Breaker:
        return self._breaker_of(self.service, call.request.operation)

    def _report_retry(self, request: UpstreamRequest, retry: Retry) -> None:
        metrics.AI_RETRIES.labels(self.service.role, request.operation, retry.failure.code).inc()
        log.info(
            "AI call retried",
            service=self.service.role,
            operation=request.operation,
            attempt=retry.attempt,
            outcome=retry.failure.code,
            wait_seconds=round(retry.wait, 1),
        )


def _retry_notice(request: UpstreamRequest, retry: Retry) -> Notice:
    seconds = math.ceil(retry.wait)
    data = {"attempt": retry.attempt, "waitSeconds": seconds}
    return Notice("status", RETRY_NOTICE[request.language].format(seconds), data)


def _subject(request: UpstreamRequest) -> str:
    """A short key of the question for the breaker, the same if it is asked again; reveals nothing of the text."""
    return hashlib.blake2b(request.body, key=_subject_key(), digest_size=4).hexdigest()


@cache
def _subject_key() -> bytes:
    return hashlib.sha256(b"breaker-subject:" + settings.SECRET_KEY.encode()).digest()


class EventStream(Iterator[Event]):
    """The events of one call: one thread iterates, any thread may close.

    `close()` may be called at any time and more than once. It releases the upstream connection, the breaker's permit
    (neither success nor failure) and the concurrency slot. A thread that waits for the next event wakes up, and its
    iteration ends without a `Finish`. Only the setup of a TCP connection is not interrupted (AI_CONNECT_TIMEOUT).

    `attempts` are the attempts made so far.
    """

    def __init__(self, events: Generator[Event, None, None], scope: CancelScope, attempts: list[Attempt]) -> None:
        self._events = events
        self._scope = scope
        self.attempts = attempts

    def __next__(self) -> Event:
        try:
            return next(self._events)
        except CallCancelled:
            raise StopIteration from None

    def close(self) -> None:
        self._scope.cancel()
        with suppress(ValueError):  # the generator runs in another thread, which now wakes up and closes it
            self._events.close()


def _identity(service: AIService) -> str:
    """Differs for every address, protocol, model and key, and reveals none of them."""
    secret = "\n".join([service.address, service.protocol, service.model, service.api_key])
    return salted_hmac("chat.upstream.service_state", secret, algorithm="sha256").hexdigest()[:16]


@cache
def get(service: AIService) -> AISession:
    """This process' session with that service."""
    return AISession(service)


# Two processes that share a connection would read each other's answers.
os.register_at_fork(after_in_child=get.cache_clear)
