"""What the session's tests share: sessions with a breaker of their own, and a server that misbehaves byte by byte."""

from __future__ import annotations

import dataclasses
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from chat.events import Delta, Event
from chat.upstream import openai
from chat.upstream.breaker import Breaker, Policy
from chat.upstream.errors import AIError
from chat.upstream.exchange import Exchange, Operation
from chat.upstream.session import AISession

POLICY = Policy(
    window=60,
    failure_threshold=100,
    failure_rate=0.5,
    slow_call=15,
    open_for=60,
    open_max=300,
    probes=1,
    success_threshold=1,
    probe_lease=35,
)


class Waits(list[float]):
    """Stands where the session sleeps before a retry: notes the seconds, sleeps none of them."""

    def __call__(self, left: threading.Event, seconds: float) -> bool:
        self.append(seconds)
        return left.is_set()


def a_breaker(**changes: float) -> Breaker:
    """One that nothing opens, but for what is changed."""
    return Breaker("test", dataclasses.replace(POLICY, **changes), redis=None)


def a_half_open_breaker() -> Breaker:
    """The next call is the probe, and decides."""
    breaker = a_breaker(failure_threshold=1, open_for=0.05)
    breaker.acquire().failure("test")
    time.sleep(0.06)
    return breaker


def a_session(
    breaker: Breaker | None = None, wait: Callable[[threading.Event, float], bool] | None = None
) -> AISession:
    """A session on its own: an ample breaker in memory, waits that take no time."""
    breaker = breaker or a_breaker()
    return AISession(breaker_of=lambda _: breaker, wait=Waits() if wait is None else wait)


def a_question(text: str = "Bonjour", operation: Operation = "chat") -> Exchange:
    ask = openai.chat if operation == "chat" else openai.analysis
    return ask([{"role": "user", "content": text}], "stand-in", "fr")


def hear(answering: Iterable[Event]) -> tuple[list[Event], AIError]:
    """All that is said, and the error that ends it."""
    events: list[Event] = []
    try:
        for event in answering:
            events.append(event)  # noqa: PERF402 - what came before the error counts
    except AIError as error:
        return events, error
    raise AssertionError(f"no error, but {events}")


def said(events: Iterable[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Delta))


Behaviour = Callable[[socket.socket], Any]
Serve = Callable[..., "RawServer"]


class RawServer:
    """Accepts connections and does to each what it was told; `requests` holds the head and body of each request."""

    def __init__(self, behave: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.behave = behave
        self.tls = tls
        self.requests: list[bytes] = []
        self.connections = 0
        self.seen_leaving = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = f"{'https' if tls else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        with suppress(OSError):  # closed already
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
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
            talk = self.tls.wrap_socket(connection, server_side=True) if self.tls else connection
            with talk:
                while request := _request(talk):
                    self.requests.append(request)
                    self.behave(talk)
            self.seen_leaving.set()


def _request(connection: socket.socket) -> bytes:
    """One request, head and body; empty once the client has gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := connection.recv(65536)):
            return b""
        data += piece
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


def words(text: str) -> bytes:
    """One frame of a completion."""
    return b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % text.encode()


def answer(*texts: str) -> bytes:
    """A whole reply, each text in a chunk of its own."""
    return CHUNKED + b"".join(chunk(words(text)) for text in texts) + chunk(b"data: [DONE]\n\n") + END


@contextmanager
def taking(at_least: float, at_most: float) -> Iterator[None]:
    """The block takes so many seconds."""
    began = time.monotonic()
    yield
    assert at_least <= time.monotonic() - began <= at_most


def dripping(data: bytes, seconds: float) -> Behaviour:
    """A server that sends byte by byte, with so many seconds between them."""

    def drip(connection: Any) -> None:
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(seconds)

    return drip
