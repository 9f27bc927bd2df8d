"""One address tries everything at once, at the limits, while other people ask.

It has no account. Whatever it sends has a correlation id of its own, by which its calls to the AI are counted.
"""

from __future__ import annotations

import http.client
import itertools
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import orjson

from benchmarks.drill.clients import access_token
from benchmarks.drill.environment import Environment
from benchmarks.drill.faults.base import DrillContext, Fault
from benchmarks.drill.load import ConstantRateLoad
from benchmarks.drill.observations import HOSTILE

ADDRESS = "198.51.100.7"
SECONDS = 120.0
LEAD_IN_SECONDS = 30.0  # what is usual is measured just before, for as long as a p99 needs
REQUESTS_PER_SECOND = 50.0
BUDGET = 1500  # answers of the AI a day; half of the default, which two minutes at the limits would not use up
DRIP_SECONDS = 30.0  # longer than the server waits
TOKEN = "0" * 32
FORM = "multipart/form-data; boundary=b"
HEAD = f"POST /api/chat/{{}} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: {ADDRESS}\r\n"
LETTER = b"Notification du 3 mars 2026. Montant : 151,80 EUR. Recours avant le 4 mai 2026.\n" * 40


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class HostileVisitor(ConstantRateLoad):
    """Of 50 requests a second, 20 ask the AI with a new cookie each: the limit of one address. `breaches` are the
    requests that were answered as they must not be.
    """

    def __init__(self, context: DrillContext) -> None:
        super().__init__(REQUESTS_PER_SECOND)
        self.context = context
        self.breaches: list[str] = []
        attacks: dict[Callable[[int], None], int] = {
            self._ask: 12,
            self._open_and_leave: 6,
            self._send_file: 2,
            self._forge_token: 7,
            self._stop_others: 6,
            self._read_others: 6,
            self._rate_others: 4,
            self._log_in: 1,
            self._send_long_body: 2,
            self._send_garbage: 1,
            self._send_part_of_a_file: 1,
            self._drip: 2,
        }
        self._attacks = [attack for attack, share in attacks.items() for _ in range(share)]
        self._others = itertools.cycle(context.clients.conversation_ids() or ["unknown"])

    def execute(self, number: int) -> None:
        with suppress(OSError, http.client.HTTPException):  # the server may close the connection
            self._attacks[number * 7 % len(self._attacks)](number)  # mixed

    def _ask(self, number: int) -> None:
        body = {"message": f"Zibou {number} et l'AEEH ?"}
        self._expect({200, 429}, number, Request("POST", "/api/chat/message", orjson.dumps(body)))

    def _open_and_leave(self, number: int) -> None:
        body = orjson.dumps({"message": f"Zibou {number} et la PCH ?"})
        with self._open(number, Request("POST", "/api/chat/stream", body), {200, 429}) as reply:
            reply.read(1)

    def _send_file(self, number: int) -> None:
        head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        body = head + b"%d " % number + LETTER + b"\r\n--b--\r\n"
        self._expect(
            {200, 429, 503}, number, Request("POST", "/api/chat/analyze-document", body, {"Content-Type": FORM})
        )

    def _forge_token(self, number: int) -> None:
        headers = {"Authorization": f"Bearer {access_token('person-1', 'x' * 40)}"}
        self._expect({401, 429}, number, Request("POST", "/api/chat/message", b'{"message": "Bonjour"}', headers))

    def _stop_others(self, number: int) -> None:
        reply = self._expect({200, 429}, number, Request("POST", f"/api/chat/{next(self._others)}/stop"))
        if b'"stopped":true' in reply.replace(b" ", b""):
            self.breaches.append("stopped another's answer")

    def _read_others(self, number: int) -> None:
        self._expect({404, 429}, number, Request("GET", f"/api/chat/history?conversationId={next(self._others)}"))

    def _rate_others(self, number: int) -> None:
        body = orjson.dumps({"messageId": f"m{number}", "rating": "down"})
        self._expect({404, 422, 429}, number, Request("POST", "/api/chat/feedback", body))

    def _log_in(self, number: int) -> None:
        body = f"csrfmiddlewaretoken={TOKEN}&username=admin&password=guess{number}".encode()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": f"__Host-csrftoken={TOKEN}",
            "Referer": f"https://{urlsplit(self._address(number)).netloc}/admin/login/",
        }
        self._expect({200}, number, Request("POST", "/admin/login/", body, headers))

    def _send_long_body(self, number: int) -> None:
        body = b'{"message": "' + b"x" * 600_000 + b'"}'
        self._expect({413, 422, 429}, number, Request("POST", "/api/chat/message", body))

    def _send_garbage(self, number: int) -> None:
        with self._connected(number) as client:
            client.sendall(
                b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            )
            client.recv(4096)

    def _drip(self, number: int) -> None:
        with self._connected(number) as client:
            client.sendall(HEAD.format("message").encode() + b"Content-Length: 4000\r\n\r\n")
            for _ in range(int(DRIP_SECONDS)):
                client.sendall(b" ")
                time.sleep(1)
            self.breaches.append("a body that drips was waited for")

    def _send_part_of_a_file(self, number: int) -> None:
        """Two megabytes of a file in chunks, and then nothing: one such request a second."""
        with self._connected(number) as client:
            client.sendall(HEAD.format("analyze-document").encode())
            client.sendall(f"Content-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n200001\r\n".encode())
            client.sendall(b"x" * 0x200000)
            client.settimeout(DRIP_SECONDS)
            client.recv(4096)

    def _expect(self, statuses: set[int], number: int, request: Request) -> bytes:
        """The response's body. Another status than these is a breach."""
        with self._open(number, request, statuses) as reply:
            return reply.read()

    @contextmanager
    def _open(self, number: int, request: Request, statuses: set[int]) -> Iterator[http.client.HTTPResponse]:
        own = {
            "X-Forwarded-For": ADDRESS,
            "X-Forwarded-Proto": "https",
            "X-Correlation-ID": f"{HOSTILE}{number}",
            "Content-Type": "application/json",
        }
        address = urlsplit(self._address(number)).netloc
        with closing(http.client.HTTPConnection(address, timeout=30)) as connection:
            connection.request(request.method, request.path, request.body, own | dict(request.headers))
            reply = connection.getresponse()
            if reply.status not in statuses:
                self.breaches.append(f"{request.method} {request.path.partition('?')[0]}: {reply.status}")
            yield reply

    def _connected(self, number: int) -> closing[socket.socket]:
        target = urlsplit(self._address(number))
        return closing(socket.create_connection((target.hostname, target.port), timeout=5))

    def _address(self, number: int) -> str:
        return self.context.clients.addresses[number % len(self.context.clients.addresses)]


