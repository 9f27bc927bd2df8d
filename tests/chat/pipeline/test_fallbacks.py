"""The fallbacks when the AI cannot answer, in the language of the question."""

from __future__ import annotations

from typing import Any

import pytest

from chat import knowledge
from chat.core.long_date import long_date
from chat.models import KnowledgeEntry
from chat.pipeline import distress, help_lines
from tests.chat.storage.test_answer_cache_fleet import set_age_of_all
from tests.support.sse import parse_parts, text_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _single_attempt(settings) -> None:
    settings.AI_MAX_ATTEMPTS = 1


def stream(visitor, message: str) -> tuple[str, str, list[str]]:
    """The text, the notices and the source URLs of a streamed answer."""
    parts = list(parse_parts(visitor.stream(message).streaming_content))
    notices = [part["data"]["text"] for part in parts if part["type"] == "data-notice"]
    return text_of(parts), " ".join(notices), [part["url"] for part in parts if part["type"] == "source-url"]


@pytest.mark.parametrize(
    ("question", "days", "age"),
    [
        ("Qu'est-ce que la MDPH ?", 3, "il y a 3 jours"),
        ("What is the MDPH and how do I get help?", 2, "2 days ago"),
    ],
)
def test_a_stale_answer_states_its_age(visitor, ai, question, days, age):
    text, _, sources = stream(visitor, question)
    set_age_of_all(age_seconds=days * 86400 + 60, fresh_seconds=86400)
    ai.fail("error")
    stale, notice, stale_sources = stream(visitor, question)
    assert (stale, stale_sources) == (text, sources)
    assert age in notice


@pytest.mark.parametrize(
    ("question", "language", "phrase"),
    [
        ("comment avoir une aesh pour mon fils", "fr", "une fiche de notre base, et non une réponse"),
        ("How do I get an AESH for my son?", "en", "an article from our knowledge base, not an answer"),
    ],
)
def test_a_matching_article_is_served_with_its_source_and_called_an_article(visitor, ai, question, language, phrase):
    ai.fail("error")
    text, notice, sources = stream(visitor, question)
    article = knowledge.current().article("aesh", language)
    assert article
    assert text == f"**{article.title}**\n\n{article.text.strip()}"
    assert sources == [article.source_url]
    assert phrase in notice


@pytest.mark.parametrize(
    ("question", "language", "phrase"),
    [
        ("comment enlever une tache de vin sur la nappe", "fr", "Je regrette"),
        ("how do I fix a python import error", "en", "I’m sorry"),
    ],
)
def test_without_a_matching_article_the_answer_is_an_apology_and_two_numbers(visitor, ai, question, language, phrase):
    ai.fail("error")
    text, _, sources = stream(visitor, question)
    assert phrase in text
    assert numbers_in(text) == ["0 800 360 360", "112"]
    assert "dans une minute" not in text
    assert "in a minute" not in text
    assert sources == []


def numbers_in(text: str) -> list[str]:
    """The numbers of the help lines in the list at the end of an answer."""
    return [line.split("**")[1] for line in text.splitlines() if line.startswith("- **")]


def test_without_a_matching_article_the_questions_of_near_articles_are_offered(visitor, ai):
    ai.fail("error", status=503)
    question = "ils ont mis deux ans seulement, il faudra tout refaire"
    nearest = knowledge.current().search(question, "fr", 1)[0]
    article = knowledge.current().article(nearest.slug, "fr")
    assert article
    near = visitor.ask(question).json()
    assert (near["origin"], near["suggestions"]) == ("fallback", [article.questions[0]])
    assert visitor.ask("comment enlever une tache de vin sur la nappe").json()["suggestions"] == []


def test_an_article_past_its_date_says_so_before_its_text(visitor, ai, monkeypatch):
    ai.fail("error")
    monkeypatch.setattr(KnowledgeEntry, "is_overdue", lambda entry, day=None: True)
    article = knowledge.current().article("aesh", "fr")
    assert article
    text, *_ = stream(visitor, "comment avoir une aesh pour mon fils")
    checked = long_date(article.checked_on, "fr")
    assert text.startswith(f"**{article.title}**\n\n*Attention\xa0: cette fiche a été vérifiée le {checked}.")
    assert text.endswith(article.text.strip())


def test_a_person_in_distress_gets_people_to_call_and_no_article(visitor, ai, settings):
    settings.AI_MAX_ATTEMPTS = 1
    ai.fail("error", status=503)
    answer = visitor.ask("Je n'en peux plus, je veux mourir. Comment demander l'AEEH pour ma fille ?").json()
    assert answer["origin"] == "fallback"
    assert answer["response"].startswith(help_lines.load().notice("suicide").text_in("fr"))
    assert "Si l’un ne répond pas, essayez le suivant" in answer["response"]
    assert numbers_in(answer["response"]) == ["3114", "15", "112"]
    assert "deviner" not in answer["response"]


