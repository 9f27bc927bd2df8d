"""The parameters of a breaker: when it opens, and how it recovers."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Policy:
    """Times are in seconds. Raises ValueError for values that contradict each other."""

    # It opens after `failure_threshold` failures with no success between them …
    failure_threshold: int
    # … or when, within `window`, at least `min_calls` calls have ended and this share of them has failed.
    window: float
    min_calls: int
    failure_rate: float
    # A call counts as a failure when its first words take longer, at that moment, whatever follows.
    slow_call: float
    # It stays open for this time, doubled after each failed probe up to `open_max`.
    open_for: float
    open_max: float
    # Then it admits this many probes at a time; so many successes close it.
    probes: int
    success_threshold: int
    # A probe without a result after this time is given up, and another call may probe.
    probe_lease: float
    # Failures in a row are evidence only from so many subjects (fewer if the threshold is lower): one question's
    # attempts alone say more about the question. And only if the first is so long ago: at a high load, chance alone
    # makes some in a row.
    min_subjects: int = 3
    min_streak: float = 1.0

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) > 0 and field.name not in {"failure_rate", "min_streak"}:
                raise ValueError(f"{field.name} must be more than 0")
        if not 0 <= self.failure_rate <= 1:
            raise ValueError("failure_rate must be between 0 and 1")
        if not self.min_streak >= 0:
            raise ValueError("min_streak must not be negative")
        if self.open_max < self.open_for:
            raise ValueError("open_max must not be less than open_for")

    @property
    def needed_subjects(self) -> int:
        """The subjects that a streak of failures needs to open the circuit."""
        return min(self.min_subjects, self.failure_threshold)


def milliseconds(seconds: float) -> int:
    """Whole milliseconds. Both stores compute with these, so that they round alike."""
    return round(seconds * 1000)
