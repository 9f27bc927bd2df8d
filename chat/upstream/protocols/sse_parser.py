"""Parses server-sent events by the rules of the WHATWG HTML standard (section 9.2.6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from chat.upstream.request import ProtocolError

BOM = b"\xef\xbb\xbf"
EVENT_LIMIT = 1024 * 1024  # bytes


class ServerSentEvent(NamedTuple):
    """`name` is the `event` field, empty where there is none."""

    name: bytes
    data: bytes


class SSEParser:
    """Bytes become lines before they become text: a piece may end within a character.

    Lines end in LF, CR or CRLF. Comments, ids, unknown fields and lines without a colon are skipped. An `error` field,
    which the standard does not know, makes an event of that name.
    """

    def __init__(self) -> None:
        self.has_data = False  # False: this is not an event stream
        self._is_first_line = True
        self._ended_in_cr = False
        self._rest = b""  # bytes of the incomplete last line
        self._name = b""
        self._data: list[bytes] = []

    @property
    def is_between_events(self) -> bool:
        """Whether an event ended with the last piece, and it was not the first one."""
        return self.has_data and not (self._rest or self._data or self._name or self._ended_in_cr)

    def feed(self, piece: bytes) -> Iterator[ServerSentEvent]:
        """The events that this piece completes. Raises ProtocolError for one that is too large."""
        if self._ended_in_cr or b"\r" in piece:
            piece = self._with_line_feeds(piece)
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            if line:
                self._add(line)
            else:
                yield from self._dispatch()
        if len(self._rest) + sum(map(len, self._data)) > EVENT_LIMIT:
            raise ProtocolError("too_large")

    def close(self) -> Iterator[ServerSentEvent]:
        """The last event, also if the blank line that should end it is missing."""
        if self._rest:
            self._add(self._rest)
        self._rest = b""
        yield from self._dispatch()

    def _add(self, line: bytes) -> None:
        if self._is_first_line:
            self._is_first_line = False
            line = line.removeprefix(BOM)
        field, _, value = line.partition(b":")
        if field == b"data":
            self.has_data = True
            self._data.append(value.removeprefix(b" "))
        elif field == b"event":
            self._name = value.strip()
        elif field == b"error":  # llama.cpp's own
            self._name = b"error"

    def _dispatch(self) -> Iterator[ServerSentEvent]:
        if self._data or self._name:
            event = ServerSentEvent(self._name, b"\n".join(self._data))
            self._name = b""
            self._data.clear()
            yield event

    def _with_line_feeds(self, piece: bytes) -> bytes:
        if self._ended_in_cr:
            piece = piece.removeprefix(b"\n")
        self._ended_in_cr = piece.endswith(b"\r")
        return piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
