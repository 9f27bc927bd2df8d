"""`GET /metrics`, for Prometheus."""

from __future__ import annotations

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from observability import prometheus_multiproc, routes
from observability.authorization import credentials_of


@routes.traits(kind="operations", is_quiet=True)
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The metrics of all workers in Prometheus' text format. If `METRICS_TOKEN` is set, it is required as bearer."""
    if settings.METRICS_TOKEN and not has_operators_token(request):
        return HttpResponse("A bearer token is required.\n", "text/plain", 401, headers={"WWW-Authenticate": "Bearer"})
    _update_gauges()
    with prometheus_multiproc.locked():
        return HttpResponse(generate_latest(_registry()), CONTENT_TYPE_LATEST)


def has_operators_token(request: HttpRequest) -> bool:
    """Whether `METRICS_TOKEN` is set, and the request's bearer."""
    scheme, token = credentials_of(request)
    is_ours = constant_time_compare(token, settings.METRICS_TOKEN)
    return bool(settings.METRICS_TOKEN) and scheme == "bearer" and is_ours


def _update_gauges() -> None:
    """Let each app that defines `AppConfig.update_gauges` read state that other processes may have changed."""
    for app in apps.get_app_configs():
        getattr(app, "update_gauges", lambda: None)()


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    try:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    except ValueError:  # a single process, or the folder was deleted: serve this process's own metrics
        return REGISTRY
    return registry
