"""Which calls go wrong, and how: decided by counting, so that a run can be repeated."""

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
    "down": {},  # the connection is reset without an answer
    "slow": {"seconds": 5},  # before the first byte
    "drip": {"seconds": 1},  # between one byte and the next
    "error": {"status": 500},
    "rate_limited": {"retry_after": 1},  # seconds
    "cut": {"after_tokens": 3},  # a plain answer is cut at its half
    "garbage": {},  # status 200, and bytes that are no answer
    "hang": {},  # never a byte
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to go wrong; `options` are complete."""

    kind: str
    options: Mapping[str, float]


class Plan:
    """A fault for a share of the calls, spread evenly, and at most for `count` of them."""

    def __init__(self, fault: Fault, share: float, count: int | None) -> None:
        self.fault = fault
        self.left = count
        self._share = Fraction(share).limit_denominator(1000)  # the 0.1 that was meant, not the float beside it
        self._owed = Fraction(0)

    @property
    def hits_all(self) -> bool:
        return self._share == 1 and self.left is None

    def strike(self) -> Fault | None:
        """The fault, if it is this call's turn (Bresenham's line: with a share of 0.4, the 3rd and 5th of five)."""
        if self.left == 0:
            return None
        self._owed += self._share
        if self._owed < 1:
            return None
        self._owed -= 1
        if self.left is not None:
            self.left -= 1
        return self.fault

    def as_dict(self) -> dict[str, Any]:
        return {"fault": self.fault.kind, **self.fault.options, "share": float(self._share), "left": self.left}


class Faults:
    """The plan in force for each operation; one made for both is counted over both."""

    def __init__(self) -> None:
        self._plans: dict[Operation, Plan] = {}

    def heal(self) -> None:
        self._plans.clear()

    def order(self, wish: Mapping[str, Any]) -> None:
        """Put `{fault, share?, count?, operation?, **options}` in force, in place of what was.

        Raises ValueError with a sentence for whoever wished it.
        """
        options = dict(wish)
        kind, operation = options.pop("fault", None), options.pop("operation", None)
        share, count = options.pop("share", 1), options.pop("count", None)
        _require(kind in FAULTS, f"fault must be one of {', '.join(FAULTS)}")
        _require(
            operation in {None, *OPERATIONS}, f"operation must be one of {', '.join(OPERATIONS)}, or absent for both"
        )
        _require(is_number(share) and share <= 1, "share must be a number from 0 to 1")
        _require(
            count is None or (type(count) is int and count >= 0), "count must be a whole number, or absent for no end"
        )
        unknown = options.keys() - FAULTS[kind].keys()
        _require(not unknown, f"{kind} has no option {', '.join(sorted(unknown))}")
        _require(all(map(is_number, options.values())), "options must be numbers, 0 or more")
        _require(options.get("status", 500) in set(HTTPStatus), "status must be one that HTTP knows")
        plan = Plan(Fault(kind, FAULTS[kind] | options), share, count)
        self._plans.update(dict.fromkeys([operation] if operation else OPERATIONS, plan))

    def strike(self, operation: Operation) -> Fault | None:
        """What this call has to suffer, if anything."""
        plan = self._plans.get(operation)
        return plan.strike() if plan else None

    @property
    def is_down(self) -> bool:
        """Whether no call at all is answered, until healed."""
        plans = [self._plans.get(operation) for operation in OPERATIONS]
        return all(plan and plan.fault.kind == "down" and plan.hits_all for plan in plans)

    def as_dict(self) -> dict[str, Any]:
        return {operation: plan.as_dict() for operation, plan in self._plans.items()}


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def is_number(value: object) -> TypeGuard[float]:
    """Whether JSON gave a number that is not negative."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
