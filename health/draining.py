"""The time between being told to stop and stopping: finish what is here, take nothing new.

The server's first process (gunicorn's arbiter) is told, and the others must know at once. So this is one byte of memory
that all of them share: made when this module is first imported, which the server's configuration does before it forks.
"""

from __future__ import annotations

import mmap

from django.apps import apps

_flag = mmap.mmap(-1, 1)


def start() -> None:
    """From now on `/readyz` says no in each process, so that load balancers look elsewhere. Safe in signal handlers."""
    _flag[0] = 1


def started() -> bool:
    return bool(_flag[0])


def is_work_under_way() -> bool:
    """Whether some app still works on what others wait for, beside the requests that the server sees itself.

    An app that does says so in its AppConfig: `def work_under_way(self) -> bool`.
    """
    return any(app.work_under_way() for app in apps.get_app_configs() if hasattr(app, "work_under_way"))
