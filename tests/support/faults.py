"""Faults of this program, injected into one of its functions, and what is counted of them."""

from __future__ import annotations

from typing import Any

from prometheus_client import REGISTRY


def broken(*_: Any, **__: Any) -> Any:
    """Replaces a function."""
    raise ZeroDivisionError("secret")


def counted_errors(room: str) -> float:
    """The value of bff_unexpected_errors_total for this room."""
    return REGISTRY.get_sample_value("bff_unexpected_errors_total", {"room": room}) or 0.0
