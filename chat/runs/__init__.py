"""Runs: one AI answer in production, shared by all its readers across the fleet.

A run has one producer and any number of subscribers. Exactly one process of the fleet leads a run: it calls the
producer and appends the events. Single flight: identical questions join the run that already answers them. The leader
publishes the events to a Redis stream; every other process with a subscriber mirrors that stream in one thread.
Subscribers always read from memory, and can start at any event. A hundred identical questions therefore cost one
upstream call, and one Redis connection per mirroring process.

A lease in Redis, renewed by a heartbeat, tells whether a leader is alive. If it dies, a mirroring process takes over or
aborts the run. While Redis is unavailable, runs work within their own process only.
"""

from __future__ import annotations

import os

from chat.runs.broker import RunBroker, Subscription
from chat.runs.redis_log import delete_logs, forget, logged_runs
from chat.runs.run import Run
from chat.runs.subscriber import Outlet

__all__ = [
    "Outlet",
    "Run",
    "Subscription",
    "delete_logs",
    "find",
    "forget",
    "is_leading",
    "logged_runs",
    "stop",
    "subscribe",
    "unsubscribe",
]

_broker = RunBroker()
os.register_at_fork(after_in_child=_broker.reset)  # a forked worker needs its own process id and leads no run yet

find = _broker.find
is_leading = _broker.is_leading
stop = _broker.stop
subscribe = _broker.subscribe
unsubscribe = _broker.unsubscribe
