"""The classifier of questions by entry. How much it helps the search is measured in test_evaluation.py."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from chat.knowledge import paraphrase_classifier
from chat.knowledge.index import GOOD_FIT
from chat.knowledge.knowledge_base import KnowledgeBase
from chat.knowledge.paraphrase_classifier import NO_ENTRY
from chat.knowledge.reloader import bundled_entries
from chat.models import KnowledgeEntry


def best_and_second(text: str) -> list[tuple[float, str]]:
    fits = paraphrase_classifier.for_language("fr").fits(text.split())
    return sorted(((fit, slug) for slug, fit in fits.items()), reverse=True)[:2]


def test_the_fit_of_words_tells_their_entry_from_the_others() -> None:
    (fit, slug), (second, _) = best_and_second("le taxi du matin pour l ecole ne vient plus")
    assert slug == "transport-scolaire"
    assert fit > 2 * second


@pytest.mark.parametrize("word", ["orthophoniste", "ortophoniste"])
def test_a_typing_error_leaves_the_best_fit(word: str) -> None:
    assert best_and_second(word)[0][1] == "attente-orthophoniste"


@pytest.mark.parametrize("text", ["la box ne marche plus", "mes tomates ont des taches", "un avocat pour mon divorce"])
def test_what_no_entry_answers_has_a_class_of_its_own(text: str) -> None:
    assert best_and_second(text)[0][1] == NO_ENTRY


def test_what_an_entry_answers_that_is_not_here_is_no_good_fit_of_another() -> None:
    entries = [entry for entry in bundled_entries() if entry.slug != "sessad"]
    passages = KnowledgeBase(entries).search("comment avoir une place au sessad", "fr", 3)
    assert all(passage.score < GOOD_FIT for passage in passages)


def test_unknown_words_and_none_fit_nothing_well() -> None:
    classifier = paraphrase_classifier.for_language("en")
    assert max(classifier.fits(["xqzw"]).values(), default=0.0) < 0.5
    assert classifier.fits([]) == {}


OWN: dict[str, Any] = {
    "checked_on": dt.date(2026, 11, 29),
    "text": "L'association prête des tandems et des tricycles adaptés le samedi, gratuitement, à Rennes.",
    "questions": ["Où emprunter un tandem ?", "Qui prête des tricycles adaptés ?"],
}


@pytest.mark.parametrize(
    "question", ["Où emprunter un tandem ?", "je cherche un tandem à emprunter", "vous pretez des tricycles ?"]
)
def test_an_operators_entry_that_it_has_not_learned_is_found_as_well(question: str) -> None:
    own = KnowledgeEntry(slug="tandem", language="fr", topic="quotidien", title="Le prêt de tandems", **OWN)
    best = KnowledgeBase([*bundled_entries(), own]).search(question, "fr", 3)[0]
    assert best.slug == "tandem"
    assert best.score >= GOOD_FIT
