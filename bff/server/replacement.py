"""At most one worker of an instance is replaced at a time, so that another one accepts connections meanwhile.

gunicorn starts a replacement when a worker has ended, which takes as long as its streams, and knows nothing of workers
that reach `max_requests` at the same time. The file and the memory exist before the fork, because the server's
configuration imports this module; the file's lock belongs to the process that takes it.
"""

from __future__ import annotations

import fcntl
import mmap
import struct
import tempfile
import time

# In which the successor of a worker that has ended starts.
SUCCESSOR_SECONDS = 5.0

_file = tempfile.TemporaryFile()  # noqa: SIM115 for the life of the process
_last_end = mmap.mmap(-1, struct.calcsize("d"))  # of a worker, in monotonic time; shared between the processes


def begin() -> bool:
    """Whether this worker may stop accepting connections. If it may, no other one may until its successor has started.

    Ask again after False: this worker is the next one, or another is.
    """
    try:
        fcntl.lockf(_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    [ended] = struct.unpack("d", _last_end)
    return not ended or time.monotonic() - ended > SUCCESSOR_SECONDS


def worker_ended() -> None:
    """Called by a worker at its end, and by gunicorn's first process when it is about to start the successor."""
    _last_end[:] = struct.pack("d", time.monotonic())
