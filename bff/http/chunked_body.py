"""Request bodies without a Content-Length (`Transfer-Encoding: chunked`), which Django reads as empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import IO, Any, NoReturn

from django.conf import settings

FORM_OVERHEAD = 64 * 1024  # the other fields and the boundaries of a form with a file
PIECE = 64 * 1024

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def with_content_length(application: Application) -> Application:
    """The application, which gets every body with its length.

    A body that is larger than any route accepts is read up to there, and its length then exceeds the route's limit.
    """

    def respond(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if "HTTP_TRANSFER_ENCODING" in environ and not environ.get("CONTENT_LENGTH"):
            try:
                environ["wsgi.input"], environ["CONTENT_LENGTH"] = _read(environ["wsgi.input"])
            except OSError as error:  # the connection was lost, or the client is too slow
                environ["wsgi.input"], environ["CONTENT_LENGTH"] = _Unreadable(error), "1"
        return application(environ, start_response)

    return respond


class _Unreadable:
    """A body that raises the error again, so that Django responds as to one with a length."""

    def __init__(self, error: OSError) -> None:
        self.error = error

    def read(self, size: int = -1) -> NoReturn:
        raise self.error

    readline = read


def _read(stream: IO[bytes]) -> tuple[IO[bytes], str]:
    """The body and its length."""
    remaining = settings.DOCUMENT_MAX_MB * 1024 * 1024 + FORM_OVERHEAD
    body = BytesIO()  # not a file, which others on this machine might read
    while remaining > 0 and (piece := stream.read(min(PIECE, remaining))):
        body.write(piece)
        remaining -= len(piece)
    length = body.tell()
    body.seek(0)
    return body, str(length)
