from __future__ import annotations

from collections import defaultdict
from typing import get_args

import pytest

from chat.knowledge import wording
from chat.knowledge.files import BUNDLED, read_folder
from chat.knowledge.index import Index
from chat.knowledge.spelling import Spelling
from chat.questions import Language

LANGUAGES = get_args(Language)


@pytest.fixture(scope="module")
def indexes() -> dict[str, Index]:
    entries = [file.entry for file in read_folder(BUNDLED)]
    return {
        language: Index(language, [entry for entry in entries if entry.language == language]) for language in LANGUAGES
    }


def test_case_accents_ligatures_and_punctuation_do_not_count() -> None:
    assert wording.folded("L’ÉTÉ, à Œuilly… ça\u00a0va ?") == "l ete a oeuilly ca va"


def test_sms_style_is_spelt_out() -> None:
    assert (
        wording.of("fr").spelt_out("G pas compris c koi pr mon ptit svp")
        == "j ai pas compris c est quoi pour mon petit"
    )


def test_the_longest_name_is_replaced_whole() -> None:
    french = wording.of("fr")
    assert french.written("la maison départementale des personnes handicapées") == "la mdph"
    assert french.written("Maison du handicap") == "mdph"
    assert french.written("allocations") == "allocations"  # no part of a word


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_said_means_one_thing(language: Language, indexes: dict[str, Index]) -> None:
    meant = defaultdict(set)
    for said, meaning in wording.of(language).meanings:
        meant[indexes[language]._stems(said)].add(meaning)
    assert {said: meanings for said, meanings in meant.items() if len(meanings) > 1} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_meant_is_in_the_bundled_entries(language: Language, indexes: dict[str, Index]) -> None:
    index = indexes[language]
    unknown = [
        meant for _, meant in wording.of(language).meanings if not any(map(index._terms.spread, index._stems(meant)))
    ]
    assert unknown == []


@pytest.mark.parametrize("typed", ["harcelement", "harclement", "harcellement", "harcelenent", "hacrelement"])
def test_a_word_one_typing_error_away_is_near(typed: str) -> None:
    assert Spelling(["harcelement", "handicap"]).near(typed) == {"harcelement"}


@pytest.mark.parametrize("typed", ["harclment", "aah", "12345", ""])
def test_two_errors_short_words_and_numbers_are_near_nothing(typed: str) -> None:
    assert Spelling(["harcelement", "aab", "1234"]).near(typed) == set()
