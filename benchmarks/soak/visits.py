"""What people do at the doors, each thing as often as it stands in `DAY`; none of them waits for another."""

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

from chat.drill.figures import is_garbled
from chat.drill.load import Arrivals, Crowd
from chat.drill.people import TIMEOUT_SECONDS, Door, Kind, Outcome, Person, Question, token
from tests.chat import papers

RATE = 10.0  # visits a second
PEOPLE = 61  # no divisor of a day, so that everybody does everything
READERS = 4  # at a time, of what was said before
PUT_OFF = "put off"  # 503: told to come back, where there is nothing to say without what is away

DAY = Counter(
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
class Visit:
    """One thing that somebody did; `at` in unix seconds. `trouble` says why it was not answered."""

    what: str
    at: float
    took: float
    trouble: str


@dataclass(slots=True)
class Somebody:
    """A signed-in person, who does one thing at a time."""

    token: str
    busy: threading.Lock = field(default_factory=threading.Lock)


class Visitors(Arrivals):
    """People who do all that one can do here. `visits` grows as they do it."""

    def __init__(self, crowd: Crowd, secret: str) -> None:
        super().__init__(RATE)
        self.visits: list[Visit] = []
        self._crowd = crowd
        self._people = [Somebody(token(f"somebody-{number}", secret)) for number in range(PEOPLE)]
        self._day = sorted(DAY.elements())
        random.Random(1).shuffle(self._day)  # always the same mixture, so that a soak can be repeated
        self._letter, self._pdf = papers.NOTE, papers.pdf()

    def read_everything(self) -> None:
        """Each of them reads all that they have said: what could not be saved at its end is settled by that."""
        with ThreadPoolExecutor(READERS) as readers:
            for reading in [readers.submit(self._read_own, somebody) for somebody in self._people]:
                reading.result()

    def _read_own(self, somebody: Somebody) -> None:
        for conversation in self._conversations(somebody, self._crowd.addresses[0]):
            self._call(somebody, "GET", f"{self._crowd.addresses[0]}/api/chat/history", params=conversation)

    def come(self, number: int) -> None:
        what, somebody = self._day[number % len(self._day)], self._people[number % PEOPLE]
        turn = number // len(self._day) % 2
        addresses = [*self._crowd.addresses[turn:], *self._crowd.addresses[:turn]]
        do: Callable[[Somebody, Sequence[str]], str] = getattr(self, f"_{what}")
        with somebody.busy:
            at, began = time.time(), time.perf_counter()
            try:
                trouble = do(somebody, addresses)
            except (OSError, http.client.HTTPException, requests.RequestException, ValueError, KeyError) as error:
                trouble = f"{type(error).__name__}: {error}"[:200]
            self.visits.append(Visit(what, at, time.perf_counter() - began, trouble))

    # Each of these returns why it was not answered, "" where all is well.

    def _known(self, somebody: Somebody, addresses: Sequence[str]) -> str:
        return _whole(Person(self._question(somebody, "known", "json"), addresses).ask())

    def _known_stream(self, somebody: Somebody, addresses: Sequence[str]) -> str:
        return _whole(Person(self._question(somebody, "known", "stream"), addresses).ask())

    def _new(self, somebody: Somebody, addresses: Sequence[str]) -> str:
        return _whole(Person(self._question(somebody, "new", "json"), addresses).ask())

    def _new_stream(self, somebody: Somebody, addresses: Sequence[str]) -> str:
        return _whole(Person(self._question(somebody, "new", "stream"), addresses).ask())

    def _follow_up(self, somebody: Somebody, addresses: Sequence[str]) -> str:
        first = Person(self._question(somebody, "new", "json"), addresses).ask()
        if not (first.is_answered and first.saved):
            return _whole(first)
        more = replace(self._question(somebody, "new", "stream"), conversation=first.conversation, expected="")
        return _whole(Person(more, addresses[::-1]).ask())

    def _abandoned(self, somebody: Somebody, addresses: Sequence[str]) -> str:
        return _begun(Person(self._question(somebody, "new", "stream"), addresses).ask_and_vanish())

    def _hung_up(self, somebody: Somebody, addresses: Sequence[str]) -> str:
        Person(self._question(somebody, "new", "json"), addresses).ask_and_hang_up()
        return ""

    def _stopped(self, somebody: Somebody, addresses: Sequence[str]) -> str:
        return _ended(Person(self._question(somebody, "new", "stream"), addresses).ask_and_stop())

    def _resumed(self, somebody: Somebody, addresses: Sequence[str]) -> str:
        outcome = Person(self._question(somebody, "new", "stream"), addresses).ask_and_come_back()
        # Without Redis nobody knows of what another instance writes, without the database nobody whose it is.
        return PUT_OFF if outcome.text and outcome.status in {204, 503} else _ended(outcome)

    def _pasted_document(self, somebody: Somebody, addresses: Sequence[str]) -> str:
        body = {"document": self._letter, "documentType": "administrative", "fileName": "mot.txt"}
        return self._analysed(somebody, addresses[0], json=body)

    def _document(self, somebody: Somebody, addresses: Sequence[str]) -> str:
        files = {"file": ("lettre.pdf", self._pdf, "application/pdf")}
        return self._analysed(somebody, addresses[0], files=files, data={"documentType": "mdph"})

    def _analysed(self, somebody: Somebody, address: str, **body: Any) -> str:
        reply = self._call(somebody, "POST", f"{address}/api/chat/analyze-document", **body)
        return _refusal(reply) or ("" if reply.json()["analysis"] else "no analysis")

    def _openai(self, somebody: Somebody, addresses: Sequence[str]) -> str:
        reply = self._completion(somebody, addresses[0], stream=False)
        return _refusal(reply) or ("" if reply.json()["choices"][0]["message"]["content"] else "no words")

    def _openai_stream(self, somebody: Somebody, addresses: Sequence[str]) -> str:
        reply = self._completion(somebody, addresses[0], stream=True)
        return _refusal(reply) or ("" if reply.content.endswith(b"data: [DONE]\n\n") else "no end")

    def _completion(self, somebody: Somebody, address: str, *, stream: bool) -> requests.Response:
        text = self._question(somebody, "new", "json").text
        body = {"model": "stand-in", "messages": [{"role": "user", "content": text}], "stream": stream}
        return self._call(somebody, "POST", f"{address}/v1/chat/completions", json=body)

    def _history(self, somebody: Somebody, addresses: Sequence[str]) -> str:
        for conversation in self._conversations(somebody, addresses[0])[:1]:
            return _refusal(
                self._call(somebody, "GET", f"{addresses[1]}/api/chat/history", params=conversation), may_put_off=True
            )
        return ""

    def _feedback(self, somebody: Somebody, addresses: Sequence[str]) -> str:
        outcome = Person(self._question(somebody, "known", "json"), addresses).ask()
        if not (outcome.is_answered and outcome.saved):
            return _whole(outcome)
        said = {"messageId": outcome.message_id, "rating": "up" if outcome.question.number % 3 else "down"}
        url = f"{addresses[1]}/api/chat/feedback"
        return _refusal(self._call(somebody, "POST", url, json=said), may_put_off=True)

    def _forget(self, somebody: Somebody, addresses: Sequence[str]) -> str:
        return _refusal(self._call(somebody, "DELETE", f"{addresses[0]}/api/chat/reset"), may_put_off=True)

    def _question(self, somebody: Somebody, kind: Kind, door: Door) -> Question:
        return replace(self._crowd.question(kind, door), token=somebody.token)

    def _conversations(self, somebody: Somebody, address: str) -> list[dict[str, str]]:
        """The last ones, as the history wants to be asked for them."""
        reply = self._call(somebody, "GET", f"{address}/api/chat/conversations")
        return [{"conversationId": item["id"]} for item in reply.json()["items"]] if reply.ok else []

    @staticmethod
    def _call(somebody: Somebody, method: str, url: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {somebody.token}", "X-Forwarded-Proto": "https", "Connection": "close"}
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, url, headers=headers, timeout=TIMEOUT_SECONDS, **options)


def _whole(outcome: Outcome) -> str:
    if not outcome.is_answered:
        return outcome.trouble
    if len(outcome.correlations) > 1:
        return "sent twice"  # no instance went away
    return "garbled" if is_garbled(outcome) else ""


def _ended(outcome: Outcome) -> str:
    return "" if outcome.is_answered else outcome.trouble


def _begun(outcome: Outcome) -> str:
    return "" if outcome.text else f"status {outcome.status}, no words"


def _refusal(reply: requests.Response, *, may_put_off: bool = False) -> str:
    if may_put_off and reply.status_code == http.HTTPStatus.SERVICE_UNAVAILABLE:
        return PUT_OFF
    return "" if reply.ok else f"status {reply.status_code}"
