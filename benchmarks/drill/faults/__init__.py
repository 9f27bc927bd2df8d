"""The faults of a drill, in the order in which they are played; one module for each group."""

from __future__ import annotations

from benchmarks.drill.faults import ai, ai_outage, clients, hostile_visitor, network, processes, stores
from benchmarks.drill.faults.base import DrillContext, Fault
from benchmarks.drill.faults.processes import CLOCK_SHIFT

FAULTS = (
    *ai.FAULTS,
    *stores.FAULTS,
    *network.FAULTS,
    *processes.FAULTS,
    *clients.FAULTS,
    *ai_outage.FAULTS,
    *hostile_visitor.FAULTS,
)

__all__ = ["CLOCK_SHIFT", "FAULTS", "DrillContext", "Fault"]
