"""The layers that can be removed from chat-bff for a measurement, and how (see stripped_settings.py)."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.http import HttpRequest, HttpResponse

from observability.caller import Caller, set_caller

# Middlewares whose path contains one of these parts are removed.
MIDDLEWARES = {
    "access log": ("AccessLogMiddleware",),
    "metrics": ("MetricsMiddleware",),
    "identity": ("CallerMiddleware", "APICSRFMiddleware"),
    "rate limit": ("LimitsMiddleware",),
    "security headers, CORS, static files": ("SecurityMiddleware", "whitenoise", "corsheaders"),
    "page middlewares": ("bff.http.page_middleware",),
}
# These functions are replaced by ones that return a constant.
FUNCTIONS: dict[str, dict[str, Any]] = {
    "metrics": {
        "prometheus_client.Counter.inc": None,
        "prometheus_client.Gauge.inc": None,
        "prometheus_client.Gauge.dec": None,
        "prometheus_client.Gauge.set": None,
        "prometheus_client.Histogram.observe": None,
    },
    "answer cache": {
        "chat.storage.answer_cache.get": None,
        "chat.storage.answer_cache.get_with": (None, ()),
        "chat.storage.answer_cache.command_to_put": None,
    },
    "run log and single flight": {
        "chat.runs.redis_log.acquire": None,
        "chat.runs.redis_log.publish": True,
        "chat.runs.redis_log.renew_lease": None,
        "chat.runs.redis_log.take_commands": (),
    },
    "history": {"chat.history.recorder._write": True},
    "grounding": {"chat.knowledge.knowledge_base.KnowledgeBase.search": []},
}
BREAKER = "shared breaker (in memory instead)"
LAYERS = [*dict.fromkeys([*MIDDLEWARES, BREAKER, *FUNCTIONS])]
ALL = "all of these"


def removed_layers() -> list[str]:
    """The layers removed from this process, from `BENCH_WITHOUT`."""
    value = os.environ.get("BENCH_WITHOUT", "")
    return LAYERS if value == ALL else [value] * bool(value)


class StrippedApp(AppConfig):
    """The last of INSTALLED_APPS: the other apps are loaded when it replaces their functions."""

    name = "benchmarks"

    def ready(self) -> None:
        for layer in removed_layers():
            for path, result in FUNCTIONS.get(layer, {}).items():
                _replace(path, result)


class FixedCaller:
    """A middleware in place of the identity layer: every request has the same caller."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response, self.caller = get_response, Caller("bench", "user")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        set_caller(request, self.caller)
        return self.get_response(request)


def resolve(path: str) -> Any:
    """The module or class at a dotted path."""
    owner, _, name = path.rpartition(".")
    return getattr(import_module(owner), name) if name[0].isupper() else import_module(path)


def _replace(path: str, result: object) -> None:
    """Raises AttributeError if the name does not exist: its figure would be wrong."""
    owner, _, name = path.rpartition(".")
    getattr(resolve(owner), name)
    setattr(resolve(owner), name, lambda *_, **__: result)
