"""A load generator that calls all endpoints of an instance and measures the durations from the client's side."""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import requests

KNOWN = "Comment demander l'AEEH ?"
PAUSE_SECONDS = 0.05  # of each thread after a request: the shares matter, not the load
LETTER = "La MDPH vous demande un certificat médical avant le 12 mars 2026. Dossier n° 2026-1234."


class LoadGenerator:
    """Threads that send requests during a `with` block. `durations` in seconds by path; `errors` of failed requests."""

    def __init__(self, addresses: Sequence[str], threads: int = 6) -> None:
        self.addresses = addresses
        self.durations: dict[str, list[float]] = defaultdict(list)
        self.errors: list[str] = []
        self._numbers = itertools.count()
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(60)

    def _run(self, number: int) -> None:
        address = self.addresses[number % len(self.addresses)]
        with requests.Session() as session:
            requests_to_send: list[Callable[[], None]] = [
                lambda: self._ask(
                    session, address, "message", f"Comment demander la PCH, fois {next(self._numbers)} ?"
                ),
                lambda: self._ask(session, address, "message", KNOWN),
                lambda: self._ask(session, address, "stream", f"Qu'est-ce que la MDPH, fois {next(self._numbers)} ?"),
                # Sent by several threads at the same time.
                lambda: self._ask(session, address, "message", f"Une AESH pour la rentrée {int(time.time() / 3)} ?"),
                lambda: self._send(session, address, "POST", "/api/chat/analyze-document", {"document": LETTER}),
                lambda: self._send(session, address, "GET", "/api/chat/conversations"),
                lambda: self._send(session, address, "POST", "/api/chat/message", {"message": ""}),
            ]
            for send in itertools.cycle(requests_to_send):
                send()
                if self._stopped.wait(PAUSE_SECONDS):
                    return

    def _ask(self, session: requests.Session, address: str, endpoint: str, text: str) -> None:
        self._send(session, address, "POST", f"/api/chat/{endpoint}", {"message": text})

    def _send(self, session: requests.Session, address: str, method: str, path: str, body: Any = None) -> None:
        session.cookies.clear()  # a new visitor for each request
        started_at = time.perf_counter()
        try:
            session.request(method, address + path, json=body, timeout=60)
        except requests.RequestException as error:
            self.errors.append(repr(error))
        else:
            self.durations[path].append(time.perf_counter() - started_at)
