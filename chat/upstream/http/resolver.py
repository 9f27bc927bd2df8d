"""Finds the addresses of a host within a time limit; the system's resolver has none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any
from urllib.parse import SplitResult

# family, type, protocol, canonical name, socket address
AddressInfo = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]


class Resolver:
    """Looks up the host of one URL in a thread, once at a time: callers that come meanwhile get the same result."""

    def __init__(self, url: SplitResult) -> None:
        self.host = url.hostname or ""
        self._url = url
        self._lock = threading.Lock()
        self._pending: Future[Sequence[AddressInfo]] | None = None

    def addresses(self, timeout: float) -> Sequence[AddressInfo]:
        """The host's addresses, the preferred one first. Raises TimeoutError, OSError, or ValueError for a bad name."""
        with self._lock:
            pending = self._pending or self._start()
        return pending.result(timeout)

    def _start(self) -> Future[Sequence[AddressInfo]]:
        pending: Future[Sequence[AddressInfo]] = Future()
        threading.Thread(target=self._look_up, args=(pending,), name="resolver", daemon=True).start()
        self._pending = pending
        return pending

    def _look_up(self, pending: Future[Sequence[AddressInfo]]) -> None:
        try:
            port = self._url.port or (443 if self._url.scheme == "https" else 80)
            addresses = socket.getaddrinfo(self.host, port, type=socket.SOCK_STREAM)
        except Exception as error:  # noqa: BLE001 for those who wait for the result
            self._forget()
            pending.set_exception(error)
        else:
            self._forget()
            pending.set_result(addresses)

    def _forget(self) -> None:
        with self._lock:
            self._pending = None
