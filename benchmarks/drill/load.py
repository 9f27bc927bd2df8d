"""A constant arrival rate of questions, independent of the answers: known and new ones, as JSON and as streams."""

from __future__ import annotations

import itertools
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Self

import frontmatter

from benchmarks.drill.clients import Client, Kind, Mode, Outcome, Question, access_token
from tests.support.processes import ROOT

USERS = 7  # no divisor of the pattern below, so that each user sends questions of each kind
KNOWN_TEXTS = 8
NEW_TEXTS = 32
MAX_CONCURRENT = 600  # reached only when answers stop arriving
KINDS: tuple[Kind, ...] = ("known", "new", "known", "new", "known", "new", "known", "new", "known", "follow-up")
ENTRIES = ROOT / "chat" / "knowledge_base" / "fr"


class ClientPool:
    """Creates questions from the bundled French knowledge base and sends them for a few signed-in users.

    `addresses` are the instances' URLs; `secret` signs the access tokens.
    """

    def __init__(self, addresses: Sequence[str], secret: str) -> None:
        self.addresses = list(addresses)
        texts = [frontmatter.load(str(path))["questions"][0] for path in sorted(ENTRIES.glob("*.md"))]
        self._known, self._new = texts[:KNOWN_TEXTS], texts[KNOWN_TEXTS : KNOWN_TEXTS + NEW_TEXTS]
        self._tokens = [access_token(f"person-{number}", secret) for number in range(USERS)]
        self._numbers = itertools.count()
        self._expected: dict[str, str] = {}
        self._conversation_ids: dict[str, str] = {}
        self._avoided: set[str] = set()

    def learn_answers(self) -> Iterator[Outcome]:
        """Send each question once. This fills the answer cache and records the stand-in's answers."""
        for number, text in enumerate([*self._known, *self._new]):
            question = replace(self.question("known", "json"), text=text, expected="")
            outcome = self.ask(question, number % len(self.addresses))
            self._expected[text] = outcome.text
            yield outcome

    def warm_cache(self) -> Iterator[Outcome]:
        """Send the known questions, so that the cache has their answers."""
        for _ in self._known:
            yield self.ask(self.question("known", "json"))

    def question(self, kind: Kind, mode: Mode) -> Question:
        number = next(self._numbers)
        texts = self._known if kind == "known" else self._new
        text, token = texts[number // 2 % len(texts)], self._tokens[number % USERS]
        if kind == "follow-up":  # its answer depends on the conversation and is not known in advance
            return Question(number, kind, mode, text, token, conversation_id=self._conversation_ids.get(token))
        return Question(number, kind, mode, text, token, self._expected.get(text, ""))

    def conversation_ids(self) -> list[str]:
        """Of people who have asked."""
        return list(self._conversation_ids.values())

    def ask(self, question: Question, first: int = 0) -> Outcome:
        """Send the question to instance number `first`, and to the other one if the connection breaks."""
        addresses = [*self.addresses[first:], *self.addresses[:first]]
        outcome = Client(question, sorted(addresses, key=self._avoided.__contains__)).ask()
        if outcome.conversation_id:
            self._conversation_ids[question.token] = outcome.conversation_id
        return outcome

    @contextmanager
    def avoiding(self, address: str) -> Iterator[None]:
        """Within the block this instance is used last, as by a load balancer that knows it is not ready."""
        self._avoided.add(address)
        yield
        self._avoided.remove(address)

    def abandon_longest_answer(self) -> Outcome:
        """Request the longest answer as JSON, which can't be resumed, and disconnect before it can arrive."""
        questions = (self.question("new", "json") for _ in self._new)
        longest = max(questions, key=lambda question: len(question.expected))
        return Client(longest, self.addresses).disconnect_early()


class ConstantRateLoad(ABC):
    """A `with` block during which `execute` is called `rate` times a second; its end waits for the last call.

    `sent` counts the calls.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.sent = 0
        self._finished = threading.Event()
        self._pool = ThreadPoolExecutor(MAX_CONCURRENT, thread_name_prefix="client")
        self._scheduler = threading.Thread(target=self._schedule, name="load", daemon=True)

    def __enter__(self) -> Self:
        self._scheduler.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._finished.set()
        self._scheduler.join()
        self._pool.shutdown(wait=kind is None, cancel_futures=kind is not None)

    @abstractmethod
    def execute(self, number: int) -> None:
        """Run call number `number`, counted from 0, in a thread of the pool."""

    def _schedule(self) -> None:
        """Submit each call at its time after the start, so that small delays don't add up."""
        began = time.monotonic()
        for number in itertools.count():
            if self._finished.wait(max(0.0, began + number / self.rate - time.monotonic())):
                return
            self.sent += 1
            self._pool.submit(self.execute, number)


class QuestionLoad(ConstantRateLoad):
    """Sends one question per call. `outcomes` grows as answers arrive."""

    def __init__(self, clients: ClientPool, rate: float, kinds: Sequence[Kind] = KINDS) -> None:
        super().__init__(rate)
        self.clients = clients
        self._kinds = kinds
        self.outcomes: list[Outcome] = []

    def __str__(self) -> str:
        answered = sum(outcome.is_answered for outcome in list(self.outcomes))
        affected = sum(not outcome.is_unaffected for outcome in list(self.outcomes))
        return f"{self.sent} sent, {answered} answered, {affected} affected"

    def execute(self, number: int) -> None:
        mode: Mode = "stream" if number // 2 % 2 else "json"
        question = self.clients.question(self._kinds[number % len(self._kinds)], mode)
        self.outcomes.append(self.clients.ask(question, number // 4 % len(self.clients.addresses)))


def require_answers(outcomes: Iterator[Outcome]) -> list[Outcome]:
    """Consume all outcomes. Raises RuntimeError if a question has no answer: nothing can be measured then."""
    results = list(outcomes)
    if errors := [outcome.error for outcome in results if not outcome.is_answered]:
        raise RuntimeError(f"{len(errors)} questions had no answer before any fault ({errors[0]})")
    return results
