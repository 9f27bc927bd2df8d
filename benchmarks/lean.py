"""The layers of chat-bff that a measurement can do without, and how each is left out (see lean_settings.py)."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.http import HttpRequest, HttpResponse

# Middlewares are left out of the list, by these parts of their names.
MIDDLEWARES = {
    "access log": ("AccessLogMiddleware",),
    "metrics": ("MetricsMiddleware",),
    "identity": ("CallerMiddleware",),
    "rate limit": ("RateLimitMiddleware",),
    "security headers, CORS, static files": ("SecurityMiddleware", "whitenoise", "corsheaders"),
    "what only pages need": ("bff.pages",),
}
# A module's functions are replaced by ones that return this at once.
FUNCTIONS: dict[str, dict[str, Any]] = {
    "metrics": {
        "prometheus_client.Counter.inc": None,
        "prometheus_client.Gauge.inc": None,
        "prometheus_client.Gauge.dec": None,
        "prometheus_client.Gauge.set": None,
        "prometheus_client.Histogram.observe": None,
    },
    "answer cache": {"chat.cache.find": None, "chat.cache.look": None, "chat.cache.keep": False},
    "run log and single flight": {
        "chat.runs.log.holder_of": None,
        "chat.runs.log.publish": True,
        "chat.runs.log.renew": None,
        "chat.runs.log.wishes": (),
    },
    "history": {"chat.conversations._save": True},
    "grounding": {"chat.knowledge.search": []},
}
BREAKER = "shared breaker (in memory instead)"
LAYERS = [*dict.fromkeys([*MIDDLEWARES, BREAKER, *FUNCTIONS])]
ALL = "all of these"


def left_out() -> list[str]:
    """The layers that this process does without."""
    named = os.environ.get("BENCH_WITHOUT", "")
    return LAYERS if named == ALL else [named] * bool(named)


class Lean(AppConfig):
    """Comes last of all apps, when the others are there to be changed."""

    name = "benchmarks"

    def ready(self) -> None:
        for layer in left_out():
            for path, result in FUNCTIONS.get(layer, {}).items():
                _replace(path, result)


class Anybody:
    """In the place of finding out who is calling."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        from bff.auth import Caller  # noqa: PLC0415 once the settings are there

        self.get_response, self.caller = get_response, Caller("bench", "user")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.caller = self.caller  # type: ignore[attr-defined]
        return self.get_response(request)


def found(path: str) -> Any:
    """A module, or a class in one."""
    owner, _, name = path.rpartition(".")
    return getattr(import_module(owner), name) if name[0].isupper() else import_module(path)


def _replace(path: str, result: object) -> None:
    """AttributeError for a name that there is no longer: better no figure than a wrong one."""
    owner, _, name = path.rpartition(".")
    getattr(found(owner), name)
    setattr(found(owner), name, lambda *_, **__: result)
