"""Draining: between SIGTERM and exit, the server finishes its requests while `/readyz` answers 503.

SIGTERM arrives at gunicorn's first process (the arbiter), and all workers must see it at once. So the flag is one byte
of memory shared between processes; it exists before the fork, because the server's configuration imports this module.
"""

from __future__ import annotations

import mmap

from django.apps import apps

_flag = mmap.mmap(-1, 1)


def start() -> None:
    """Make `/readyz` of all processes answer 503, so that load balancers stop sending requests. Signal-safe."""
    _flag[0] = 1


def is_active() -> bool:
    return bool(_flag[0])


def has_background_work() -> bool:
    """Whether an app still has work that clients wait for, besides the requests of this server.

    Such an app defines `has_background_work(self) -> bool` in its AppConfig.
    """
    return any(app.has_background_work() for app in apps.get_app_configs() if hasattr(app, "has_background_work"))
