"""An AI service with little CPU cost that streams timestamps in OpenAI's protocol.

`python -m benchmarks.harness.token_server PORT SECONDS RATE`. Each token is the time at which it was sent, in
microseconds of the machine's monotonic clock, so that a reader can compute its lag.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import cast

import uvloop

WARM_UP_QUESTION = "Premier pas"  # a question with these words gets WARM_UP_TOKENS
WARM_UP_TOKENS = 5
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
FRAME = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m",'
    b'"choices":[{"index":0,"delta":%s,"logprobs":null,"finish_reason":%s}]}\n\n'
)


def chunk(delta: bytes, finish_reason: bytes = b"null") -> bytes:
    frame = FRAME % (delta, finish_reason)
    return b"%x\r\n%b\r\n" % (len(frame), frame)


END = chunk(b"{}", b'"stop"') + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"


class TokenStream(asyncio.Protocol):
    """One connection. Every request gets a stream of `seconds`, with `rate` tokens a second."""

    def __init__(self, seconds: float, rate: float) -> None:
        self._tokens, self._pause = round(seconds * rate), 1 / rate
        self._timer: asyncio.TimerHandle | None = None
        self._request = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._request += data
        head, _, body = self._request.partition(b"\r\n\r\n")
        content_length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if content_length and len(body) >= int(content_length):
            self._request = b""
            self._transport.write(HEAD)
            self._send_token(
                WARM_UP_TOKENS if WARM_UP_QUESTION.encode() in body else self._tokens, asyncio.get_running_loop().time()
            )

    def _send_token(self, remaining: int, due: float) -> None:
        if not remaining:
            self._transport.write(END)
            return
        self._transport.write(chunk(b'{"content":"%d "}' % (time.monotonic_ns() // 1000)))
        self._timer = asyncio.get_running_loop().call_at(
            due + self._pause, self._send_token, remaining - 1, due + self._pause
        )


async def serve(port: int, seconds: float, rate: float) -> None:
    server = await asyncio.get_running_loop().create_server(
        lambda: TokenStream(seconds, rate), "127.0.0.1", port, backlog=4096
    )
    await server.serve_forever()


if __name__ == "__main__":
    port, seconds, rate = sys.argv[1:]
    uvloop.run(serve(int(port), float(seconds), float(rate)))
