"""All routes of the program."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from bff.http import openapi, openapi_examples, problems
from chat.api import account, chat, conversation_list, openai

# OpenAI's clients need a base address of their own; the other API's document describes it.
openai_api = openapi.Api(
    title="chat-bff, OpenAI-compatible",
    version="1",
    urls_namespace="openai",
    openapi_url=None,
    error_format="openai",
    routers={"/": openai.router},
)
problems.install(openai_api)

api = openapi.Api(
    title="chat-bff",
    version="1",
    urls_namespace="api",
    docs_url="/docs",
    openapi_url="/openapi.json",
    error_format="problem",
    description="Answers for parents of children with disabilities, from an AI and checked public information. An"
    " outage of the AI is no error: the answer is then the best there is, and `degraded` says why.",
    servers=[{"url": "/", "description": "This instance"}],
    openapi_extra={
        "info": {"contact": {"name": settings.PUBLISHER["name"] or "The operator of this instance"}},
        "tags": openapi_examples.TAGS,
    },
    documents=[openai_api],
    routers={"/chat/": chat.router, "/chat/conversations": conversation_list.router, "/me": account.router},
)
problems.install(api)

urlpatterns = [
    path("api/", api.urls),
    path("v1/", openai_api.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
    path("", include("health.urls")),
    path("", include("observability.urls")),
    path("", include("chat.urls")),
]

handler500 = problems.server_error
