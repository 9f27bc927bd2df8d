"""How gunicorn serves chat-bff: one gevent worker a core, thousands of open streams each, and a gentle end."""

# ruff: noqa: E402, N999 – patched before anything that it patches is imported; gunicorn's name for this file
from __future__ import annotations

import gevent
from gevent import monkey

from bff import polling

# For debugging each greenlet would note where it was begun, stack and all, and keep that: dearer than the greenlet.
gevent.config.track_greenlet_tree = False
monkey.patch_all()
polling.install()

import gc
import signal
from types import FrameType
from typing import Any

from bff import settings
from bff.worker import Worker, longest_answer
from health import draining
from observability import metrics_files
from observability.gunicorn_log import Logger

wsgi_app = "bff.wsgi"
bind = f"0.0.0.0:{settings.PORT}"
workers = settings.WEB_WORKERS
# Workers share what the program itself takes: 184 MB for two that are warm, not 233.
preload_app = True
worker_class = Worker
worker_connections = 4000
backlog = 4096
keepalive = 75  # longer than the proxy's own, so that it is never the one who finds a connection closed
timeout = 60
# What was under way when the signal came ends, then what was begun while that was draining (bff/worker.py).
graceful_timeout = int(settings.DRAIN_SECONDS + 2 * longest_answer()) + 5
max_requests = 100_000
max_requests_jitter = 10_000
logger_class = Logger
proc_name = "chat-bff"
control_socket_disable = True  # its path is one for all instances of a machine


def on_starting(server: Any) -> None:
    metrics_files.clear()
    # What is loaded stays: the garbage collector need never look at it, for that gives each worker a copy of its own.
    gc.collect()
    gc.freeze()


def when_ready(server: Any) -> None:
    """Say "not ready" from the moment in which the instance is asked to go, not when its workers hear of it."""
    stop = signal.getsignal(signal.SIGTERM)
    assert callable(stop)

    def drain(number: int, frame: FrameType | None) -> None:
        draining.start()
        stop(number, frame)

    signal.signal(signal.SIGTERM, drain)


def post_worker_init(worker: Any) -> None:
    # A look at everything stops a thousand streams for half a second, and finds next to nothing: what a message needs
    # ends with its last reference.
    gc.set_threshold(2_000, 10, 100)
    from observability import vitals  # noqa: PLC0415 the settings have told by now where to count

    vitals.begin()


def child_exit(server: Any, worker: Any) -> None:
    metrics_files.mark_process_dead(worker.pid)
