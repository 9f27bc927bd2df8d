from __future__ import annotations

from collections import defaultdict
from typing import get_args

import pytest

from chat.core.language import Language
from chat.knowledge import lexicon
from chat.knowledge.files import BUNDLED, read_folder
from chat.knowledge.index import Index
from chat.knowledge.spelling import Spelling

LANGUAGES = get_args(Language)


@pytest.fixture(scope="module")
def indexes() -> dict[str, Index]:
    entries = [file.entry for file in read_folder(BUNDLED)]
    return {
        language: Index(language, [entry for entry in entries if entry.language == language]) for language in LANGUAGES
    }


def test_folding_removes_case_accents_ligatures_and_punctuation() -> None:
    assert lexicon.fold("L’ÉTÉ, à Œuilly… ça\u00a0va ?") == "l ete a oeuilly ca va"


def test_abbreviations_are_expanded() -> None:
    assert (
        lexicon.for_language("fr").expand_abbreviations("G pas compris c koi pr mon ptit svp")
        == "j ai pas compris c est quoi pour mon petit"
    )


def test_the_longest_phrase_is_replaced() -> None:
    french = lexicon.for_language("fr")
    assert french.normalise("la maison départementale des personnes handicapées") == "la mdph"
    assert french.normalise("Maison du handicap") == "mdph"
    assert french.normalise("allocations") == "allocations"  # not within a word


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_phrase_has_one_synonym(language: Language, indexes: dict[str, Index]) -> None:
    synonyms = defaultdict(set)
    for phrase, synonym in lexicon.for_language(language).synonyms:
        synonyms[indexes[language]._stems(phrase)].add(synonym)
    assert {phrase: found for phrase, found in synonyms.items() if len(found) > 1} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_synonym_occurs_in_the_bundled_entries(language: Language, indexes: dict[str, Index]) -> None:
    index = indexes[language]
    unknown = [
        synonym
        for _, synonym in lexicon.for_language(language).synonyms
        if not any(map(index._bm25.document_frequency, index._stems(synonym)))
    ]
    assert unknown == []


@pytest.mark.parametrize("typed", ["harcelement", "harclement", "harcellement", "harcelenent", "hacrelement"])
def test_a_word_one_typing_error_away_is_a_candidate(typed: str) -> None:
    assert Spelling(["harcelement", "handicap"]).candidates(typed) == {"harcelement"}


def test_a_letter_lost_and_another_added_elsewhere_are_two_errors() -> None:
    assert Spelling(["isoler", "colere", "scolaire"]).candidates("scoler") == {"scolaire"}  # by its sound


@pytest.mark.parametrize("typed", ["harclment", "aah", "12345", ""])
def test_two_errors_short_words_and_numbers_have_no_candidates(typed: str) -> None:
    assert Spelling(["harcelement", "aab", "1234"]).candidates(typed) == set()
