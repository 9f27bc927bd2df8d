"""Route traits: declared on views, found by path before Django resolves the request."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from observability.routes import Route, route_of

API = {"kind": "api", "error_format": "problem", "needs_caller": True}
PAGE = {"kind": "page"}
PROBE = {"kind": "operations", "is_quiet": True}


@pytest.mark.parametrize(
    ("path", "traits"),
    [
        ("/", PAGE | {"needs_caller": True, "answers": "page"}),
        ("/admin/", PAGE),
        ("/admin/chat/circuitbreaker/state/", PAGE | {"is_quiet": True}),
        ("/api/docs", PAGE),
        ("/api/openapi.json", PAGE | {"error_format": "problem"}),
        ("/api/chat/message", API | {"answers": "message"}),
        ("/api/chat/stream", API | {"answers": "stream"}),
        ("/api/chat/some-conversation/stream", API | {"follows_answer": True}),
        ("/api/chat/analyze-document", API | {"answers": "analysis", "takes_files": True}),
        ("/api/chat/claim", API | {"ends_visitor": True}),
        ("/api/me", API | {"ends_visitor": True}),
        ("/api/me/export", API),
        ("/v1/chat/completions", API | {"error_format": "openai", "answers": "completion"}),
        ("/v1/models", API | {"error_format": "openai"}),
        ("/healthz", PROBE),
        ("/readyz", PROBE),
        ("/metrics", PROBE),
    ],
)
def test_each_route_has_the_traits_declared_on_its_view(path, traits):
    assert route_of(RequestFactory().get(path)) == Route(**traits)


@pytest.mark.parametrize(
    ("path", "traits"),
    [("/api/nowhere", API), ("/api/", API), ("/v1/nowhere", API | {"error_format": "openai"}), ("/nowhere", PAGE)],
)
def test_a_path_without_a_route_is_an_api_below_the_api_prefixes_and_a_page_elsewhere(path, traits):
    assert route_of(RequestFactory().get(path)) == Route(**traits)
