"""What is no HTTP request. gunicorn quotes it, to the client and in its log; it may hold anything, so we don't."""

from __future__ import annotations

import socket
from contextlib import suppress
from http import HTTPStatus

from gunicorn.http import errors
from gunicorn.util import write_error

from observability import correlation, logs

log = logs.get_logger(__name__)

_STATUSES = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    errors.ForbiddenProxyRequest: HTTPStatus.FORBIDDEN,
}


def is_malformed(error: BaseException) -> bool:
    """Whether the client is to blame; a header that our own code got wrong is another matter."""
    ours = (errors.InvalidResponseHeader, errors.InvalidResponseHeaderName, errors.ConfigurationProblem)
    return isinstance(error, errors.ParseException) and not isinstance(error, ours)


def refuse(client: socket.socket, error: BaseException) -> None:
    """Say that it can't be read, and nothing of what it was."""
    status = _STATUSES.get(type(error), HTTPStatus.BAD_REQUEST)
    with correlation.bound(correlation.new()):
        log.warning("Malformed request", status=status.value, code=type(error).__name__)
    with suppress(OSError):
        write_error(client, status.value, status.phrase, "")
