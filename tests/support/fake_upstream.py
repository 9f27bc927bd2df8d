"""AI sessions with their own breaker, and a raw TCP server whose responses a test writes byte by byte."""

from __future__ import annotations

import dataclasses
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from chat.core.events import Delta, Event
from chat.upstream import service
from chat.upstream.breaker import Breaker, Policy
from chat.upstream.breaker.memory import MemoryStore
from chat.upstream.errors import AIError
from chat.upstream.protocols import openai
from chat.upstream.request import Operation, UpstreamRequest
from chat.upstream.session import AISession

TOLERANT_POLICY = Policy(
    failure_threshold=100,
    window=60,
    min_calls=100,
    failure_rate=0.5,
    slow_call=15,
    open_for=60,
    open_max=300,
    probes=1,
    success_threshold=1,
    probe_lease=35,
    min_subjects=1,
    min_streak=0,
)


class RecordedWaits(list[float]):
    """Replaces the session's wait before a retry: records the seconds without sleeping."""

    def __call__(self, cancelled: threading.Event, seconds: float) -> bool:
        self.append(seconds)
        return cancelled.is_set()


def make_breaker(**changes: Any) -> Breaker:
    """A breaker in memory. With its default policy it stays closed in the tests; `changes` are policy fields."""
    policy = dataclasses.replace(TOLERANT_POLICY, **changes)
    return Breaker("test", policy, MemoryStore("test", policy))


def make_half_open_breaker() -> Breaker:
    """A breaker whose next call is a probe."""
    breaker = make_breaker(failure_threshold=1, open_for=0.05)
    breaker.acquire().failure("test")
    time.sleep(0.06)
    return breaker


def make_session(
    breaker: Breaker | None = None, wait: Callable[[threading.Event, float], bool] | None = None
) -> AISession:
    """A session with its own breaker in memory and waits that take no time."""
    breaker = breaker or make_breaker()
    return AISession(service.primary(), breaker_of=lambda *_: breaker, wait=RecordedWaits() if wait is None else wait)


def make_request(text: str = "Bonjour", operation: Operation = "chat") -> UpstreamRequest:
    build = openai.chat if operation == "chat" else openai.analysis
    return build([{"role": "user", "content": text}], "stand-in", "fr")


def read_until_error(stream: Iterable[Event]) -> tuple[list[Event], AIError]:
    """The events of a stream, and the AIError that ends it. Fails if it ends without one."""
    events: list[Event] = []
    try:
        for event in stream:
            events.append(event)  # noqa: PERF402 - the events before the error count
    except AIError as error:
        return events, error
    raise AssertionError(f"no error, but {events}")


def joined_text(events: Iterable[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Delta))


Handler = Callable[[socket.socket], Any]
Serve = Callable[..., "RawServer"]


class RawServer:
    """Calls `handler` with the connection for each request; `requests` holds each request's head and body."""

    def __init__(self, handler: Handler, tls: ssl.SSLContext | None = None) -> None:
        self.handler = handler
        self.tls = tls
        self.requests: list[bytes] = []
        self.connections = 0  # accepted so far
        self.client_disconnected = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = f"{'https' if tls else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def open_connections(self) -> int:
        return sum(thread.is_alive() for thread in self._threads[1:])

    def stop_listening(self) -> None:
        """Refuse new connections."""
        with suppress(OSError):  # closed already
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def close(self) -> None:
        self.stop_listening()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                self._threads.append(threading.Thread(target=self._serve, args=[connection], daemon=True))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = self.tls.wrap_socket(connection, server_side=True) if self.tls else connection
            with stream:
                while request := _receive_request(stream):
                    self.requests.append(request)
                    self.handler(stream)
            self.client_disconnected.set()


def _receive_request(connection: socket.socket) -> bytes:
    """One request, head and body; empty once the client has disconnected."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (chunk := connection.recv(65536)):
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def head(status: str = "200 OK", *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode()


CHUNKED = head("200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked")
END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


# The end of a complete answer.
STOP = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def delta_event(text: str) -> bytes:
    """A server-sent event with one delta of a completion."""
    return b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % text.encode()


def stream_response(*texts: str) -> bytes:
    """A complete streamed response, each text in its own HTTP chunk."""
    return CHUNKED + b"".join(chunk(delta_event(text)) for text in texts) + chunk(STOP) + END


@contextmanager
def duration_between(at_least: float, at_most: float) -> Iterator[None]:
    """Assert that the block takes so many seconds."""
    started_at = time.monotonic()
    yield
    assert at_least <= time.monotonic() - started_at <= at_most


def send_bytewise(data: bytes, seconds: float) -> Handler:
    """A handler that sends byte by byte, with so many seconds between the bytes."""

    def handle(connection: Any) -> None:
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(seconds)

    return handle
