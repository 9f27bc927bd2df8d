"""The reply to one HTTP request: bytes from a connection, parsed as they arrive."""

from __future__ import annotations

import httptools

from chat.upstream.http.cancel_scope import CancelScope
from chat.upstream.http.connection import Connection
from chat.upstream.http.decompressor import Decompressor

RECEIVE_SIZE = 16 * 1024
MAX_INTERIM_REPLIES = 20
HEAD_LIMIT = 64 * 1024  # bytes of one header, and of a head before it is complete
COMPRESSIONS = frozenset(["gzip", "x-gzip", "deflate"])
# What servers and proxies get wrong without harm.
LENIENCIES = dict.fromkeys(
    (
        "lenient_headers",
        "lenient_chunked_length",
        "lenient_transfer_encoding",
        "lenient_version",
        "lenient_optional_lf_after_cr",
        "lenient_optional_cr_before_lf",
        "lenient_optional_crlf_after_chunk",
        "lenient_spaces_after_chunk_size",
    ),
    True,
)


class BrokenReply(Exception):
    """The bytes are not HTTP, or they end too early."""


class Reply:
    """The status and headers of a reply, after `begin`; its body, by `read`, until `is_complete`.

    Header names are in lower case.

    The methods whose names begin with `on_` are called by the parser.
    """

    def __init__(self, connection: Connection, scope: CancelScope) -> None:
        self.connection = connection
        self.status = 0
        self.headers: dict[str, str] = {}
        self.is_cut = False  # the connection has ended before the first byte, as `take_arrived` has found
        self._scope = scope
        self._has_head = self.is_complete = self._is_reusable = False
        self._interim_replies = self._head_size = 0
        self._body: list[bytes] = []
        self._break: BrokenReply | None = None
        self._decoder: Decompressor | None = None
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(**LENIENCIES)
        self.resume()

    def resume(self) -> None:
        """Let the scope limit this reply, again after another one."""
        self._scope.attach(self.connection.socket)
        self._scope.watch()

    def begin(self) -> None:
        """Wait for the head. Raises BrokenReply, or what CancelScope.receive raises."""
        while not self._has_head:
            if self.is_cut or self._head_size > HEAD_LIMIT:
                raise BrokenReply
            data = self._scope.receive(self.connection.socket, RECEIVE_SIZE)
            self._head_size += len(data)
            self._feed(data)

    def take_arrived(self, within_seconds: float = 0) -> bool:
        """Take the bytes that arrive in time; False if there are none and the connection is open. 0 never blocks."""
        data = self.connection.receive_within(within_seconds, RECEIVE_SIZE)
        if data is None:
            return False
        try:
            self._feed(data)
        except BrokenReply:
            self.is_cut = True
        return True

    def has_come_early(self) -> bool:
        """Whether the head has arrived although the request could not be sent to its end. Never blocks.

        A server may refuse a request, such as one that is too large, before it has read all of it, and close. A 408 is
        not about this request: it ends an idle connection.
        """
        while not (self._has_head or self.is_cut) and self.take_arrived():
            pass
        self._is_reusable = False
        return self._has_head and self.status != 408

    def read(self) -> bytes:
        """The bytes of the body that have arrived, at least one; b"" at its end. Raises as `begin`, or zlib.error."""
        if self._decoder is None:
            return self._read_body()
        decoded = b""
        while not decoded and (data := self._decoder.rest or self._read_body()):
            decoded = self._decoder.decode(data)
        return decoded

    def _read_body(self) -> bytes:
        while not self._body:
            if self.is_complete:
                return b""
            if self._break is not None:
                raise self._break
            self._feed(self._scope.receive(self.connection.socket, RECEIVE_SIZE))
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body.clear()
        return body

    def close(self) -> bool:
        """Let go of the connection. Returns whether another request may be sent on it; else it is closed."""
        self._parser = None  # break the reference cycle: only the garbage collector would free the two
        self._scope.detach(self.connection.socket)
        if not (self.is_complete and self._is_reusable):
            self.connection.close()
            return False
        return True

    def on_message_begin(self) -> None:
        if self.is_complete:
            raise BrokenReply  # bytes follow that were not asked for

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(name) + len(value) > HEAD_LIMIT:
            raise BrokenReply
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        self.status = self._parser.get_status_code()
        if self.status in {100, *range(102, 200)}:
            return
        self._has_head = True
        self._is_reusable = self._parser.should_keep_alive()
        codings = ",".join(self.headers.get(name, "") for name in ("content-encoding", "transfer-encoding"))
        if not COMPRESSIONS.isdisjoint(coding.strip().lower() for coding in codings.split(",")):
            self._decoder = Decompressor()

    def on_body(self, data: bytes) -> None:
        self._body.append(data)

    def on_message_complete(self) -> None:
        if self._has_head:
            self.is_complete = True
            return
        self.headers.clear()
        self._interim_replies += 1
        if self._interim_replies > MAX_INTERIM_REPLIES:
            raise BrokenReply

    def _feed(self, data: bytes) -> None:
        if not data:
            self._end()
            return
        assert self._parser is not None
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # to another protocol, which was not asked for
            self.is_complete, self._is_reusable = True, False
        except httptools.HttpParserError as error:
            self._is_reusable = False
            if not self.is_complete:
                self._fail(error)

    def _fail(self, error: Exception | None) -> None:
        """Raise BrokenReply, or let `read` raise it after the body so far."""
        if not self._has_head:
            raise BrokenReply from error
        self._break = BrokenReply()

    def _end(self) -> None:
        """The connection has ended, and with it a body of unknown length. Any other one is broken off."""
        coding = self.headers.get("transfer-encoding", "").lower()
        if not self._has_head or "content-length" in self.headers or "chunked" in coding:
            self._fail(None)
        else:
            self.is_complete, self._is_reusable = True, False
