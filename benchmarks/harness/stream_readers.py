"""Reads many streams: `python -m benchmarks.harness.stream_readers PORT STREAMS RAMP_SECONDS WINDOW_SECONDS`.

Each reader sends a different question on its own connection and records when each token arrives. Prints three lines of
JSON: the number of tokens when all are reading, the number after the window, and the results at the end.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import sys
import time
from typing import cast

import uvloop

TOKEN = re.compile(rb"\d{8,}(?= )")


class Reader(asyncio.Protocol):
    """Sends one question and reads the whole answer."""

    def __init__(self, question: str) -> None:
        body = b'{"message": "%b"}' % question.encode()
        self._request = (
            b"POST /api/chat/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"X-Forwarded-Proto: https\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        self._rest = b""  # an incomplete line
        self.bytes = 0
        self.lags: list[float] = []  # milliseconds from the upstream to this reader, per token
        self.first_after: float | None = None  # milliseconds from the question to its first token
        self.is_complete = self.is_unsaved = self.is_degraded = False
        self.finished = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._sent_at = time.monotonic()
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self.bytes += len(data)
        lines, newline, self._rest = (self._rest + data).rpartition(b"\n")
        tokens = TOKEN.findall(lines + newline)
        if tokens and self.first_after is None:
            self.first_after = (now - self._sent_at) * 1000
        self.lags += [now * 1000 - int(token) / 1000 for token in tokens]
        # The first form is chat-bff's, the second the token server's.
        self.is_complete = self.is_complete or b'"ending":"stop"' in lines or b'"finish_reason":"stop"' in lines
        self.is_unsaved = self.is_unsaved or b'"saved":false' in lines
        self.is_degraded = self.is_degraded or b'"kind":"degraded"' in lines
        if b"data: [DONE]" in lines:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.finished.set_result(None)


async def read(port: int, streams: int, ramp: float, window: float) -> list[Reader]:
    loop, readers = asyncio.get_running_loop(), []
    began, topic = loop.time(), time.time_ns()  # questions of an earlier run would be in the cache
    for number in range(streams):
        _, reader = await loop.create_connection(
            lambda number=number: Reader(f"Question {number} de {topic} ?"), "127.0.0.1", port
        )
        readers.append(reader)
        await asyncio.sleep(max(0.0, began + (number + 1) * ramp / streams - loop.time()))
    print(sum(len(reader.lags) for reader in readers), flush=True)
    await asyncio.sleep(window)
    print(sum(len(reader.lags) for reader in readers), flush=True)
    await asyncio.wait([reader.finished for reader in readers])
    return readers


def p99(values: list[float]) -> float:
    return round(statistics.quantiles(values, n=100)[98], 1)


def report(readers: list[Reader]) -> dict[str, float]:
    lags = [lag for reader in readers for lag in reader.lags]
    firsts = [reader.first_after for reader in readers if reader.first_after is not None]
    return {
        "failed": sum(not reader.is_complete or reader.is_unsaved or reader.is_degraded for reader in readers),
        "unsaved": sum(reader.is_unsaved for reader in readers),
        "degraded": sum(reader.is_degraded for reader in readers),
        "tokens": len(lags),
        "bytes": sum(reader.bytes for reader in readers),
        "lag_p50": round(statistics.median(lags), 1),
        "lag_p99": p99(lags),
        "first_p50": round(statistics.median(firsts), 1),
        "first_p99": p99(firsts),
    }


if __name__ == "__main__":
    port, streams, ramp, window = sys.argv[1:]
    print(json.dumps(report(uvloop.run(read(int(port), int(streams), float(ramp), float(window))))))
