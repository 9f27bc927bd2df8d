"""What may go wrong when the AI is asked, named by what the caller should do about it."""

from __future__ import annotations

from chat.events import DegradedReason
from chat.upstream.breaker import Tally

UNKNOWN = Tally(0, 0)


class AIError(Exception):
    """Any of the below. `code` says what happened, for logs and receipts, from a closed set and without any content."""

    def __init__(
        self, reason: DegradedReason, code: str, *, retry_after: float | None = None, tally: Tally = UNKNOWN
    ) -> None:
        super().__init__(code)
        self.reason: DegradedReason = reason
        self.code = code
        self.retry_after = retry_after
        self.tally = tally


class AIUnavailable(AIError):
    """Nothing was said: serve the ladder of fallbacks. `retry_after` is in seconds, None when nobody can tell; `tally`
    is how many of the fleet's calls fail just now.
    """


class AIRejected(AIError):
    """The service refuses this very request and would again: don't retry it, don't blame the service."""


class AIInterrupted(AIError):
    """The answer was cut after it had begun: keep what was said, say that it is not all."""
