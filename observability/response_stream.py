"""Observes a streamed response until it ends, which is long after its view has returned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Literal, Protocol

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase

from observability import correlation

Outcome = Literal["complete", "client_left", "failed"]


class Pushed(Protocol):
    """What was sent to the client past the response's iterator, one event in each frame."""

    frames: int
    bytes: int


class ResponseStream:
    """The chunks of one response, counted. Calls each callback once when the stream ends."""

    def __init__(self, chunks: Iterator[bytes], pushed: Pushed | None = None) -> None:
        self.callbacks: list[Callable[[ResponseStream], None]] = []
        self.chunks = 0
        self.bytes = 0
        self.events = 0  # events in a text/event-stream
        self.first_byte_at: float | None = None  # perf_counter seconds
        self.outcome: Outcome | None = None  # None while it is being sent
        self._source = chunks
        self._pushed = pushed
        self._correlation = correlation.current()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        # Between two chunks this thread may have handled other requests.
        if correlation.current() is not self._correlation:
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
        """Called by the server. If the stream has not ended by then, the client has disconnected."""
        self._end("client_left")

    def _end(self, outcome: Outcome) -> None:
        if self.outcome is None:
            self.outcome = outcome
            if self._pushed is not None:
                self.chunks += self._pushed.frames
                self.events += self._pushed.frames
                self.bytes += self._pushed.bytes
            callbacks, self.callbacks = self.callbacks, []
            for callback in callbacks:
                callback(self)
            # Break the reference cycle: callbacks and source hold the response, which holds this object.
            self._source = iter(())


def is_stream(response: HttpResponseBase) -> bool:
    """True for a response sent in chunks, except a file: the server sends a file by itself."""
    return isinstance(response, StreamingHttpResponse) and getattr(response, "file_to_stream", None) is None


def count_pushed(response: StreamingHttpResponse, pushed: Pushed | None) -> None:
    """Count these chunks, too. Call it where the response is made."""
    response.pushed = pushed  # type: ignore[attr-defined]  # read by `on_end`


def mark_resumable(response: StreamingHttpResponse) -> None:
    """The answer is written on after the client disconnects, and can be resumed."""
    response.outlives_reader = True  # type: ignore[attr-defined]  # read by `outlives_reader`


def outlives_reader(response: HttpResponseBase) -> bool:
    return getattr(response, "outlives_reader", False)


def on_end(response: HttpResponseBase, callback: Callable[[ResponseStream], None]) -> None:
    """Call `callback` once when the streamed `response` has ended, whatever its outcome."""
    assert isinstance(response, StreamingHttpResponse)
    stream = getattr(response, "observed_stream", None)
    if stream is None:
        stream = ResponseStream(iter(response), getattr(response, "pushed", None))
        response.streaming_content = stream
        response.observed_stream = stream  # type: ignore[attr-defined]  # shared by all callbacks
    stream.callbacks.append(callback)
