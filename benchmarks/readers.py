"""People who read streams: `python -m benchmarks.readers PORT STREAMS RAMP_SECONDS WINDOW_SECONDS`.

Everyone asks something else over a connection of their own and takes note of when each token arrives. Prints the number
of tokens so far when all are reading, again after the window, and at the end what they saw, each as a line of JSON.
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
    """One question, and its answer to the end."""

    def __init__(self, question: str) -> None:
        body = b'{"message": "%b"}' % question.encode()
        self._request = (
            b"POST /api/chat/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"X-Forwarded-Proto: https\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        self._rest = b""  # a line that has not ended yet
        self.bytes = 0
        self.lags: list[float] = []  # milliseconds between the upstream and us, of each token
        self.first_after: float | None = None  # milliseconds from the question to its first token
        self.is_complete = False
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._asked = time.monotonic()
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self.bytes += len(data)
        lines, newline, self._rest = (self._rest + data).rpartition(b"\n")
        tokens = TOKEN.findall(lines + newline)
        if tokens and self.first_after is None:
            self.first_after = (now - self._asked) * 1000
        self.lags += [now * 1000 - int(token) / 1000 for token in tokens]
        # Ours says it in its words, the token server read directly in OpenAI's.
        self.is_complete = self.is_complete or b'"ending":"stop"' in lines or b'"finish_reason":"stop"' in lines
        if b"data: [DONE]" in lines:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.over.set_result(None)


async def read(port: int, streams: int, ramp: float, window: float) -> list[Reader]:
    loop, readers = asyncio.get_running_loop(), []
    began, topic = loop.time(), time.time_ns()  # what was asked in another run would come from the cache
    for number in range(streams):
        _, reader = await loop.create_connection(
            lambda number=number: Reader(f"Question {number} de {topic} ?"), "127.0.0.1", port
        )
        readers.append(reader)
        await asyncio.sleep(max(0.0, began + (number + 1) * ramp / streams - loop.time()))
    print(sum(len(reader.lags) for reader in readers), flush=True)
    await asyncio.sleep(window)
    print(sum(len(reader.lags) for reader in readers), flush=True)
    await asyncio.wait([reader.over for reader in readers])
    return readers


def p99(values: list[float]) -> float:
    return round(statistics.quantiles(values, n=100)[98], 1)


def report(readers: list[Reader]) -> dict[str, float]:
    lags = [lag for reader in readers for lag in reader.lags]
    firsts = [reader.first_after for reader in readers if reader.first_after is not None]
    return {
        "failed": sum(not reader.is_complete for reader in readers),
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
