"""HTTP to one AI service: a connection pool, with every wait and every response size limited."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import copy
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Self
from urllib.parse import urljoin, urlsplit

import requests
from django.conf import settings

from chat.upstream.http.adapter import FAILURES, Adapter, translated
from chat.upstream.http.cancel_scope import CancelScope
from chat.upstream.http.endpoint import credentials, url_of
from chat.upstream.http.reply import Reply
from chat.upstream.refusals import Refusal
from chat.upstream.request import AnswerFiltered, CallError, IncompleteResponse, ProtocolError, ResponseBody

BODY_LIMIT = 16 * 1024 * 1024  # decoded bytes; a server-sent event has some 200 bytes for each word of an answer
DRAIN_SECONDS = 0.05
ERROR_BODY_LIMIT = 64 * 1024  # bytes
ERROR_BODY_SECONDS = 0.5
MAX_REDIRECTS = 3


class StatusError(CallError):
    """The service answered with a status other than 2xx. `retry_after` is in seconds, bounded; None when not given.

    `options_named` are the optional fields that it names.
    """

    def __init__(self, status: int, refusal: Refusal, retry_after: float | None) -> None:
        super().__init__(f"http_{status}")
        self.status = status
        self.fault = refusal.fault
        self.cause = refusal.cause
        self.options_named = refusal.options
        self.retry_after = retry_after

    @property
    def may_be_about_options(self) -> bool:
        """Whether the service may refuse the request for its optional fields alone."""
        return self.status in {400, 422} and self.fault == "request"


class Transport:
    """HTTP client for one AI service. One per process, created after the fork.

    It ignores the environment (proxies, netrc) and stores no cookies: a session of `requests` prepares each path's
    request once. The adapter sends it, without the CPU that `Session.post` spends on merging settings and redirects.
    """

    def __init__(self, address: str, api_key: str, *, connections: int, connect_timeout: float) -> None:
        self._address = address
        self._adapter = Adapter(address, connections=connections, connect_timeout=connect_timeout)
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update(
            {
                "User-Agent": "chat-bff",
                "Content-Type": "application/json",
                # A server or proxy that compresses delays words until it has a whole block.
                "Accept-Encoding": "identity",
            }
        )
        self._session.headers.update(credentials(address, api_key))
        self._prepared: dict[str, requests.PreparedRequest] = {}

    def post(self, path: str, body: bytes, headers: Mapping[str, str], scope: CancelScope) -> ReplyBody:
        """Send a request and return the response's bytes as they arrive; `with` releases the connection at its end.

        Raises StatusError, AnswerFiltered, IncompleteResponse, ProtocolError, CallCancelled, or CallError with the code
        `connection`, `read_timeout`, `first_words_timeout` or `deadline`.
        """
        scope.begin_reply()
        reply = self._send_and_follow(self._prepare(path, body, headers), scope)
        response = ReplyBody(reply, scope, self._adapter.release)
        if 200 <= reply.status < 300:
            return response
        with response:
            raise _status_error(reply, response, scope)

    def _prepare(self, path: str, body: bytes, headers: Mapping[str, str]) -> requests.PreparedRequest:
        if path not in self._prepared:
            self._prepared[path] = self._session.prepare_request(requests.Request("POST", url_of(self._address, path)))
        prepared = copy(self._prepared[path])  # its own `copy` makes a cookie jar, too
        prepared.headers = prepared.headers.copy()
        prepared.headers.update(headers)
        prepared.headers["Content-Length"] = str(len(body))
        prepared.body = body
        return prepared

    def _send_and_follow(self, prepared: requests.PreparedRequest, scope: CancelScope) -> Reply:
        """The reply, after redirects within the origin that keep method and body: no key goes anywhere else."""
        reply = self._adapter.send(prepared, scope=scope)
        for _ in range(MAX_REDIRECTS):
            target = _redirect_target(prepared.url or "", reply)
            if not target:
                break
            self._adapter.release(reply)
            prepared.url = target
            reply = self._adapter.send(prepared, scope=scope)
        return reply


class ReplyBody(ResponseBody):
    """The body of a reply as it arrives: all bytes received so far are one chunk, however finely they were sent."""

    def __init__(self, reply: Reply, scope: CancelScope, release: Callable[[Reply], None]) -> None:
        self._reply = reply
        self._scope = scope
        self._release = release
        self._read_timeout = scope.read_timeout
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        try:
            if error is None:
                self._read_rest()
        finally:
            self._release(self._reply)

    def __next__(self) -> bytes:
        try:
            data = self._reply.read()
        except zlib.error as error:
            raise ProtocolError("not_decodable") from error
        except FAILURES as error:
            raise translated(error, self._scope, otherwise=IncompleteResponse()) from error
        if not data:
            raise StopIteration
        self._size += len(data)
        if self._size > BODY_LIMIT:
            raise ProtocolError("too_large")
        return data

    def limit_wait(self, seconds: float) -> None:
        self._scope.read_timeout = min(seconds, self._read_timeout)

    def _read_rest(self) -> None:
        """Read to the end, if that arrives in time: else the connection can't be used again."""
        self._scope.read_timeout = DRAIN_SECONDS
        with suppress(CallError):
            next(self, None)
        if not self._reply.is_complete:
            self._reply.take_arrived()  # in a busy worker the end may wait beside the timer


def _status_error(reply: Reply, response: ReplyBody, scope: CancelScope) -> CallError:
    """The error for a status other than 2xx. Reads its body as long as it keeps arriving: some codes are in it."""
    body = bytearray()
    scope.read_timeout = ERROR_BODY_SECONDS
    with suppress(CallError):
        for chunk in response:
            body += chunk
            if len(body) > ERROR_BODY_LIMIT:
                break
    refusal = Refusal.of(reply.status, bytes(body))
    if refusal.fault == "filtered":
        return AnswerFiltered()
    return StatusError(reply.status, refusal, _retry_after(reply.headers.get("retry-after")))


def _redirect_target(url: str, reply: Reply) -> str:
    """Where a 307 or 308 within the same origin leads; empty for every other response."""
    if reply.status not in {307, 308}:
        return ""
    try:
        target = urljoin(url, reply.headers.get("location", ""))
        here, there = urlsplit(url), urlsplit(target)
        is_same = (here.scheme, here.hostname, here.port) == (there.scheme, there.hostname, there.port)
    except ValueError:
        return ""
    return target if is_same and "@" not in there.netloc and target != url else ""


def _retry_after(header: str | None) -> float | None:
    """The header's wait in seconds from now; None when missing or malformed.

    At most BREAKER_OPEN_MAX_SECONDS, because people are shown this time.
    """
    seconds = None if header is None else _parse_retry_after(header)
    return None if seconds is None else min(seconds, settings.BREAKER_OPEN_MAX_SECONDS)


def _parse_retry_after(header: str) -> float | None:
    """Seconds from now, of either form of the header (RFC 9110, 10.2.3)."""
    if re.fullmatch("[0-9]{1,20}", header.strip()):
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - time.time())
