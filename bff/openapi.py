"""The API's own description, made whole: what the layers around the routes answer, and in which shape.

A route declares what it answers itself (200, 404, 409 …). Who is calling, how often and with what kind of body is
decided before it: those answers, the shapes of errors and the ways to say who one is are added here, to every route.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
PROBLEM: Json = {
    "title": "Problem",
    "description": "RFC 9457. `errors` tells which fields are wrong, and never repeats what was sent.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "correlationId"],
    "properties": {
        **dict.fromkeys(["type", "title", "detail", "correlationId"], TEXT),
        "status": {"type": "integer"},
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
EVERYWHERE = (401, 429, 503)
FOR_CHANGES = (403, 415)
WITH_BODY = (400, 413, 422)
SECURITY: Json = {
    "person": {
        "type": "http",
        "scheme": "bearer",
        "description": "A Supabase access token, or an API key (`bff_…`).",
    },
    "visitor": {
        "type": "apiKey",
        "in": "cookie",
        "name": "visitor",
        "description": "Set by the first answer, where visitors are allowed. Changes then also want `X-CSRFToken`.",
    },
}


class Api(NinjaAPI):
    """A NinjaAPI that describes its errors: `error` is their shape, `error_type` their media type."""

    def __init__(self, *, error: Json, error_type: str, **options: Any) -> None:
        super().__init__(**options)
        self.error, self.error_type = error, error_type

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        schema["components"]["schemas"][self.error["title"]] = self.error
        schema["components"]["securitySchemes"] = SECURITY
        for path, methods in schema["paths"].items():
            for method, operation in methods.items():
                self._complete(path, method, operation)
        return schema

    def _complete(self, path: str, method: str, operation: Json) -> None:
        operation["security"] = [{"person": []}, {"visitor": []}, {}]
        answers = operation["responses"]
        for status in _around(path, method, operation):
            answers.setdefault(status, {"description": HTTPStatus(status).phrase})
        shape = {"schema": {"$ref": f"#/components/schemas/{self.error['title']}"}}
        for status, answer in answers.items():
            if int(status) >= 400:
                answer["content"] = {self.error_type: shape}


def _around(path: str, method: str, operation: Json) -> set[int]:
    """What may be answered before the route is reached."""
    statuses = {*EVERYWHERE}
    if method != "get":
        statuses.update(FOR_CHANGES)
    if "requestBody" in operation:
        statuses.update(WITH_BODY)
    if operation["parameters"]:
        statuses.add(422)
    if "{" in path:
        statuses.add(404)
    return statuses
