"""One format for all errors: RFC 9457 problem details, or OpenAI's error object on its routes."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.views import defaults
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from pydantic import BaseModel

from bff.http.request_bodies import OutOfMemory
from chat.api import schemas
from chat.history.claims import ClaimedByAnother
from chat.history.conversations import UnknownConversation
from chat.pipeline.conversation_control import NotAllDeleted
from chat.storage.db_executor import is_read_only
from observability import correlation, logs
from observability.routes import route_of

log = logs.get_logger(__name__)

# What people may read is in their language. What only a program can cause, such as a wrong media type, is English.
INCOMPLETE = _("The request's body did not arrive in time.")
BUSY = _("Too many large documents are being sent to this server. Try again in a few seconds.")
NOT_ALL_DELETED = _("A part could not be deleted just now; please ask again in a moment.")
CLAIMED = _("These conversations belong to somebody else by now.")
TOO_LARGE = _("The request is larger than 512 KB. A larger document may be sent as a file, in a form.")
INVALID = _("Some fields are not valid.")
NO_HISTORY = _("The history is not available just now.")
UNEXPECTED = _("Something went wrong on our side.")
# The messages of a field by pydantic's type of the error. No text has another minimum than one character.
INVALID_TEXTS = {
    "string_too_long": _("This text is too long: it may have {max_length} characters at most."),
    "string_too_short": _("This text is empty."),
}
DEFAULT_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "5"}}
# `error.code` in a problem, unless the error has a code of its own.
CODES = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "rate_limited",
    503: "unavailable",
}
OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


def problem(
    request: HttpRequest,
    status: int,
    detail: str | Promise = "",
    *,
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """The error response. `errors` lists invalid fields as `{field, message}`, without the values sent.

    Lazy texts are translated into the person's language; in OpenAI's format they stay English.
    """
    if route_of(request).error_format == "openai":
        with translation.override(None):
            return _openai_response(status, str(detail), errors, headers)
    with in_language_of(request):
        return _problem_response(status, str(detail), errors, headers)


def _openai_response(
    status: int, detail: str, errors: Sequence[Mapping[str, Any]], headers: Mapping[str, str] | None
) -> HttpResponse:
    title = HTTPStatus(status).phrase
    status = 400 if status == 422 else status  # OpenAI's clients raise BadRequestError for 400
    return JsonResponse(_openai_error(status, detail or title, errors), status=status, headers=headers)


def _problem_response(
    status: int, detail: str, errors: Sequence[Mapping[str, Any]], headers: Mapping[str, str] | None
) -> HttpResponse:
    title = HTTPStatus(status).phrase
    code = next((error["code"] for error in errors if "code" in error), CODES.get(status, "error"))
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail or title,
        "correlationId": correlation.current(),
        # For clients that read `error.message`; RFC 9457 allows members of one's own.
        "error": {"code": code, "message": detail or title},
    }
    if errors:
        body["errors"] = [{**error, "message": str(error["message"])} for error in errors]
    return JsonResponse(body, status=status, headers=headers, content_type="application/problem+json")


def unreadable_body(request: HttpRequest, error: UnreadablePostError | type[UnreadablePostError]) -> HttpResponse:
    """408 for a body that did not arrive, 503 for one for which there was no memory."""
    assert isinstance(error, UnreadablePostError)
    cause = error.__cause__
    if isinstance(cause, UnreadablePostError):  # `HttpRequest.body` raises that of `HttpRequest.read` again
        cause = cause.__cause__
    if isinstance(cause, OutOfMemory):
        return problem(request, 503, BUSY, headers=DEFAULT_HEADERS[503])
    return problem(request, 408, INCOMPLETE)


def refusal(
    request: HttpRequest,
    status: int,
    detail: str | Promise,
    headers: Mapping[str, str] | None = None,
    **context: object,
) -> HttpResponse:
    """A problem, or where people read the response, the page of this status in their language, with this context."""
    if route_of(request).error_format != "html":
        return problem(request, status, detail, headers=headers)
    with in_language_of(request):
        page = render_to_string(f"{status}.html", context, request)
    return HttpResponse(page, status=status, headers=headers)


def in_language_of(request: HttpRequest) -> AbstractContextManager[None]:
    """Translates into the person's language outside of LocaleMiddleware, which runs further in."""
    return translation.override(translation.get_language_from_request(request))


