"""Decompresses a body that was compressed unasked."""

from __future__ import annotations

import zlib

DECODED_SIZE = 64 * 1024
GZIP_OR_ZLIB = 47  # zlib's window bits: the format is known by its head


class Decompressor:
    """`rest`: input not decoded yet; output is bounded per call (zip bombs)."""

    def __init__(self) -> None:
        self.rest = b""
        self._stream = zlib.decompressobj(GZIP_OR_ZLIB)
        self._has_ended_once = False

    def decode(self, data: bytes) -> bytes:
        """At most DECODED_SIZE decoded bytes, maybe none. Raises zlib.error."""
        if self._stream.eof:  # servers that flush each event compress each for itself
            self._stream, self._has_ended_once = zlib.decompressobj(GZIP_OR_ZLIB), True
        try:
            decoded = self._stream.decompress(data, DECODED_SIZE)
        except zlib.error:
            if not self._has_ended_once:
                raise
            self.rest = b""  # padding
            return b""
        self.rest = self._stream.unconsumed_tail or self._stream.unused_data
        return decoded