@contextmanager
def _attack(context: DrillContext) -> Iterator[None]:
    visitor = HostileVisitor(context)
    with visitor:
        yield
    context.breaches.extend(visitor.breaches)


@contextmanager
def _shipped_limits(_environment: Environment) -> Iterator[Mapping[str, str]]:
    """The drill has none else. Each of the other people has an address, and half the budget is theirs in an hour."""
    yield {
        "TRUSTED_PROXIES": "1",
        "RATE_LIMIT_CHAT": "60/minute",
        "RATE_LIMIT_DEFAULT": "300/minute",
        "OPENAI_ALLOW_ANONYMOUS": "0",
        "PARALLEL_ANSWERS_PER_CALLER": "20",
        "PARALLEL_ANSWERS_PER_ADDRESS": "200",
        "DAILY_ANSWERS_PER_CALLER": f"{BUDGET}",
        "DAILY_ANSWERS_PER_ADDRESS": f"{BUDGET}",
    }


FAULTS = (
    Fault(
        "hostile-visitor",
        "one address sends 50 requests a second: questions, files, streams that it leaves, guesses, others' ids",
        _attack,
        seconds=SECONDS,
        lead_in=LEAD_IN_SECONDS,
        settings=_shipped_limits,
        budget=BUDGET,
    ),
)
