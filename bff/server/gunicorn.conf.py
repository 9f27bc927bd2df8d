"""gunicorn configuration: one gevent worker per core, thousands of open streams each, graceful shutdown."""

# ruff: noqa: E402, N999 – monkey patching precedes other imports; gunicorn prescribes the file name
from __future__ import annotations

import gevent
from gevent import monkey

from bff.server import gevent_poll

# A debugging aid: each greenlet would keep the stack of its creation, which costs more than the greenlet itself.
gevent.config.track_greenlet_tree = False
monkey.patch_all()
gevent_poll.install()

import gc
import signal
from types import FrameType
from typing import Any

from bff import machine, settings
from bff.server import replacement, startup_checks
from bff.server.worker import Worker, longest_response_seconds
from health import draining
from observability import build, logs, prometheus_multiproc
from observability.logs.gunicorn_logger import Logger

wsgi_app = "bff.wsgi"
bind = f"127.0.0.1:{settings.PORT}"  # a proxy on another machine or outside a container: --bind 0.0.0.0:8000
workers = settings.WEB_WORKERS
# Workers share the memory of the loaded program: two warm workers take 184 MB instead of 233.
preload_app = True
worker_class = Worker
worker_connections = 4000
backlog = 4096
keepalive = 75  # longer than the proxy's, so that the proxy never reuses a connection closed here
timeout = 60
# Time for the requests open at the signal, then for those accepted while draining (bff/server/worker.py).
graceful_timeout = int(settings.DRAIN_SECONDS + 2 * longest_response_seconds()) + 5
# At `max_requests` a worker stops accepting and finishes its streams while the others serve. A single worker is
# therefore never replaced.
max_requests = 100_000 if workers > 1 else 0
max_requests_jitter = 10_000 if workers > 1 else 0
if workers > 1:
    prometheus_multiproc.configure_temporary()
logger_class = Logger
proc_name = "chat-bff"
control_socket_disable = True  # all instances on a machine would share its path


def on_starting(server: Any) -> None:
    usable = machine.Capacity()
    logs.get_logger("bff.server").info(
        "Starting workers", workers=workers, cores=usable.cores(), memory_mb=usable.memory_mb()
    )
    readers, document_mb = settings.DOCUMENT_MAX_CONCURRENCY, settings.DOCUMENT_MEMORY_MB
    if (most_mb := machine.most_mb(workers, readers, document_mb)) > usable.memory_mb():
        logs.get_logger("bff.server").warning(
            "Memory may not suffice for the documents of all workers",
            most_mb=most_mb,
            memory_mb=usable.memory_mb(),
            documents_per_worker=readers,
        )
    startup_checks.stop_if_tls(server.cfg)
    startup_checks.stop_if_wrong()
    build.commit()  # once for all workers, which are forked from here
    prometheus_multiproc.clear()
    _load_for_all_workers()
    # Exclude the loaded program from garbage collection, which would write to its pages and unshare them.
    gc.collect()
    gc.freeze()


def _load_for_all_workers() -> None:
    """What each worker would else load for itself: some 30 MB, in more than a second."""
    from bff import urls  # noqa: PLC0415 needs Django set up
    from chat import knowledge  # noqa: PLC0415 as above
    from chat.documents.extraction.days import kind_classifier  # noqa: PLC0415 as above
    from chat.pipeline import distress_classifier  # noqa: PLC0415 as above

    assert urls.urlpatterns
    distress_classifier.model()
    kind_classifier.model()
    knowledge.load_models()


def when_ready(server: Any) -> None:
    """Report "not ready" as soon as the arbiter receives SIGTERM, before its workers do."""
    stop = signal.getsignal(signal.SIGTERM)
    assert callable(stop)

    def drain(number: int, frame: FrameType | None) -> None:
        draining.start()
        stop(number, frame)

    signal.signal(signal.SIGTERM, drain)


def post_worker_init(worker: Any) -> None:
    # A full collection stops a thousand streams for half a second and frees almost nothing: a message leaves no
    # reference cycles behind.
    gc.set_threshold(2_000, 10, 100)
    from bff.server import redis_eviction  # noqa: PLC0415 needs Django set up
    from chat import knowledge  # noqa: PLC0415 as above
    from observability import unexpected_errors, worker_metrics  # noqa: PLC0415 needs PROMETHEUS_MULTIPROC_DIR set

    worker_metrics.start()
    if worker.age == 1:  # the first one of this instance
        gevent.spawn(redis_eviction.warn)
    # Before the first connection is accepted: on a busy machine the first questions waited for it for seconds.
    with unexpected_errors.survived("knowledge"):
        knowledge.current()


def child_exit(server: Any, worker: Any) -> None:
    from observability import unexpected_errors  # noqa: PLC0415 needs PROMETHEUS_MULTIPROC_DIR set

    replacement.worker_ended()
    # An exception would end the arbiter, and with it the whole instance.
    with unexpected_errors.survived("metrics"):
        prometheus_multiproc.mark_process_dead(worker.pid)
