"""A TCP proxy in front of a real server that adds latency, or silently drops idle connections, as middleboxes do."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from tests.support.processes import HOST, free_port


class TcpProxy:
    """Listens on `port` and forwards to `target`, a loopback port or the path of a Unix socket.

    `delay` (seconds) postpones everything the server sends, also on connections that are open already. Once
    `dead_after` is set, a connection idle for so many seconds stays open, and all later data on it is discarded.
    """

    def __init__(self, target: int | str, delay: float = 0.0) -> None:
        self.target, self.delay = target, delay
        self.dead_after: float | None = None
        self.port = free_port()
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        is_listening = threading.Event()
        self._thread = threading.Thread(target=self._run, args=[is_listening], name="tcp-proxy", daemon=True)
        self._thread.start()
        is_listening.wait()

    def close(self) -> None:
        """Close the port and all connections."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self, is_listening: threading.Event) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen(is_listening))

    async def _listen(self, is_listening: threading.Event) -> None:
        self._stopping = asyncio.Event()
        async with await asyncio.start_server(self._serve, HOST, self.port):
            is_listening.set()
            await self._stopping.wait()
            for writer in self._open:
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = _Link(self)
        try:
            if isinstance(self.target, int):
                upstream_reader, upstream = await asyncio.open_connection(HOST, self.target)
            else:
                upstream_reader, upstream = await asyncio.open_unix_connection(self.target)
        except OSError:
            writer.close()
            return
        ends = {upstream, writer}
        self._open |= ends
        try:
            await asyncio.gather(
                link.copy(reader, upstream, lambda: 0.0), link.copy(upstream_reader, writer, lambda: self.delay)
            )
        finally:
            self._open -= ends
            for end in ends:
                end.close()


class _Link:
    """The two directions of one connection."""

    def __init__(self, proxy: TcpProxy) -> None:
        self._proxy = proxy
        self._used_at = asyncio.get_running_loop().time()
        self._is_dead = False

    async def copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: Callable[[], float]
    ) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError):
            while data := await reader.read(65536):
                idle_seconds, self._used_at = loop.time() - self._used_at, loop.time()
                limit = self._proxy.dead_after
                self._is_dead = self._is_dead or (limit is not None and idle_seconds > limit)
                if self._is_dead:
                    continue
                # Bytes sent meanwhile are read in one piece afterwards: a delay does not limit the bandwidth.
                await asyncio.sleep(delay())
                writer.write(data)
                await writer.drain()
        with suppress(OSError, RuntimeError):
            writer.write_eof()
