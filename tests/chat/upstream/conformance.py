"""Runs the scenarios through HTTP, and writes the answers that people get into the table of docs/conformance.md."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from chat.core.question import normalise
from chat.pipeline import cache_warmer
from chat.upstream import breaker_registry, retry, session
from chat.upstream.request import ResponseBody
from tests.chat.upstream.scenarios import SCENARIOS, Scenario, Vote, ask_once
from tests.support.distress_notices import notice_on
from tests.support.fake_upstream import RawServer
from tests.support.polling import eventually
from tests.support.services import ROOT
from tests.support.sse import text_of

PAGE = ROOT / "docs" / "conformance.md"
READS_LENGTH = 40  # characters in the table

_HEADING = (
    "| the service sends | seen at | people read | ending | cached | breaker |\n| --- | --- | --- | --- | --- | --- |\n"
)


@dataclass(frozen=True)
class Outcome:
    """`text` is the AI's, `ending` how it ends or the reason for the fallback; `has_notice` if a notice says so."""

    text: str
    ending: str
    is_kept: bool
    vote: str
    has_notice: bool


def expected(scenario: Scenario) -> Outcome:
    return Outcome(scenario.text.strip(), scenario.ending, scenario.is_kept, scenario.vote, scenario.has_notice)


class Player:
    """Plays scenarios one after another, with retries that don't wait."""

    def __init__(self, visitor: Any, another_visitor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self._visitor, self._another = visitor, another_visitor
        self._questions = dict(zip(SCENARIOS, _shared_questions(), strict=False))
        monkeypatch.setattr(retry, "FIRST_WAIT_SECONDS", 0.0)
        monkeypatch.setattr(ResponseBody, "END_SECONDS", 0.3)

    def play(self, name: str) -> Outcome:
        """Ask the scenario's question, and then another person asks it, too."""
        scenario, question = SCENARIOS[name], self._questions[name]
        with _serving(scenario) as server, _configured(name, server, scenario):
            parts = list((scenario.ask or ask_once)(self._visitor, question))
            with suppress(AssertionError):  # a success is posted: it is in Redis a moment later
                eventually(lambda: _vote() == scenario.vote, seconds=1)
            vote = _vote()
            is_kept = scenario.ask is None and self._another.ask(question).json()["origin"] == "cache"
        finish = parts[-1]["messageMetadata"]
        is_ai = finish["origin"] == "ai"
        notices = [part["data"] for part in parts if part["type"] == "data-notice"]
        return Outcome(
            text_of(parts).strip() if is_ai else "",
            finish["ending"] if is_ai else notices[0]["reason"] if notices else finish["origin"],
            is_kept,
            vote,
            bool(notices),
        )


def _vote() -> Vote:
    """What the circuits have counted: every scenario has its own."""
    snapshots = [breaker_registry.get(name).snapshot() for name in ("chat", "analyze")]
    calls, failures = sum(each.calls for each in snapshots), sum(each.failures for each in snapshots)
    return "success" if calls > failures else "failure" if failures else "none"


def _configured(name: str, server: RawServer, scenario: Scenario) -> override_settings:
    """With the settings of this scenario, and a session that knows no other service."""
    session.get.cache_clear()
    changes = {"AI_SERVICE_URL": "{}", "AI_SERVICE_MODEL": name, **scenario.settings}
    return override_settings(**changes | {"AI_SERVICE_URL": changes["AI_SERVICE_URL"].format(server.address)})


def _shared_questions() -> Iterator[str]:
    """Questions whose answers people share: the knowledge base's own, each once."""
    questions = {normalise(task.question.text): task.question for task in cache_warmer.tasks()}
    for question in questions.values():
        if question.language == "fr" and not notice_on(question.text):
            yield question.text


@contextmanager
def _serving(scenario: Scenario) -> Iterator[RawServer]:
    def answer(connection: socket.socket) -> None:
        if isinstance(scenario.reply, bytes):
            connection.sendall(scenario.reply)
        else:
            scenario.reply(connection, server.requests)

    server = RawServer(answer)
    with closing(server):
        yield server


def write_page(outcomes: Mapping[str, Outcome], page: Path = PAGE) -> str:
    """The page with these outcomes in its table."""
    before = page.read_text().partition(_HEADING)[0]
    return before + _HEADING + "".join(_row(name, outcome) + "\n" for name, outcome in outcomes.items())


def _row(name: str, outcome: Outcome) -> str:
    text = re.sub(r"\s+", " ", outcome.text).replace("|", "\\|")
    text = text if len(text) <= READS_LENGTH else f"{text[:READS_LENGTH]}…"
    is_answer = bool(outcome.text)
    reads = f"{text}{' + a notice' if outcome.has_notice else ''}" if is_answer else "a fallback + a notice"
    cached = "yes" if outcome.is_kept else "–" if SCENARIOS[name].ask else "no"
    cells = (name, SCENARIOS[name].seen_at, reads, f"`{outcome.ending}`", cached, outcome.vote)
    return f"| {' | '.join(cells)} |"
