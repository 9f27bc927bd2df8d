"""Selects the calls that fail, and how. Selection counts calls, so that a run can be repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from http import HTTPStatus
from typing import Any, TypeGuard, get_args

from ai_service.ledger import Operation

OPERATIONS: tuple[Operation, ...] = get_args(Operation)

# Each fault with its options and their defaults.
FAULTS: dict[str, dict[str, float]] = {
    "down": {},  # reset the connection without an answer
    "slow": {"seconds": 5},  # before the first byte
    "drip": {"seconds": 1},  # between one byte and the next
    "error": {"status": 500},
    "rate_limited": {"retry_after": 1},  # seconds
    "cut": {"after_tokens": 3},  # a complete answer is cut at its half
    "garbage": {},  # status 200, and bytes that are no answer
    "hang": {},  # never a byte
    "filtered": {},  # the answer, ended by a content filter (OpenAI protocol)
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault with all of its options."""

    kind: str
    options: Mapping[str, float]


class FaultPlan:
    """A fault for a share of the calls, spread evenly, and at most for `count` of them."""

    def __init__(self, fault: Fault, share: float, count: int | None) -> None:
        self.fault = fault
        self.remaining = count
        self._share = Fraction(share).limit_denominator(1000)  # exactly 1/10 for the float 0.1
        self._due = Fraction(0)

    @property
    def affects_all_calls(self) -> bool:
        return self._share == 1 and self.remaining is None

    def next_call(self) -> Fault | None:
        """The fault, if the next call is affected (Bresenham's line: with a share of 0.4, the 3rd and 5th of five)."""
        if self.remaining == 0:
            return None
        self._due += self._share
        if self._due < 1:
            return None
        self._due -= 1
        if self.remaining is not None:
            self.remaining -= 1
        return self.fault

    def as_dict(self) -> dict[str, Any]:
        return {"fault": self.fault.kind, **self.fault.options, "share": float(self._share), "left": self.remaining}


class Faults:
    """The active plan of each operation. A plan for both operations counts the calls of both."""

    def __init__(self) -> None:
        self._plans: dict[Operation, FaultPlan] = {}

    def clear(self) -> None:
        self._plans.clear()

    def activate(self, request: Mapping[str, Any]) -> None:
        """Replace the active plan by `{fault, share?, count?, operation?, **options}`.

        Raises ValueError with a sentence for the client.
        """
        options = dict(request)
        kind, operation = options.pop("fault", None), options.pop("operation", None)
        share, count = options.pop("share", 1), options.pop("count", None)
        _require(kind in FAULTS, f"fault must be one of {', '.join(FAULTS)}")
        _require(
            operation in {None, *OPERATIONS}, f"operation must be one of {', '.join(OPERATIONS)}, or absent for both"
        )
        _require(is_number(share) and share <= 1, "share must be a number from 0 to 1")
        _require(
            count is None or (type(count) is int and count >= 0), "count must be an integer, or absent for no limit"
        )
        unknown = options.keys() - FAULTS[kind].keys()
        _require(not unknown, f"{kind} has no option {', '.join(sorted(unknown))}")
        _require(all(map(is_number, options.values())), "options must be numbers, 0 or more")
        _require(options.get("status", 500) in set(HTTPStatus), "status must be an HTTP status")
        plan = FaultPlan(Fault(kind, FAULTS[kind] | options), share, count)
        self._plans.update(dict.fromkeys([operation] if operation else OPERATIONS, plan))

    def next_call(self, operation: Operation) -> Fault | None:
        """The fault of the next call, if any."""
        plan = self._plans.get(operation)
        return plan.next_call() if plan else None

    @property
    def is_down(self) -> bool:
        """Whether every call of both operations is reset."""
        plans = [self._plans.get(operation) for operation in OPERATIONS]
        return all(plan and plan.fault.kind == "down" and plan.affects_all_calls for plan in plans)

    def as_dict(self) -> dict[str, Any]:
        return {operation: plan.as_dict() for operation, plan in self._plans.items()}


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def is_number(value: object) -> TypeGuard[float]:
    """Whether a JSON value is a number and not negative."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