def told(visitor, *messages: str) -> list[dict[str, Any]]:
    """The answers to these messages of one conversation."""
    answers: list[dict[str, Any]] = []
    for message in messages:
        place = {"conversationId": answers[0]["conversationId"]} if answers else {}
        answers.append(visitor.ask(message, **place).json())
    return answers


LOSS = "Ma fille Lou est décédée dimanche. Faut-il répondre au renouvellement de l'AEEH ?"


def test_after_the_loss_of_a_child_no_questions_of_any_family_are_offered(visitor, ai):
    answers = told(visitor, LOSS, "il faut rendre le mois ?", "Comment avoir une AESH pour son frère ?")
    assert [answer["suggestions"] for answer in answers] == [[], [], []]
    notice = help_lines.load().notice("grief").text_in("fr")
    assert [notice in answer["response"] for answer in answers] == [True, False, False]


def test_the_answer_kept_for_another_is_offered_without_questions_after_the_loss_of_a_child(visitor, ai):
    assert told(visitor, LOSS, "il faut rendre le mois ?")[-1]["origin"] == "ai"
    again = told(visitor, LOSS, "il faut rendre le mois ?")[-1]
    assert (again["origin"], again["suggestions"]) == ("cache", [])


def test_without_the_ai_a_bereaved_parent_gets_the_article_written_for_them(visitor, ai):
    ai.fail("error", status=503)
    article = knowledge.current().article("deces-enfant", "fr")
    assert article
    for answer in told(visitor, LOSS, "il faut rendre le mois ?"):
        assert (answer["origin"], answer["suggestions"]) == ("knowledge", [])
        assert article.text.strip() in answer["response"]


def test_without_a_fitting_article_a_bereaved_parent_gets_the_numbers_of_the_notice_alone(visitor, ai):
    ai.fail("error", status=503)
    [answer] = told(visitor, "Mon fils Théo est mort en mars")
    assert answer["origin"] == "fallback"
    assert numbers_in(answer["response"]) == ["0 800 360 360", "3114"]


def test_who_speaks_of_dying_after_the_loss_of_a_child_gets_people_to_call_and_no_article(visitor, ai):
    ai.fail("error", status=503)
    answer = told(visitor, LOSS, "je veux mourir. faut-il rendre l'AEEH de ma fille décédée ?")[-1]
    assert answer["origin"] == "fallback"
    assert numbers_in(answer["response"]) == ["3114", "15", "112"]


def test_after_a_word_of_suicide_a_question_is_answered_after_a_reminder_of_the_number(visitor, ai):
    ai.fail("error", status=503)
    first, later = told(visitor, "tout le monde serait mieux sans moi", "Faut-il une tutelle pour mon fils majeur ?")
    notices = help_lines.load()
    assert first["response"].startswith(notices.notice("suicide").text_in("fr"))
    assert later["response"].startswith(notices.notice("reminder").text_in("fr"))
    assert (later["origin"], later["suggestions"]) == ("knowledge", [])
    assert "tutelle" in later["response"]


def test_of_two_likely_kinds_the_one_of_the_message_before_is_told(visitor, ai):
    [_, later] = told(
        visitor, "on dort à la gare ce soir avec ma fille, le 115 ne répond pas", "il est 19h elle a froid"
    )
    notices = help_lines.load()
    assert notices.notice("no_roof").text_in("fr") in later["response"]
    assert notices.notice("missing").text_in("fr") not in later["response"]


@pytest.mark.parametrize(
    ("earlier", "message", "kind"),
    [
        ("je suis à bout", "je suis si fatiguée, j'ai envie de dormir pour toujours", "suicide"),
        ("je n'en peux plus, je craque", "Si j'avais du courage j'en finirais", "suicide"),
        ("je suis à bout", "ma fille convulse, je n'en peux plus", "medical"),
        ("je n'en peux plus, je craque", "il respire mal, je suis à bout", "medical"),
    ],
)
def test_a_danger_to_life_is_told_although_the_message_before_was_of_the_other_kind(
    visitor, ai, earlier, message, kind
):
    assert set(distress.detect(message)) == {kind, "exhaustion"}
    [first, later] = told(visitor, earlier, message)
    notices = help_lines.load()
    assert first["response"].startswith(notices.notice("exhaustion").text_in("fr"))
    assert notices.notice(kind).text_in("fr") in later["response"]
