"""A steady load: so many questions a second, whatever becomes of the answers; known and new, as JSON and as streams."""

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

from chat.drill.people import Door, Kind, Outcome, Person, Question, token
from chat.knowledge.files import BUNDLED, read_folder

RATE = 12.0  # questions a second
PEOPLE = 7  # no divisor of the pattern below, so that everybody asks everything
KNOWN_TEXTS = 8
NEW_TEXTS = 32
AT_ONCE = 200  # a bound, never reached unless answers stop coming
KINDS: tuple[Kind, ...] = ("known", "new", "known", "new", "known", "new", "known", "new", "known", "follow-up")


class Crowd:
    """Where questions come from: the bundled knowledge base's own, in French, asked by a few signed-in people."""

    def __init__(self, addresses: Sequence[str], secret: str) -> None:
        self.addresses = list(addresses)
        texts = [file.entry.questions[0] for file in read_folder(BUNDLED) if file.entry.language == "fr"]
        self._known, self._new = texts[:KNOWN_TEXTS], texts[KNOWN_TEXTS : KNOWN_TEXTS + NEW_TEXTS]
        self._tokens = [token(f"person-{number}", secret) for number in range(PEOPLE)]
        self._numbers = itertools.count()
        self._expected: dict[str, str] = {}
        self._conversations: dict[str, str] = {}
        self._resting: set[str] = set()

    def learn(self) -> Iterator[Outcome]:
        """Ask each question once, in peace: that warms the cache, and tells what the stand-in answers to it."""
        for number, text in enumerate([*self._known, *self._new]):
            question = replace(self.question("known", "json"), text=text, expected="")
            outcome = self.ask(question, number % len(self.addresses))
            self._expected[text] = outcome.text
            yield outcome

    def warm(self) -> Iterator[Outcome]:
        """Have the known questions in the cache."""
        for _ in self._known:
            yield self.ask(self.question("known", "json"))

    def question(self, kind: Kind, door: Door) -> Question:
        number = next(self._numbers)
        texts = self._known if kind == "known" else self._new
        text, bearer = texts[number // 2 % len(texts)], self._tokens[number % PEOPLE]
        if kind == "follow-up":  # what was said before may change the answer
            return Question(number, kind, door, text, bearer, conversation=self._conversations.get(bearer))
        return Question(number, kind, door, text, bearer, self._expected.get(text, ""))

    def ask(self, question: Question, first: int = 0) -> Outcome:
        """Ask at one instance, and at the other when that one breaks off."""
        addresses = [*self.addresses[first:], *self.addresses[:first]]
        outcome = Person(question, sorted(addresses, key=self._resting.__contains__)).ask()
        if outcome.conversation:
            self._conversations[question.token] = outcome.conversation
        return outcome

    @contextmanager
    def without(self, address: str) -> Iterator[None]:
        """A block during which the load balancer knows that this instance is not ready."""
        self._resting.add(address)
        yield
        self._resting.remove(address)

    def vanish(self) -> Outcome:
        """Somebody asks what is answered at length, and leaves after the first words."""
        questions = (self.question("new", "stream") for _ in self._new)
        longest = max(questions, key=lambda question: len(question.expected))
        return Person(longest, self.addresses).ask_and_vanish()


class Arrivals(ABC):
    """A `with` block during which people come, so many a second, whatever becomes of them; leaving waits for the last.

    `sent` counts them.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.sent = 0
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="person")
        self._clock = threading.Thread(target=self._tick, name="arrivals", daemon=True)

    def __enter__(self) -> Self:
        self._clock.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over.set()
        self._clock.join()
        self._pool.shutdown(wait=kind is None, cancel_futures=kind is not None)

    @abstractmethod
    def come(self, number: int) -> None:
        """What one of them does, the first being number 0."""

    def _tick(self) -> None:
        """Send each at their time, counted from the start, so that small delays don't add up."""
        began = time.monotonic()
        for number in itertools.count():
            if self._over.wait(max(0.0, began + number / self.rate - time.monotonic())):
                return
            self.sent += 1
            self._pool.submit(self.come, number)


class Load(Arrivals):
    """People who ask one question each. `outcomes` grows as they are answered."""

    def __init__(self, crowd: Crowd, rate: float = RATE) -> None:
        super().__init__(rate)
        self.crowd = crowd
        self.outcomes: list[Outcome] = []

    def __str__(self) -> str:
        answered = sum(outcome.is_answered for outcome in list(self.outcomes))
        flawed = sum(not outcome.is_perfect for outcome in list(self.outcomes))
        return f"{self.sent} asked, {answered} answered, {flawed} not as in peace"

    def come(self, number: int) -> None:
        door: Door = "stream" if number // 2 % 2 else "json"
        question = self.crowd.question(KINDS[number % len(KINDS)], door)
        self.outcomes.append(self.crowd.ask(question, number // 4 % len(self.crowd.addresses)))


def consume(outcomes: Iterator[Outcome]) -> list[Outcome]:
    """All of them. Raises RuntimeError when one of them is no answer: nothing can be measured then."""
    done = list(outcomes)
    if bad := [outcome.trouble for outcome in done if not outcome.is_answered]:
        raise RuntimeError(f"{len(bad)} questions had no answer before anything was broken ({bad[0]})")
    return done
