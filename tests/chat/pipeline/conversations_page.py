"""`make conversations`: writes into docs/conversations.md what people read in 40 hard conversations, AI up and down.

The person's side is in `conversations.jsonl`, by somebody who had seen neither entries nor notices. The stand-in only
quotes the passages that it gets: the page shows what stands around an AI's words, and what is there without them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ChatClient

pytestmark = pytest.mark.django_db(transaction=True)
CONVERSATIONS = Path(__file__).with_name("conversations.jsonl")
PAGE = Path(__file__).parents[3] / "docs" / "conversations.md"
HEAD = """# Hard conversations

What a person reads, in full, in 40 conversations that a stranger wrote: with the AI (a stand-in, which only quotes the
passages that it is given) and without any. `make conversations` writes this page.

Three people have read it as a parent, and a French social worker. Each first message that tells of a danger gets the
number of its kind first, and whoever does not answer any more after a farewell 15 and 112. Phrases of distress and
questions of entries were chosen with this page in sight, so that it is no measure of either. What is not right:

- Some calm messages get a notice: anger at a school, at a report on a family (which it may take as a reproach).
- A follow-up is judged nearly alone: the conversation decides between two likely kinds of distress, and a word of
  suicide leaves a reminder for two messages.
- Without the AI a follow-up may get an article beside the point: "le patron il doit me reprendre" that on the
  carer's leave, which names the right leave first. "et s'ils répondent pas" gets the MDPH's four months with the AI.
- Of two or three questions in one message the article answers one.
- Another child's file and a letter for a judge are refused in the article on this assistant, which those questions do
  not find first.
- Without the AI a child's death, as a word of suicide, is remembered for one message and not for two: a question that
  got an article is no part of the conversation that the next is read in.
- "Vous faites bien de poser la question", "La prochaine étape" and "je n'y ai rien trouvé" are the stand-in's own
  sentences.
"""


@pytest.fixture(scope="module")
def played() -> dict[str, list[list[dict[str, Any]]]]:
    """The answers of all conversations, with the AI and without: each in a test of its own, with an empty cache."""
    return {}


@pytest.mark.timeout(170)
@pytest.mark.parametrize("name", ["With the AI", "Without"])
def test_play(ai, settings, played, name):
    settings.RATE_LIMIT_CHAT, settings.AI_MAX_ATTEMPTS = "10000/minute", 1
    if name == "Without":
        ai.fail("error", status=503)
    played[name] = [_played(each) for each in _conversations()]


def test_write_the_page(played):
    parts = [HEAD]
    for conversation, *answers in zip(_conversations(), *played.values(), strict=True):
        parts.append(f"## {conversation['title']}\n")
        for text, *each in zip(conversation["turns"], *answers, strict=True):
            parts.append(f"{_quoted(f'🧑 {text}')}\n")
            parts += [f"*{name}*\n\n{_shown(answer)}\n" for name, answer in zip(played, each, strict=True)]
    PAGE.write_text("\n".join(parts), "utf-8")


def _conversations() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CONVERSATIONS.read_text("utf-8").splitlines()]


def _played(conversation: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers to all turns of one person."""
    language = "en" if "English" in conversation["title"] and "Mixed" not in conversation["title"] else "fr"
    person = ChatClient(raise_request_exception=False, headers={"Accept-Language": language})
    answers: list[dict[str, Any]] = []
    for text in conversation["turns"]:
        place = {"conversationId": answers[0]["conversationId"]} if answers else {}
        answers.append(person.ask(text, **place).json())
    return answers


def _shown(answer: dict[str, Any]) -> str:
    below = [f"Source: {source['title']} ({source['asOf']})" for source in answer["sources"]]
    below += [f"Suggestion: {each}" for each in answer["suggestions"]]
    return _quoted("\n".join([answer["response"], *([""] if below else []), *(f"- {each}" for each in below)]))


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())
