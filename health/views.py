"""Two questions that machines ask: is it alive, can it serve?"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from health import readiness, uptime
from observability.timestamps import iso


@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """Alive: it answers. Asks nothing of anyone, for a restart heals no database."""
    return _said({"status": "healthy", "timestamp": iso(), "uptime": uptime.seconds()})


@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """Ready: 200 when it can serve, perhaps with losses; 503 when requests should go elsewhere."""
    report = readiness.current().report()
    return _said(report, status=503 if report["status"] == "unhealthy" else 200)


def _said(report: dict[str, Any], status: int = 200) -> JsonResponse:
    return JsonResponse(report, status=status, headers={"Cache-Control": "no-store"})
