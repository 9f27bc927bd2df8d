"""Every address that this program answers."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from bff import openapi, problems

api = openapi.Api(
    title="chat-bff",
    version="1",
    urls_namespace="api",
    docs_url="/docs",
    openapi_url="/openapi.json",
    error=openapi.PROBLEM,
    error_type="application/problem+json",
)
api.add_router("/chat/", "chat.api.router")
api.add_router("/me", "chat.me_api.router")
problems.install(api)

# OpenAI's clients want their own address, without documentation of ours in it.
openai_api = openapi.Api(
    title="chat-bff, OpenAI-compatible",
    version="1",
    urls_namespace="openai",
    openapi_url=None,
    error=openapi.OPENAI_ERROR,
    error_type="application/json",
)
openai_api.add_router("/", "chat.openai_api.router")
problems.install(openai_api)

urlpatterns = [
    path("api/", api.urls),
    path("v1/", openai_api.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
    path("", include("health.urls")),
    path("", include("observability.urls")),
    path("", include("chat.urls")),
]
