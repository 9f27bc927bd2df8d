"""Errors of an AI call, named by what the caller should do about them."""

from __future__ import annotations

from chat.core.events import DegradedReason
from chat.upstream.breaker import WindowCounts

NO_COUNTS = WindowCounts()


class AIError(Exception):
    """Base class. `code` is what happened, for logs and provenance: from a closed set, without any content."""

    def __init__(
        self,
        reason: DegradedReason,
        code: str,
        *,
        retry_after: float | None = None,
        window_counts: WindowCounts = NO_COUNTS,
    ) -> None:
        super().__init__(code)
        self.reason: DegradedReason = reason
        self.code = code
        self.retry_after = retry_after
        self.window_counts = window_counts


class AIUnavailable(AIError):
    """Failed before the first words: serve the ladder of fallbacks.

    `retry_after` is in seconds, None when unknown. `window_counts` are the fleet's calls and failures in the breaker's
    window.
    """


def internal_error() -> AIUnavailable:
    """A fault of this program; answered as an outage of the AI."""
    return AIUnavailable("internal", "internal")


def over_budget(seconds_until_reset: int) -> AIUnavailable:
    """The AI is not asked, because a budget is used up; answered as an outage of the AI."""
    return AIUnavailable("over_budget", "over_budget", retry_after=seconds_until_reset)


class AIRejected(AIError):
    """The service refuses this request and would refuse it again: don't retry, don't count it against the service."""


class AIMisconfigured(AIError):
    """The service refuses our key, address, model or quota, which the operator must correct. Serve the ladder of
    fallbacks; don't retry.
    """


class AIInterrupted(AIError):
    """Failed after the first words: keep what was received and mark the answer as incomplete."""
