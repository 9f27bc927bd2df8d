"""What people get when the AI can't answer, rung by rung, in their own language."""

from __future__ import annotations

import pytest

from chat import help_lines, knowledge
from tests.chat.test_cache_fleet import age_all
from tests.frames import parts_in, text_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _asked_once(settings) -> None:
    settings.AI_ATTEMPTS = 1


def heard(visitor, message: str) -> tuple[str, str, list[str]]:
    """The text, the notice beside it and the addresses of its sources, as the page hears them."""
    parts = list(parts_in(visitor.stream(message).streaming_content))
    notices = [part["data"]["text"] for part in parts if part["type"] == "data-notice"]
    return text_of(parts), " ".join(notices), [part["url"] for part in parts if part["type"] == "source-url"]


@pytest.mark.parametrize(
    ("question", "days", "age"),
    [
        ("Qu'est-ce que la MDPH ?", 3, "il y a 3 jours"),
        ("What is the MDPH and how do I get help?", 2, "2 days ago"),
    ],
)
def test_an_older_answer_says_kindly_how_old_it_is(visitor, ai, question, days, age):
    text, _, sources = heard(visitor, question)
    age_all(created=days * 86400 + 60, fresh_seconds=86400)
    ai.fail("error")
    older, notice, older_sources = heard(visitor, question)
    assert (older, older_sources) == (text, sources)
    assert age in notice


@pytest.mark.parametrize(
    ("question", "language", "words"),
    [
        ("comment avoir une aesh pour mon fils", "fr", "une fiche de notre base, et non une réponse"),
        ("How do I get an AESH for my son?", "en", "an article from our knowledge base, not an answer"),
    ],
)
def test_an_article_that_fits_is_given_with_its_source_and_called_an_article(visitor, ai, question, language, words):
    ai.fail("error")
    text, notice, sources = heard(visitor, question)
    article = knowledge.article("aesh", language)
    assert text == f"**{article.title}**\n\n{article.text.strip()}"
    assert sources == [article.source_url]
    assert words in notice


@pytest.mark.parametrize(
    ("question", "language", "words"),
    [
        ("comment enlever une tache de vin sur la nappe", "fr", "Je regrette"),
        ("how do I fix a python import error", "en", "I'm sorry"),
    ],
)
def test_where_nothing_fits_there_are_kind_words_and_every_help_line(visitor, ai, question, language, words):
    ai.fail("error")
    text, _, sources = heard(visitor, question)
    assert words in text
    assert help_lines.as_markdown(language) in text
    assert sources == []
