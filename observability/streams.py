"""A streamed response, watched until its end: it is handled long after its view has returned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Literal

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase

from observability import correlation

Ended = Literal["complete", "client_left", "failed"]


class Stream:
    """The chunks of one response on their way out. Counts them and what is in them, and tells each watcher once how it
    ended.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.watchers: list[Callable[[Stream], None]] = []
        self.chunks = 0
        self.bytes = 0
        self.events = 0  # of text/event-stream
        self.first_byte_at: float | None = None  # perf_counter seconds
        self.ended: Ended | None = None
        self._source = chunks
        self._correlation = correlation.current()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if correlation.current() is not self._correlation:  # between two chunks this thread did something else
            correlation.set(self._correlation)
        try:
            chunk = next(self._source)
        except StopIteration:
            self._end("complete")
            raise
        except BaseException:
            self._end("failed")
            raise
        if self.first_byte_at is None:
            self.first_byte_at = perf_counter()
        self.chunks += 1
        self.bytes += len(chunk)
        self.events += chunk.count(b"\ndata:") + chunk.startswith(b"data:")
        return chunk

    def close(self) -> None:
        """The server is done with us; when that is before the end, the client went away."""
        self._end("client_left")

    def _end(self, how: Ended) -> None:
        if self.ended is None:
            self.ended = how
            watchers, self.watchers = self.watchers, []
            for watcher in watchers:
                watcher(self)
            # Both hold the response, which holds us: nobody but the garbage collector would free what it stands on.
            self._source = iter(())


def is_stream(response: HttpResponseBase) -> bool:
    """True for an answer in pieces; a file is none, the server sends it by itself as it pleases."""
    return isinstance(response, StreamingHttpResponse) and getattr(response, "file_to_stream", None) is None


def watch(response: HttpResponseBase, watcher: Callable[[Stream], None]) -> None:
    """Have `watcher` called when the streamed `response` has ended, however it does."""
    assert isinstance(response, StreamingHttpResponse)
    stream = getattr(response, "watched", None)
    if stream is None:
        stream = Stream(iter(response))
        response.streaming_content = stream
        response.watched = stream  # type: ignore[attr-defined]  # one stream for all its watchers
    stream.watchers.append(watcher)
