"""One answer in production: written by one leader, read by anyone entitled to it, on any instance, from the beginning.

On the instance that leads, a thread fills the `Run`; on every other instance with a reader, one thread mirrors it from
its log in Redis. Readers always read memory. So a hundred people who ask the same question cost one call upstream and,
on each instance, one connection to Redis. Without Redis everything goes on, shared with nobody.
"""

from __future__ import annotations

import os

from chat.runs.log import forget
from chat.runs.office import Office
from chat.runs.run import Produce, Run

__all__ = ["Produce", "Run", "find", "forget", "is_leading", "lead_or_follow", "leave", "stop"]

_office = Office()
os.register_at_fork(after_in_child=_office.open)  # a child is a process of its own, and leads nothing yet

lead_or_follow = _office.lead_or_follow
find = _office.find
is_leading = _office.is_leading
stop = _office.stop
leave = _office.leave
