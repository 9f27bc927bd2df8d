"""Request bodies before Django reads them: those without a Content-Length, and the memory that large ones take.

Bodies are kept in memory, because others on this machine might read a file. Without a limit for all of them together a
few hundred clients that send slowly would fill it.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import IO, Any, NoReturn

from django.conf import settings

from bff.client_address import client_address, networks_of

FORM_OVERHEAD = 64 * 1024  # the other fields and the boundaries of a form with a file
PIECE = 64 * 1024
LARGE = 64 * 1024  # smaller bodies are not counted
# Documents of DOCUMENT_MAX_MB that a process holds at the same time.
LARGEST_DOCUMENTS = 8
# The share for bodies without a length: they are read before the limits of their sender are known.
SHARE_WITHOUT_LENGTH = 0.5
SHARE_OF_NETWORK = 0.5  # of an IPv4 address or an IPv6 /64

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


class OutOfMemory(OSError):
    """Too many large bodies are in memory: the client may try again. Django raises it as UnreadablePostError."""


class BodyMemory:
    """Counts the bytes of large bodies until their requests have been answered, in this process."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()  # by network
        # Reentrant: the garbage collector may close a response while this thread has it.
        self._lock = threading.RLock()

    def take(self, size: int, network: str, share: float) -> None:
        """Raises OutOfMemory if this share of the memory, or the network's, has no room for so many bytes more."""
        limit = share * LARGEST_DOCUMENTS * settings.DOCUMENT_MAX_MB * 1024 * 1024
        with self._lock:
            if self._held.total() + size > limit or self._held[network] + size > SHARE_OF_NETWORK * limit:
                raise OutOfMemory("too many large bodies at the same time")
            self._held[network] += size

    def give_back(self, size: int, network: str) -> None:
        with self._lock:
            self._held[network] -= size
            self._held += Counter()  # drops zeros


def with_limited_bodies(application: Application) -> Application:
    """The application, which gets every body with its length.

    A body without one that is larger than any route accepts is read up to there, and its length then exceeds the
    route's limit.
    """
    memory = BodyMemory()

    def respond(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or ""
        is_chunked = "HTTP_TRANSFER_ENCODING" in environ and not length
        if not is_chunked and not (length.isdecimal() and int(length) > LARGE):
            return application(environ, start_response)
        network = networks_of(client_address(environ))[0]
        body = _CountedBody(environ["wsgi.input"], memory, network, SHARE_WITHOUT_LENGTH if is_chunked else 1.0)
        environ["wsgi.input"] = body
        try:
            if is_chunked:
                _read_whole(environ, body)
            return _Response(application(environ, start_response), body.give_back)
        except BaseException:
            body.give_back()
            raise

    return respond


class _CountedBody:
    """Counts what is read of a body, as far as it is kept: what exceeds the largest document is not.

    Raises OutOfMemory beyond the limit.
    """

    def __init__(self, stream: IO[bytes], memory: BodyMemory, network: str, share: float) -> None:
        self._stream, self._memory, self._network, self._share = stream, memory, network, share
        self._held = 0

    def read(self, size: int = -1) -> bytes:
        # In pieces: of a body that never ends, all but the last piece is counted.
        pieces, remaining = [], size if size >= 0 else sys.maxsize
        while remaining > 0 and (piece := self._counted(self._stream.read(min(PIECE, remaining)))):
            pieces.append(piece)
            remaining -= len(piece)
        return b"".join(pieces)

    def readline(self, size: int = -1) -> bytes:
        return self._counted(self._stream.readline(size))

    def _counted(self, data: bytes) -> bytes:
        kept = min(len(data), _largest_body() - self._held)
        self._memory.take(kept, self._network, self._share)
        self._held += kept
        return data

    def give_back(self) -> None:
        held, self._held = self._held, 0
        self._memory.give_back(held, self._network)


class _Response:
    """A response whose end calls `on_end`: until then its request keeps the body."""

    def __init__(self, response: Iterable[bytes], on_end: Callable[[], None]) -> None:
        self._response, self._on_end = response, on_end

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._response)

    def close(self) -> None:
        try:
            getattr(self._response, "close", lambda: None)()
        finally:
            self._on_end()


class _Unreadable:
    """A body that raises the error again, so that Django responds as to one with a length."""

    def __init__(self, error: OSError) -> None:
        self.error = error

    def read(self, size: int = -1) -> NoReturn:
        raise self.error

    readline = read


def _read_whole(environ: dict[str, Any], body: _CountedBody) -> None:
    """Put a body without a length and its length in its place."""
    remaining = _largest_body()
    whole = BytesIO()
    try:
        while remaining > 0 and (piece := body.read(min(PIECE, remaining))):
            whole.write(piece)
            remaining -= len(piece)
    except OSError as error:  # the connection was lost, the client is too slow, or there is no memory left
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = _Unreadable(error), "1"
    else:
        environ["CONTENT_LENGTH"] = str(whole.tell())
        whole.seek(0)
        environ["wsgi.input"] = whole


def _largest_body() -> int:
    return settings.DOCUMENT_MAX_MB * 1024 * 1024 + FORM_OVERHEAD
