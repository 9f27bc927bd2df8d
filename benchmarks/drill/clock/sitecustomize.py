"""Shifts `time.time` of an instance whose clock a drill changes. Python imports this module at its start.

The file named by DRILL_CLOCK holds one double, the seconds to add; every process of the instance maps it. Only
`time.time` and `time.time_ns` are shifted; `datetime` and the monotonic clock are not.
"""

from __future__ import annotations

import mmap
import os
import struct
import time

_true, _true_ns = time.time, time.time_ns
with open(os.environ["DRILL_CLOCK"], "rb") as _file:  # noqa: PTH123 avoids importing pathlib at every start
    _offset = mmap.mmap(_file.fileno(), 8, access=mmap.ACCESS_READ)


def _seconds() -> float:
    return float(struct.unpack_from("d", _offset)[0])


def _time() -> float:
    return _true() + _seconds()


def _time_ns() -> int:
    return _true_ns() + int(_seconds() * 1_000_000_000)


time.time, time.time_ns = _time, _time_ns
