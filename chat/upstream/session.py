"""The resilient session: the one way in which this program asks the AI anything.

with closing(session.get().perform(openai.chat(messages, model, "fr"))) as answering:
    for event in answering:
        ...
"""

from __future__ import annotations

import math
import os
import threading
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache

from django.conf import settings

from chat.events import Event, Finish, Notice
from chat.questions import Language
from chat.upstream import breakers
from chat.upstream.attempt import Attempt, Attempting
from chat.upstream.breaker import Breaker, CircuitOpen, Permit
from chat.upstream.errors import AIUnavailable
from chat.upstream.exchange import Exchange, Operation
from chat.upstream.line import Deadline, HangUpError, Line
from chat.upstream.retry import Retry, RetryBudget, attempts
from chat.upstream.transport import Transport
from observability import correlation, logs, metrics

__all__ = ["AISession", "Answering", "Deadline", "Exchange", "get"]

log = logs.get_logger(__name__)

RETRY_NOTICE: dict[Language, str] = {"fr": "Nouvelle tentative dans {} s", "en": "Trying again in {} s"}


class Answering(Iterator[Event]):
    """The events of an answer being given: iterated by one thread, closed by any.

    Closing it, at any moment and as often as one likes, frees what it holds: the upstream connection, the breaker's
    permit (neither success nor failure), the place. A thread that waits in it for the next event wakes at once and
    finds the iteration ended, without a `Finish`. (Only a TCP connection being set up is sat out, AI_CONNECT_TIMEOUT.)

    `attempts` tells how it has gone so far.
    """

    def __init__(self, events: Generator[Event, None, None], line: Line, attempts: list[Attempt]) -> None:
        self._events = events
        self._line = line
        self.attempts = attempts

    def __next__(self) -> Event:
        try:
            return next(self._events)
        except HangUpError:
            raise StopIteration from None

    def close(self) -> None:
        self._line.hang_up()
        with suppress(ValueError):  # it is running in another thread, which wakes now and cleans up itself
            self._events.close()


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one operation may take, in seconds: all of it, and one read."""

    deadline: float
    read_timeout: float


class AISession:
    """Asks the AI within a deadline, through the breaker, again where that helps; one for each process.

    `wait` sleeps so many seconds or until the event is set, and says whether it was; tests put their own in its place.
    """

    def __init__(
        self,
        *,
        breaker_of: Callable[[str], Breaker] = breakers.get,
        wait: Callable[[threading.Event, float], bool] = threading.Event.wait,
    ) -> None:
        self._breaker_of = breaker_of
        self._wait = wait
        self._budget = RetryBudget()
        self._places = threading.BoundedSemaphore(settings.AI_MAX_CONCURRENCY)
        self._transport = Transport(
            settings.AI_SERVICE_URL,
            settings.AI_SERVICE_API_KEY,
            connections=settings.AI_MAX_CONCURRENCY,
            connect_timeout=settings.AI_CONNECT_TIMEOUT,
        )
        self._patience: dict[Operation, Patience] = {
            "chat": Patience(settings.AI_DEADLINE_CHAT, settings.AI_READ_TIMEOUT_CHAT),
            "analyze": Patience(settings.AI_DEADLINE_ANALYZE, settings.AI_READ_TIMEOUT_ANALYZE),
        }

    def perform(self, exchange: Exchange, *, deadline: Deadline | None = None) -> Answering:
        """The answer's `Delta`s and `Source`s as they arrive, at last one `Finish`; a `Notice` before each new attempt.

        While it is iterated it raises AIUnavailable or AIRejected before the first word, AIInterrupted after it.
        """
        patience = self._patience[exchange.operation]
        line = Line(deadline or Deadline.after(patience.deadline), patience.read_timeout)
        headers = {
            "X-Correlation-ID": correlation.current(),
            "Idempotency-Key": str(uuid.uuid4()),
        }
        taken: list[Attempt] = []
        return Answering(self._answer(exchange, line, headers, taken), line, taken)

    def _answer(
        self, exchange: Exchange, line: Line, headers: dict[str, str], taken: list[Attempt]
    ) -> Generator[Event, None, None]:
        with self._place():
            self._budget.count_call()
            begun = yield from self._begun(exchange, line, headers, taken)
            if begun is None:
                return
            first, events = begun
            with closing(events):
                yield first
                yield from events

    def _begun(
        self, exchange: Exchange, line: Line, headers: dict[str, str], taken: list[Attempt]
    ) -> Generator[Event, None, tuple[Event, Generator[Event, None, None]] | None]:
        """The first event and those to come, of the first attempt that has one; None when the caller has left.

        A generator of its own: what it takes to try again need not be kept until the answer has ended.
        """
        for attempt, retry in attempts(line.deadline, self._budget):
            if retry:
                yield self._announce(exchange, retry)
                if self._wait(line.left, retry.wait):
                    return None
            with attempt:
                taken.append(Attempt(attempt.retry_state.attempt_number, round(retry.wait * 1000) if retry else 0))
                events = self._attempt(exchange, line, headers, taken[-1])
                return next(events), events  # from here on it is too late to begin anew
        raise AssertionError("attempts() raises the last error when there are no more")

    def _attempt(
        self, exchange: Exchange, line: Line, headers: dict[str, str], attempt: Attempt
    ) -> Generator[Event, None, None]:
        """One permit, one HTTP call, one outcome."""
        permit = self._permit(exchange.operation, line, attempt)
        attempting = Attempting(exchange.operation, attempt, permit)
        headers = headers | {
            "traceparent": attempting.span.traceparent(),
            "X-Retry-Count": str(attempt.number - 1),
            "X-Deadline-Ms": str(max(0, int(line.deadline.left() * 1000))),
        }
        with (
            attempting,
            self._transport.post(exchange.path, exchange.body, headers, line) as reply,
        ):
            for event in exchange.read(reply):
                attempting.see(event)
                if not isinstance(event, Finish):
                    yield event
        # All is settled before the last event: few callers ask for more after it.
        assert attempting.finish is not None
        yield attempting.finish

    @contextmanager
    def _place(self) -> Iterator[None]:
        """One of the calls that this process makes at a time. Raises AIUnavailable at once when all are taken."""
        if not self._places.acquire(blocking=False):
            raise AIUnavailable("overloaded", "overloaded")
        try:
            yield
        finally:
            self._places.release()

    def _permit(self, operation: Operation, line: Line, attempt: Attempt) -> Permit:
        if line.deadline.left() <= 0:  # not the service's doing, and no vote
            attempt.outcome = "deadline"
            raise AIUnavailable("timeout", "deadline")
        try:
            permit = self._breaker_of(operation).acquire()
        except CircuitOpen as error:
            attempt.breaker, attempt.outcome = error.state, "circuit_open"
            raise AIUnavailable("circuit_open", "circuit_open", retry_after=error.retry_after) from error
        attempt.breaker = permit.state
        return permit

    def _announce(self, exchange: Exchange, retry: Retry) -> Notice:
        metrics.AI_RETRIES.labels(exchange.operation, retry.code).inc()
        log.info(
            "AI call retried",
            operation=exchange.operation,
            attempt=retry.attempt,
            outcome=retry.code,
            wait_seconds=round(retry.wait, 1),
        )
        seconds = math.ceil(retry.wait)
        data = {"attempt": retry.attempt, "waitSeconds": seconds}
        return Notice("status", RETRY_NOTICE[exchange.language].format(seconds), data)


@cache
def get() -> AISession:
    """This process' session."""
    return AISession()


# Connections that two processes share end in one reading the other's answers.
os.register_at_fork(after_in_child=get.cache_clear)
