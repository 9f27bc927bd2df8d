from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Policy:
    """When a breaker opens and how it recovers. Times are in seconds. Raises ValueError when it makes no sense."""

    # It opens when, within `window`, at least `failure_threshold` calls failed and at least this share of all calls.
    window: float
    failure_threshold: int
    failure_rate: float
    # A call whose first byte takes longer is a failure, whatever it then says.
    slow_call: float
    # It stays open this long, twice as long after each failed probe, never longer than `open_max`.
    open_for: float
    open_max: float
    # Then this many calls at a time may try; so many successes close it.
    probes: int
    success_threshold: int
    # A probe that has not reported by then is given up, and another call may try.
    probe_lease: float

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) > 0 and field.name != "failure_rate":
                raise ValueError(f"{field.name} must be more than 0")
        if not 0 <= self.failure_rate <= 1:
            raise ValueError("failure_rate must be between 0 and 1")
        if self.open_max < self.open_for:
            raise ValueError("open_max must not be less than open_for")


def milliseconds(seconds: float) -> int:
    """Whole milliseconds: both stores compute with these, so that neither rounds otherwise than the other."""
    return round(seconds * 1000)