def too_many_requests(
    request: HttpRequest,
    retry_after: int,
    detail: str | Promise,
    headers: Mapping[str, str] | None = None,
    **context: object,
) -> HttpResponse:
    """429 with `Retry-After` (seconds). The page takes an `explanation`."""
    headers = {"Retry-After": str(retry_after), **(headers or {})}
    return refusal(request, 429, detail, headers, retry_after=retry_after, **context)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler for an error that no view expected.

    A page that needs the database while it is unavailable, such as the admin's, is a 503 that says so. Answers of the
    API stay a 500 here: RescueMiddleware replaces them.
    """
    if _is_database_unavailable(sys.exc_info()[1]) and route_of(request).error_format == "html":
        return refusal(request, 503, "", DEFAULT_HEADERS[503])
    return defaults.server_error(request)


def _is_database_unavailable(error: BaseException | None) -> bool:
    return isinstance(error, OperationalError) or is_read_only(error)


def _openai_error(status: int, message: str, errors: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    kind = OPENAI_TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    param = errors[0]["field"] if errors else None
    if errors:
        message = f"{param}: {errors[0]['message']}"
    return {"error": {"message": message, "type": kind, "param": param, "code": None}}


class ProblemMiddleware:
    """Reformats errors of Django and ninja: unknown path, method not allowed, malformed form."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_html = route_of(request).error_format == "html"
        if response.status_code >= 400 and not is_html and isinstance(response, HttpResponse):
            _reformat(request, response)
        return response


def _reformat(request: HttpRequest, response: HttpResponse) -> None:
    """Replace the body and keep other headers, such as `Allow`, cookies and those of inner middlewares."""
    if "json" in response.get("Content-Type", ""):
        return
    reformatted = problem(request, response.status_code)
    response.content = reformatted.content
    response["Content-Type"] = reformatted["Content-Type"]
    response["Content-Length"] = str(len(reformatted.content))


def install(api: NinjaAPI) -> None:
    """Register handlers for all errors of `api`."""
    api.add_exception_handler(ValidationError, _validation_error)
    api.add_exception_handler(HttpError, _http_error)
    api.add_exception_handler(Http404, lambda request, error: problem(request, 404))
    api.add_exception_handler(UnknownConversation, lambda request, error: problem(request, 404))
    api.add_exception_handler(
        NotAllDeleted, lambda request, error: problem(request, 503, NOT_ALL_DELETED, headers=DEFAULT_HEADERS[503])
    )
    api.add_exception_handler(ClaimedByAnother, lambda request, error: problem(request, 409, CLAIMED))
    api.add_exception_handler(PermissionDenied, lambda request, error: problem(request, 403))
    api.add_exception_handler(RequestDataTooBig, lambda request, error: problem(request, 413, TOO_LARGE))
    api.add_exception_handler(UnreadablePostError, unreadable_body)
    api.add_exception_handler(
        MultiPartParserError, lambda request, error: problem(request, 400, "The form can't be read.")
    )
    api.add_exception_handler(DatabaseError, _database_error)
    api.add_exception_handler(SuspiciousOperation, lambda request, error: problem(request, 400))
    api.add_exception_handler(Exception, _unexpected)


def _http_error(request: HttpRequest, error: HttpError | type[HttpError]) -> HttpResponse:
    assert isinstance(error, HttpError)
    # Raisers may attach `errors` (invalid fields) and `headers` (such as Retry-After).
    errors, headers = getattr(error, "errors", ()), getattr(error, "headers", DEFAULT_HEADERS.get(error.status_code))
    return problem(request, error.status_code, error.message, errors=errors, headers=headers)


def _validation_error(request: HttpRequest, error: ValidationError | type[ValidationError]) -> HttpResponse:
    assert isinstance(error, ValidationError)
    errors = [{"field": _field(row["loc"]), "message": _message(row)} for row in error.errors]
    return problem(request, 422, INVALID, errors=errors)


def _message(row: Mapping[str, Any]) -> str | Promise:
    if text := INVALID_TEXTS.get(row.get("type", "")):
        return format_lazy(text, **row["ctx"])
    return str(row["msg"])


def _field(location: Sequence[Any]) -> str:
    """`body.payload.message` → `message`: without the names of our parameters and types.

    Names chosen by the client, such as keys of `context` or unknown fields, are left out: they may be personal data.
    """
    parts = [str(part) for part in location[2:] if isinstance(part, int) or part in _field_names()]
    return ".".join(parts) or str(location[-1] if len(location) <= 2 else location[0])


@functools.cache
def _field_names() -> frozenset[str]:
    """The field names of all request and response schemas, as in JSON."""
    models: list[type[BaseModel]] = [schemas.Shape]
    for model in models:
        models += model.__subclasses__()
    return frozenset(field.alias or name for model in models for name, field in model.model_fields.items())


def _database_error(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    assert isinstance(error, DatabaseError)
    if not _is_database_unavailable(error):
        return _unexpected(request, error)
    log.warning("History is not available", code=type(error).__name__)
    return problem(request, 503, NO_HISTORY, headers=DEFAULT_HEADERS[503])


def _unexpected(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    log.error("Request failed", exc_info=error)
    return problem(request, 500, UNEXPECTED)
