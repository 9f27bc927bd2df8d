"""Responses to input that is not valid HTTP.

gunicorn quotes such input in its response and its log. It may contain personal data, so we quote nothing.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from http import HTTPStatus

from gunicorn.http import errors
from gunicorn.util import write_error

from bff.server.deadline_socket import HeadTimeout
from observability import correlation, logs

log = logs.get_logger(__name__)

_STATUSES = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    HeadTimeout: HTTPStatus.REQUEST_TIMEOUT,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    errors.ForbiddenProxyRequest: HTTPStatus.FORBIDDEN,
}


def is_malformed(error: BaseException) -> bool:
    """Whether the client sent invalid HTTP; an invalid response header is an error of our own code."""
    response_errors = (errors.InvalidResponseHeader, errors.InvalidResponseHeaderName, errors.ConfigurationProblem)
    return isinstance(error, errors.ParseException) and not isinstance(error, response_errors)


def refuse(client: socket.socket, error: BaseException) -> None:
    """Send an error status and log it, without quoting the input."""
    status = _STATUSES.get(type(error), HTTPStatus.BAD_REQUEST)
    with correlation.bound(correlation.new()):
        log.warning("Malformed request", status=status.value, code=type(error).__name__)
    with suppress(OSError):
        write_error(client, status.value, status.phrase, "")
