"""`GET /metrics`, for Prometheus."""

from __future__ import annotations

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from observability import metrics_files


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """What all workers counted, in Prometheus' text format. With `METRICS_TOKEN` set, for its bearer alone."""
    if not _may_read(request):
        return HttpResponse(
            "The metrics want a bearer token.\n", "text/plain", 401, headers={"WWW-Authenticate": "Bearer"}
        )
    _renew_gauges()
    with metrics_files.at_rest():
        return HttpResponse(generate_latest(_registry()), CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    if not settings.METRICS_TOKEN:
        return True
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and constant_time_compare(token.strip(), settings.METRICS_TOKEN)


def _renew_gauges() -> None:
    """Of a state that others may change, each app that shows one says what it is now: `AppConfig.renew_gauges`."""
    for app in apps.get_app_configs():
        getattr(app, "renew_gauges", lambda: None)()


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    try:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    except ValueError:  # a single process; or the folder is gone, and what this worker knows is better than nothing
        return REGISTRY
    return registry
