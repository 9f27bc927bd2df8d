"""HTTP to the AI service: one pool of connections, every wait and every reply bounded, nothing else remembered."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, cast

import requests
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError

from chat.upstream.exchange import CallError, CutError, ProtocolError
from chat.upstream.line import HangUpError, Line
from chat.upstream.sockets import Call, PatientAdapter, serving

BODY_LIMIT = 16 * 1024 * 1024  # decoded bytes; server-sent events wrap each word of an answer into some 200
READ_SIZE = 64 * 1024
DRAIN_SECONDS = 0.05

_LIBRARY_ERRORS = (requests.RequestException, HTTPError, http.client.HTTPException, OSError, ValueError)


class StatusError(CallError):
    """The service answered, but not with 2xx. `retry_after` is in seconds, None where it did not say."""

    def __init__(self, status: int, retry_after: float | None) -> None:
        super().__init__(f"http_{status}")
        self.status = status
        self.retry_after = retry_after

    @property
    def is_rejection(self) -> bool:
        """Whether this very request is to blame, and not the service or the moment."""
        return 400 <= self.status < 500 and self.status not in {408, 425, 429}


class Transport:
    """The way to one AI service; one for each process, made after the fork.

    Nothing from the environment gets in (proxies, netrc) and no cookie stays: requests are prepared once a path, and
    sent by the adapter itself. That also spares the CPU that `Session.post` spends on merging settings and redirects.
    """

    def __init__(self, address: str, api_key: str, *, connections: int, connect_timeout: float) -> None:
        self._address = address
        self._connect_timeout = connect_timeout
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount(address, PatientAdapter(pool_connections=1, pool_maxsize=connections))
        self._session.headers.update(
            {
                "User-Agent": "chat-bff",
                "Content-Type": "application/json",
                # A server or proxy that compresses holds words back until it has a block of them.
                "Accept-Encoding": "identity",
            }
        )
        if api_key:
            self._session.headers["Authorization"] = f"Bearer {api_key}"
        self._prepared: dict[str, requests.PreparedRequest] = {}

    @contextmanager
    def post(self, path: str, body: bytes, headers: Mapping[str, str], line: Line) -> Iterator[Iterator[bytes]]:
        """Send, and give the reply's bytes as they arrive; the connection is free at the end of the block.

        Raises StatusError, CutError, ProtocolError, HangUpError, else CallError with the code `connection`,
        `read_timeout` or `deadline`.
        """
        with serving(line) as call:
            reply = self._send(self._request(path, body, headers), line)
        with _freed(reply):
            if not 200 <= reply.status < 300:
                raise StatusError(reply.status, _retry_after(reply.headers.get("Retry-After")))
            pieces = _pieces(reply, call)
            yield pieces
            # Read the reply's very end too, so that the connection can serve again – if that comes at once.
            line.read_timeout = DRAIN_SECONDS
            with suppress(CallError):
                next(pieces, None)

    def _request(self, path: str, body: bytes, headers: Mapping[str, str]) -> requests.PreparedRequest:
        if path not in self._prepared:
            self._prepared[path] = self._session.prepare_request(requests.Request("POST", self._address + path))
        request = self._prepared[path].copy()
        request.headers.update(headers)
        request.headers["Content-Length"] = str(len(body))
        request.body = body
        return request

    def _send(self, request: requests.PreparedRequest, line: Line) -> BaseHTTPResponse:
        try:
            patience = line.patience()
            timeout = (min(self._connect_timeout, patience), patience)
            reply: Any = self._session.get_adapter(self._address).send(request, stream=True, timeout=timeout)
        except _LIBRARY_ERRORS as error:
            raise _in_our_words(error, line, otherwise=CallError("connection")) from error
        return cast("BaseHTTPResponse", reply)  # see PatientAdapter


@contextmanager
def _freed(reply: BaseHTTPResponse) -> Iterator[None]:
    """At the end its connection is the pool's again; closed, if it has not been read to its end."""
    try:
        yield
    finally:
        reply.close()
        reply.release_conn()


def _pieces(raw: BaseHTTPResponse, call: Call) -> Iterator[bytes]:
    """The reply as it arrives: all that has come in is one piece, however finely it was sent."""
    read, held = _checked(_reader_of(raw, call), call.line), list[bytes]()
    try:
        while data := read():
            held.append(data)
            if not (call.reader and call.reader.has_more()):
                yield b"".join(held)
                held.clear()
    except CallError:
        if held:
            yield b"".join(held)
        raise
    if held:
        yield b"".join(held)


def _checked(read: Callable[[int], bytes], line: Line) -> Callable[[], bytes]:
    """Reads so, within our limit and with our errors."""
    size = 0

    def checked() -> bytes:
        nonlocal size
        try:
            data = read(READ_SIZE)
        except DecodeError as error:
            raise ProtocolError("not_decodable") from error
        except _LIBRARY_ERRORS as error:
            raise _in_our_words(error, line, otherwise=CutError()) from error
        size += len(data)
        if size > BODY_LIMIT:
            raise ProtocolError("too_large")
        return data

    return checked


def _reader_of(raw: BaseHTTPResponse, call: Call) -> Callable[[int], bytes]:
    """Reads what has arrived, nothing at the end.

    A stream comes in chunks that are not compressed: urllib3's buffers and decoders would cost a third of reading it.
    """
    response = call.response
    if response is None or not response.chunked or "Content-Encoding" in raw.headers:
        return partial(raw.read1, decode_content=True)

    def read(size: int) -> bytes:
        data = response.read1(size)
        if not data:
            raw.release_conn()
        return data

    return read


def _in_our_words(error: Exception, line: Line, otherwise: CallError) -> CallError:
    """Our word for what a library raised."""
    if line.left.is_set():
        return HangUpError()
    if line.deadline.left() <= 0:
        return CallError("deadline")
    if line.has_expired or isinstance(error, requests.ReadTimeout | ReadTimeoutError | TimeoutError):
        return CallError("read_timeout")
    return otherwise


def _retry_after(header: str | None) -> float | None:
    """Seconds from now, of either form of the header (RFC 9110, 10.2.3); None when there is none to understand."""
    if header is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", header.strip()):
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - time.time())
