"""The classifier of questions by entry. How much it helps the search is measured in test_evaluation.py."""

from __future__ import annotations

import pytest

from chat.knowledge import paraphrase_classifier


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


def test_unknown_words_and_none_fit_nothing_well() -> None:
    classifier = paraphrase_classifier.for_language("en")
    assert max(classifier.fits(["xqzw"]).values(), default=0.0) < 0.5
    assert classifier.fits([]) == {}
