"""A crowd that does everything that can be done at an instance, and measures for itself how long it takes."""

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
LETTER = "La MDPH vous demande un certificat médical avant le 12 mars 2026. Dossier n° 2026-1234."


class Visitors:
    """A `with` block during which so many people come, each again and again. `durations` in seconds, by endpoint."""

    def __init__(self, addresses: Sequence[str], people: int = 6) -> None:
        self.addresses = addresses
        self.durations: dict[str, list[float]] = defaultdict(list)
        self.troubles: list[str] = []
        self._numbers = itertools.count()
        self._over = threading.Event()
        self._people = [threading.Thread(target=self._come, args=(number,), daemon=True) for number in range(people)]

    def __enter__(self) -> Self:
        for person in self._people:
            person.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        for person in self._people:
            person.join(60)

    def _come(self, number: int) -> None:
        address = self.addresses[number % len(self.addresses)]
        with requests.Session() as session:
            visits: list[Callable[[], None]] = [
                lambda: self._ask(
                    session, address, "message", f"Comment demander la PCH, fois {next(self._numbers)} ?"
                ),
                lambda: self._ask(session, address, "message", KNOWN),
                lambda: self._ask(session, address, "stream", f"Qu'est-ce que la MDPH, fois {next(self._numbers)} ?"),
                # Several ask this one at the same time.
                lambda: self._ask(session, address, "message", f"Une AESH pour la rentrée {int(time.time() / 3)} ?"),
                lambda: self._send(session, address, "POST", "/api/chat/analyze-document", {"document": LETTER}),
                lambda: self._send(session, address, "GET", "/api/chat/conversations"),
                lambda: self._send(session, address, "POST", "/api/chat/message", {"message": ""}),
            ]
            for visit in itertools.cycle(visits):
                if self._over.is_set():
                    return
                visit()

    def _ask(self, session: requests.Session, address: str, door: str, text: str) -> None:
        self._send(session, address, "POST", f"/api/chat/{door}", {"message": text})

    def _send(self, session: requests.Session, address: str, method: str, path: str, body: Any = None) -> None:
        session.cookies.clear()  # somebody new each time
        began = time.perf_counter()
        try:
            session.request(method, address + path, json=body, timeout=60)
        except requests.RequestException as error:
            self.troubles.append(repr(error))
        else:
            self.durations[path].append(time.perf_counter() - began)
