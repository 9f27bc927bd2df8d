"""The mixed load of a soak test: each kind of request as often as in `MIX`, at a constant rate."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import requests

from benchmarks.drill.clients import TIMEOUT_SECONDS, Client, Kind, Mode, Outcome, Question, access_token
from benchmarks.drill.figures import is_garbled
from benchmarks.drill.load import ClientPool, ConstantRateLoad
from tests.support import document_files

RATE = 10.0  # actions a second
USERS = 61  # no divisor of the mix, so that each user executes each action
HISTORY_READERS = 4  # concurrent
UNAVAILABLE = "unavailable"  # refused with 503 while a required service is unavailable

MIX = Counter(
    known=8,
    known_stream=4,
    new=5,
    new_stream=6,
    follow_up=2,
    abandoned=2,
    hung_up=2,
    stopped=2,
    resumed=2,
    pasted_document=1,
    document=1,
    openai=1,
    openai_stream=1,
    history=2,
    feedback=2,
    forget=3,
)


@dataclass(frozen=True, slots=True)
class ActionResult:
    """One executed action; `at` in unix seconds, `duration` in seconds. `error` says why there was no answer."""

    action: str
    at: float
    duration: float
    error: str


@dataclass(slots=True)
class User:
    """A signed-in user. The lock keeps their actions sequential."""

    token: str
    lock: threading.Lock = field(default_factory=threading.Lock)


class MixedLoad(ConstantRateLoad):
    """Executes the actions of `MIX` for many users. `results` grows as they end."""

    def __init__(self, clients: ClientPool, secret: str) -> None:
        super().__init__(RATE)
        self.results: list[ActionResult] = []
        self._clients = clients
        self._users = [User(access_token(f"somebody-{number}", secret)) for number in range(USERS)]
        self._actions = sorted(MIX.elements())
        random.Random(1).shuffle(self._actions)  # the same order in each run
        self._letter, self._pdf = document_files.NOTE, document_files.pdf()

    def read_all_histories(self) -> None:
        """Read each user's history, which completes messages that could not be saved at their end."""
        with ThreadPoolExecutor(HISTORY_READERS) as readers:
            for future in [readers.submit(self._read_history, user) for user in self._users]:
                future.result()

    def _read_history(self, user: User) -> None:
        for conversation in self._conversations(user, self._clients.addresses[0]):
            self._request(user, "GET", f"{self._clients.addresses[0]}/api/chat/history", params=conversation)

    def execute(self, number: int) -> None:
        action, user = self._actions[number % len(self._actions)], self._users[number % USERS]
        first = number // len(self._actions) % 2
        addresses = [*self._clients.addresses[first:], *self._clients.addresses[:first]]
        run: Callable[[User, Sequence[str]], str] = getattr(self, f"_{action}")
        with user.lock:
            at, began = time.time(), time.perf_counter()
            try:
                error = run(user, addresses)
            except (OSError, http.client.HTTPException, requests.RequestException, ValueError, KeyError) as exception:
                error = f"{type(exception).__name__}: {exception}"[:200]
            self.results.append(ActionResult(action, at, time.perf_counter() - began, error))

    # The actions. Each returns an error, or "" if it was answered.

    def _known(self, user: User, addresses: Sequence[str]) -> str:
        return _incomplete(Client(self._question(user, "known", "json"), addresses).ask())

    def _known_stream(self, user: User, addresses: Sequence[str]) -> str:
        return _incomplete(Client(self._question(user, "known", "stream"), addresses).ask())

    def _new(self, user: User, addresses: Sequence[str]) -> str:
        return _incomplete(Client(self._question(user, "new", "json"), addresses).ask())

    def _new_stream(self, user: User, addresses: Sequence[str]) -> str:
        return _incomplete(Client(self._question(user, "new", "stream"), addresses).ask())

    def _follow_up(self, user: User, addresses: Sequence[str]) -> str:
        first = Client(self._question(user, "new", "json"), addresses).ask()
        if not (first.is_answered and first.saved):
            return _incomplete(first)
        more = replace(self._question(user, "new", "stream"), conversation_id=first.conversation_id, expected="")
        return _incomplete(Client(more, addresses[::-1]).ask())

    def _abandoned(self, user: User, addresses: Sequence[str]) -> str:
        return _not_started(Client(self._question(user, "new", "stream"), addresses).abandon_stream())

    def _hung_up(self, user: User, addresses: Sequence[str]) -> str:
        Client(self._question(user, "new", "json"), addresses).disconnect_early()
        return ""

    def _stopped(self, user: User, addresses: Sequence[str]) -> str:
        return _unanswered(Client(self._question(user, "new", "stream"), addresses).stop_stream())

    def _resumed(self, user: User, addresses: Sequence[str]) -> str:
        outcome = Client(self._question(user, "new", "stream"), addresses).resume_stream()
        # Without Redis the other instance does not find the run, without the database not its owner.
        return UNAVAILABLE if outcome.text and outcome.status in {204, 503} else _unanswered(outcome)

    def _pasted_document(self, user: User, addresses: Sequence[str]) -> str:
        body = {"document": self._letter, "documentType": "administrative", "fileName": "mot.txt"}
        return self._analyse(user, addresses[0], json=body)

    def _document(self, user: User, addresses: Sequence[str]) -> str:
        files = {"file": ("lettre.pdf", self._pdf, "application/pdf")}
        return self._analyse(user, addresses[0], files=files, data={"documentType": "mdph"})

    def _analyse(self, user: User, address: str, **body: Any) -> str:
        response = self._request(user, "POST", f"{address}/api/chat/analyze-document", **body)
        return _refused(response) or ("" if response.json()["analysis"] else "no analysis")

    def _openai(self, user: User, addresses: Sequence[str]) -> str:
        response = self._completion(user, addresses[0], stream=False)
        return _refused(response) or ("" if response.json()["choices"][0]["message"]["content"] else "no text")

    def _openai_stream(self, user: User, addresses: Sequence[str]) -> str:
        response = self._completion(user, addresses[0], stream=True)
        return _refused(response) or ("" if response.content.endswith(b"data: [DONE]\n\n") else "no [DONE]")

    def _completion(self, user: User, address: str, *, stream: bool) -> requests.Response:
        text = self._question(user, "new", "json").text
        body = {"model": "stand-in", "messages": [{"role": "user", "content": text}], "stream": stream}
        return self._request(user, "POST", f"{address}/v1/chat/completions", json=body)

    def _history(self, user: User, addresses: Sequence[str]) -> str:
        for conversation in self._conversations(user, addresses[0])[:1]:
            response = self._request(user, "GET", f"{addresses[1]}/api/chat/history", params=conversation)
            return _refused(response, may_be_unavailable=True)
        return ""

    def _feedback(self, user: User, addresses: Sequence[str]) -> str:
        outcome = Client(self._question(user, "known", "json"), addresses).ask()
        if not (outcome.is_answered and outcome.saved):
            return _incomplete(outcome)
        rating = {"messageId": outcome.message_id, "rating": "up" if outcome.question.number % 3 else "down"}
        url = f"{addresses[1]}/api/chat/feedback"
        return _refused(self._request(user, "POST", url, json=rating), may_be_unavailable=True)

    def _forget(self, user: User, addresses: Sequence[str]) -> str:
        return _refused(self._request(user, "DELETE", f"{addresses[0]}/api/chat/reset"), may_be_unavailable=True)

    def _question(self, user: User, kind: Kind, mode: Mode) -> Question:
        return replace(self._clients.question(kind, mode), token=user.token)

    def _conversations(self, user: User, address: str) -> list[dict[str, str]]:
        """The query parameters for the history of each conversation."""
        response = self._request(user, "GET", f"{address}/api/chat/conversations")
        return [{"conversationId": item["id"]} for item in response.json()["items"]] if response.ok else []

    @staticmethod
    def _request(user: User, method: str, url: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {user.token}", "X-Forwarded-Proto": "https", "Connection": "close"}
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, url, headers=headers, timeout=TIMEOUT_SECONDS, **options)


def _incomplete(outcome: Outcome) -> str:
    if not outcome.is_answered:
        return outcome.error
    if len(outcome.correlation_ids) > 1:
        return "sent twice"  # no instance was stopped
    return "garbled" if is_garbled(outcome) else ""


def _unanswered(outcome: Outcome) -> str:
    return "" if outcome.is_answered else outcome.error


def _not_started(outcome: Outcome) -> str:
    return "" if outcome.text else f"status {outcome.status}, no text"


def _refused(response: requests.Response, *, may_be_unavailable: bool = False) -> str:
    if may_be_unavailable and response.status_code == http.HTTPStatus.SERVICE_UNAVAILABLE:
        return UNAVAILABLE
    return "" if response.ok else f"status {response.status_code}"
