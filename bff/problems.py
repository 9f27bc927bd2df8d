"""One shape for every error: RFC 9457 problem details; on /v1/ the error object that OpenAI's clients know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views import defaults
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from bff.pages import is_api
from observability import correlation, logs

log = logs.get_logger(__name__)

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


def install(api: NinjaAPI) -> None:
    """Let every error of `api` end in this shape."""
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(HttpError, _refused)
    api.add_exception_handler(Http404, lambda request, error: problem(request, 404))
    api.add_exception_handler(PermissionDenied, lambda request, error: problem(request, 403))
    api.add_exception_handler(
        RequestDataTooBig, lambda request, error: problem(request, 413, "The request is too large.")
    )
    api.add_exception_handler(OperationalError, _history_away)
    api.add_exception_handler(SuspiciousOperation, lambda request, error: problem(request, 400))
    api.add_exception_handler(Exception, _crash)


def _refused(request: HttpRequest, error: HttpError | type[HttpError]) -> HttpResponse:
    assert isinstance(error, HttpError)
    return problem(request, error.status_code, str(error))


def _invalid(request: HttpRequest, error: ValidationError | type[ValidationError]) -> HttpResponse:
    assert isinstance(error, ValidationError)
    found = [{"field": _field(row["loc"]), "message": str(row["msg"])} for row in error.errors]
    return problem(request, 422, "Some fields are not valid.", errors=found)


def _field(location: Sequence[Any]) -> str:
    """`body.payload.message` → `message`: the client knows nothing of our parameter names."""
    return ".".join(str(part) for part in location[2:]) or str(location[-1])


def _history_away(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    log.warning("History is not available", code=type(error).__name__)
    return problem(request, 503, "The history is not available just now.", headers={"Retry-After": "5"})


def _crash(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    log.error("Request failed", exc_info=error)
    return problem(request, 500, "Something went wrong on our side.")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return problem(request, 400) if is_api(request) else defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return problem(request, 403) if is_api(request) else defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return problem(request, 404) if is_api(request) else defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    return problem(request, 500) if is_api(request) else defaults.server_error(request)
