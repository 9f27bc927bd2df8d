"""The OpenAPI document, completed with the responses of middlewares.

A route declares its own responses (200, 404, 409 …). Authentication, rate limits and media types are checked before
it: their responses, the error schemas, headers and the security schemes are added to every route here.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

from django.conf import settings
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI, Router
from ninja.openapi.schema import OpenAPISchema

from bff.http import openapi_examples
from bff.http.problems import CODES
from observability import routes

Json = dict[str, Any]
ErrorFormat = Literal["problem", "openai"]

TEXT: Json = {"type": "string"}
PROBLEM: Json = {
    "title": "Problem",
    "description": "RFC 9457. `type` is `about:blank`, and `error.code` tells the cases apart. `errors` lists the"
    " invalid fields, without the values sent.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "correlationId", "error"],
    "properties": {
        **dict.fromkeys(["type", "title", "detail", "correlationId"], TEXT),
        "status": {"type": "integer"},
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": TEXT | {"description": f"{', '.join(CODES.values())}, or one of an unreadable document."},
                "message": TEXT,
            },
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": TEXT, "message": TEXT, "code": TEXT},
            },
        },
    },
}
OPENAI_ERROR: Json = {
    "title": "Error",
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": TEXT,
                "type": TEXT,
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
ERRORS: dict[ErrorFormat, tuple[Json, str]] = {
    "problem": (PROBLEM, "application/problem+json"),
    "openai": (OPENAI_ERROR, "application/json"),
}
ON_EVERY_ROUTE = (401, 429, 503)
ON_UNSAFE_METHODS = (403, 415)
ON_BODIES = (400, 413, 422)
ON_EVERY_RESPONSE: Json = {
    "X-Correlation-ID": {
        "schema": TEXT,
        "description": "Identifies this request in logs; tell it when reporting a problem.",
    },
}
ON_ANSWERS: Json = {
    "X-Cache": {"schema": {"enum": ["HIT", "MISS", "STALE", "BYPASS"]}, "description": "Where the answer is from."},
    "X-Degraded": {"schema": TEXT, "description": "Why the AI did not write this answer; absent if it did."},
    "Server-Timing": {"schema": TEXT, "description": "Milliseconds until the answer began."},
}
ON_REFUSALS: Json = {"Retry-After": {"schema": TEXT, "description": "Seconds after which another attempt may succeed."}}
SECURITY: Json = {
    "person": {
        "type": "http",
        "scheme": "bearer",
        "description": "A Supabase access token, or an API key (`bff_…`).",
    },
    "visitor": {
        "type": "apiKey",
        "in": "cookie",
        "name": settings.VISITOR_COOKIE_NAME,
        "description": "Set by the first response if visitors are allowed. Unsafe methods then need `X-CSRFToken` too.",
    },
}


class Api(NinjaAPI):
    """A NinjaAPI that describes its errors and declares the traits of its routes (observability.routes)."""

    def __init__(
        self,
        *,
        routers: Mapping[str, Router],
        error_format: ErrorFormat,
        documents: Sequence[Api] = (),
        **options: Any,
    ) -> None:
        """`documents` has other APIs that this one's OpenAPI document describes as well."""
        super().__init__(**options)
        self.documents = documents
        self.error_format = error_format
        self.error, self.error_type = ERRORS[error_format]
        self.declared_traits: dict[str, dict[str, Any]] = {}  # by URL name, which ninja takes from the view's name
        for prefix, router in routers.items():
            self.add_router(prefix, router)
            for path_view in router.path_operations.values():
                views = [operation.view_func for operation in path_view.operations]
                traits = dict(ChainMap(*map(routes.declared, views)))
                self.declared_traits |= {view.__name__: traits for view in views}

    @property
    def urls(self) -> tuple[list[URLResolver | URLPattern], str, str]:
        """The URL patterns. ninja wraps the views of each path in one function, which gets their traits here."""
        patterns, app_name, namespace = super().urls
        for pattern in patterns:
            assert isinstance(pattern, URLPattern)
            pattern.callback = routes.traits(**self._traits(pattern.name))(pattern.callback)
        return patterns, app_name, namespace

    def _traits(self, url_name: str | None) -> dict[str, Any]:
        if url_name == "openapi-view":  # the documentation is a page
            return {}
        error_format = {"error_format": self.error_format}
        if url_name == "openapi-json":  # readable without credentials
            return error_format
        return routes.API_TRAITS | error_format | self.declared_traits.get(url_name or "", {})

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        schema["components"]["schemas"][self.error["title"]] = self.error
        schema["components"]["securitySchemes"] = SECURITY
        for path, methods in schema["paths"].items():
            for method, operation in methods.items():
                self._complete(path, method, operation)
        for other in self.documents:
            theirs = other.get_openapi_schema()
            schema["paths"] |= theirs["paths"]
            schema["components"]["schemas"] |= theirs["components"]["schemas"]
        return schema

    def _complete(self, path: str, method: str, operation: Json) -> None:
        name = f"{method} {path}"
        visitors: list[Json] = [{"visitor": []}, {}] if routes.admits_visitors(self.error_format) else []
        operation["security"] = [{"person": []}, *visitors]
        if name in openapi_examples.REQUESTS:
            operation["requestBody"]["content"]["application/json"]["example"] = openapi_examples.REQUESTS[name]
        responses = operation["responses"]
        for status in _middleware_statuses(path, method, operation):
            responses.setdefault(status, {"description": HTTPStatus(status).phrase})
        schema = {"schema": {"$ref": f"#/components/schemas/{self.error['title']}"}}
        for status, response in responses.items():
            if int(status) >= 400:
                response["content"] = {self.error_type: schema}
            response["headers"] = ON_EVERY_RESPONSE | self._headers(int(status), method, operation)

    def _headers(self, status: int, method: str, operation: Json) -> Json:
        if status in {429, 503}:
            return ON_REFUSALS
        is_answer = method == "post" and any(
            traits.get("answers") and operation["operationId"].endswith(f"_{view}")
            for view, traits in self.declared_traits.items()
        )
        return ON_ANSWERS if is_answer and status == HTTPStatus.OK else {}


def _middleware_statuses(path: str, method: str, operation: Json) -> set[int]:
    """The statuses of responses given before the view is called."""
    statuses = {*ON_EVERY_ROUTE}
    if method != "get":
        statuses.update(ON_UNSAFE_METHODS)
    if "requestBody" in operation:
        statuses.update(ON_BODIES)
    if operation["parameters"]:
        statuses.add(422)
    if "{" in path:
        statuses.add(404)
    return statuses
