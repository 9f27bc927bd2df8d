"""The pages on privacy, the publisher and accessibility: texts in both languages, filled from settings."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe


@require_safe
def information_page(request: HttpRequest, name: str) -> HttpResponse:
    """Renders `templates/information/<language>/<name>.html`."""
    language = "en" if get_language() == "en" else "fr"
    context = {
        "publisher": settings.PUBLISHER,
        "retention_days": settings.RETENTION_DAYS,
        "shared_days": round((settings.CACHE_TTL_ANSWER + settings.CACHE_TTL_STALE) / 86_400),
        "site": f"{request.scheme}://{request.get_host()}",
    }
    return render(request, f"information/{language}/{name}.html", context)
