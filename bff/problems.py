"""One shape for every error: RFC 9457 problem details; on /v1/ the error object that OpenAI's clients know."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.module_loading import import_string
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from pydantic import BaseModel

from bff.pages import speaks_json
from observability import correlation, logs

log = logs.get_logger(__name__)

TOO_LARGE = "The request is larger than 512 KB. A larger document may be sent as a file, in a form."
WHAT_TO_DO = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "5"}}
OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


def problem(
    request: HttpRequest,
    status: int,
    detail: str = "",
    *,
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """The error as JSON. `errors` lists what is wrong with the input, `{field, message}` each, never the input."""
    title = HTTPStatus(status).phrase
    if request.path.startswith("/v1/"):
        status = 400 if status == 422 else status  # which OpenAI's clients know as their BadRequestError
        body = _openai(status, detail or title, errors)
        return JsonResponse(body, status=status, headers=headers)
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail or title,
        "correlationId": correlation.current(),
    }
    if errors:
        body["errors"] = list(errors)
    return JsonResponse(body, status=status, headers=headers, content_type="application/problem+json")


def _openai(status: int, message: str, errors: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    kind = OPENAI_TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    param = errors[0]["field"] if errors else None
    if errors:
        message = f"{param}: {errors[0]['message']}"
    return {"error": {"message": message, "type": kind, "param": param, "code": None}}


class ProblemMiddleware:
    """Gives this shape to what Django and ninja answer in theirs: an unknown address, a wrong method, a broken form."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code >= 400 and speaks_json(request) and isinstance(response, HttpResponse):
            _shape(request, response)
        return response


def _shape(request: HttpRequest, response: HttpResponse) -> None:
    """Its headers stay: `Allow`, cookies and what the layers within have added."""
    if "json" in response.get("Content-Type", ""):
        return
    shaped = problem(request, response.status_code)
    response.content = shaped.content
    response["Content-Type"] = shaped["Content-Type"]
    response["Content-Length"] = str(len(shaped.content))


def install(api: NinjaAPI) -> None:
    """Let every error of `api` end in this shape."""
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(HttpError, _refused)
    api.add_exception_handler(Http404, lambda request, error: problem(request, 404))
    api.add_exception_handler(PermissionDenied, lambda request, error: problem(request, 403))
    api.add_exception_handler(RequestDataTooBig, lambda request, error: problem(request, 413, TOO_LARGE))
    api.add_exception_handler(
        MultiPartParserError, lambda request, error: problem(request, 400, "The form can't be read.")
    )
    api.add_exception_handler(OperationalError, _history_away)
    api.add_exception_handler(SuspiciousOperation, lambda request, error: problem(request, 400))
    api.add_exception_handler(Exception, _crash)


def _refused(request: HttpRequest, error: HttpError | type[HttpError]) -> HttpResponse:
    assert isinstance(error, HttpError)
    # A refusal that can say more brings it along: what is wrong with which field, and when to come back.
    errors, headers = getattr(error, "errors", ()), getattr(error, "headers", WHAT_TO_DO.get(error.status_code))
    return problem(request, error.status_code, str(error), errors=errors, headers=headers)


def _invalid(request: HttpRequest, error: ValidationError | type[ValidationError]) -> HttpResponse:
    assert isinstance(error, ValidationError)
    found = [{"field": _field(row["loc"]), "message": str(row["msg"])} for row in error.errors]
    return problem(request, 422, "Some fields are not valid.", errors=found)


def _field(location: Sequence[Any]) -> str:
    """`body.payload.message` → `message`: the client knows nothing of our parameters and types.

    What the client itself has named, a fact of its context or a field that we don't know, is not repeated: such a name
    may be anything.
    """
    told = [str(part) for part in location[2:] if isinstance(part, int) or part in _field_names()]
    return ".".join(told) or str(location[-1] if len(location) <= 2 else location[0])


@functools.cache
def _field_names() -> frozenset[str]:
    """All that our schemas know, as clients write them."""
    schemas: list[type[BaseModel]] = [import_string("chat.schemas.Shape")]  # by name: see bff.auth
    for schema in schemas:
        schemas += schema.__subclasses__()
    return frozenset(field.alias or name for schema in schemas for name, field in schema.model_fields.items())


def _history_away(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    log.warning("History is not available", code=type(error).__name__)
    return problem(request, 503, "The history is not available just now.", headers=WHAT_TO_DO[503])


def _crash(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    log.error("Request failed", exc_info=error)
    return problem(request, 500, "Something went wrong on our side.")
