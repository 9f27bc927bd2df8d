"""At most one worker of an instance is replaced at a time, so that another one accepts connections meanwhile.

gunicorn starts a replacement when a worker has ended, which takes as long as its streams, and knows nothing of workers
that reach `max_requests` at the same time. The file exists before the fork, because the server's configuration imports
this module; its lock belongs to the process that takes it.
"""

from __future__ import annotations

import fcntl
import tempfile

_file = tempfile.TemporaryFile()  # noqa: SIM115 for the life of the process


def begin() -> bool:
    """Whether this worker may stop accepting connections. If it may, no other one may until this process has ended."""
    try:
        fcntl.lockf(_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
