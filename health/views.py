"""`/healthz` (is the process alive?) and `/readyz` (can it serve requests?)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from health import readiness, uptime
from observability import routes
from observability.timestamps import iso
from observability.views import has_operators_token


@routes.traits(kind="operations", is_quiet=True)
@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """Always 200. Checks no dependency: restarting this process would not repair a database."""
    return _json_response({"status": "healthy", "timestamp": iso(), "uptime": uptime.seconds()})


@routes.traits(kind="operations", is_quiet=True)
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 if this process can serve, even degraded; 503 if requests should go to another instance.

    With READYZ_DETAILS=operators the public gets the status alone.
    """
    report = readiness.current().report()
    status = 503 if report["status"] == "unhealthy" else 200
    if settings.READYZ_DETAILS == "operators" and not has_operators_token(request):
        report = {"status": report["status"]}
    return _json_response(report, status=status)


def _json_response(report: dict[str, Any], status: int = 200) -> JsonResponse:
    return JsonResponse(report, status=status, headers={"Cache-Control": "no-store"})
