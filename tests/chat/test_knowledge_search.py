"""Search over the bundled entries: no row in the database, so they stand in."""

from __future__ import annotations

import dataclasses
import random
import time

import pytest

from chat import knowledge
from chat.knowledge.files import BUNDLED, read_folder
from chat.knowledge.library import Library
from chat.models import KnowledgeEntry
from chat.questions import Language


@pytest.fixture(scope="module")
def library() -> Library:
    return Library(file.entry for file in read_folder(BUNDLED))


def best(library: Library, text: str, language: Language = "fr") -> str | None:
    passages = library.search(text, language, 3)
    return passages[0].slug if passages else None


def score(library: Library, text: str) -> float:
    return max((passage.score for passage in library.search(text, "fr", 3)), default=0.0)


@pytest.mark.parametrize(
    ("asked", "slug"),
    [
        ("Qu'est-ce que l'AEEH ?", "aeeh"),
        ("C KOI LAEEH", "aeeh"),
        ("g besoin dune avs pr mon ptit", "aesh"),
        ("auxiliaire de vie scolaire", "aesh"),
        ("carte de stationement handicape", "cmi"),
        ("harcelment au colege", "harcelement-scolaire"),
        ("j’en peux plus, je suis à bout", "epuisement-parental"),
        ("j'en peux plus je suis a bout", "epuisement-parental"),
        ("orthophonique dyslexique", "troubles-dys"),
        ("arcelement a lecol", "harcelement-scolaire"),  # as it sounds
        ("epuizement", "epuisement-parental"),
        ("transpor scoler", "transport-scolaire"),
        ("qui paie le taxi", "transport-scolaire"),  # a stemmer makes "pai" of it
    ],
)
def test_an_entry_is_found_however_it_is_typed(library: Library, asked: str, slug: str) -> None:
    assert best(library, asked) == slug


def test_accents_case_and_apostrophes_change_nothing(library: Library) -> None:
    scores = {
        library.search(asked, "fr", 1)[0].score
        for asked in ("L'école à l'hôpital", "l’ecole a l’hopital", "L ÉCOLE À L HÔPITAL !")
    }
    assert len(scores) == 1


def test_the_first_question_of_every_entry_finds_it(library: Library) -> None:
    for entry in library.entries:
        found = [passage.slug for passage in library.search(entry.questions[0], entry.language, 3)]
        assert entry.slug in found[:2], entry.questions[0]


def test_a_score_says_how_well_an_entry_fits_whatever_the_length_of_the_question(library: Library) -> None:
    fitting = ["aeeh", "comment obtenir un AESH pour mon fils en maternelle l'an prochain"]
    astray = ["comment changer les pneus de ma voiture", "recette de la tarte aux pommes de ma grand-tante"]
    assert all(score(library, asked) >= knowledge.GOOD_FIT for asked in fitting)
    assert all(score(library, asked) < knowledge.GOOD_FIT for asked in astray)


@pytest.mark.parametrize("nothing", ["", "   ", "???", "xyzzy plugh", "comment faire", "🙂", "\x00"])
def test_nothing_is_found_in_nothing(library: Library, nothing: str) -> None:
    assert library.search(nothing, "fr", 3) == []


def test_passages_come_best_first_and_no_more_than_asked(library: Library) -> None:
    passages = library.search("complément aeeh ou pch", "fr", 5)
    assert 1 < len(passages) <= 5
    assert [passage.score for passage in passages] == sorted((passage.score for passage in passages), reverse=True)
    assert library.search("complément aeeh ou pch", "fr", 2) == passages[:2]


def test_english_questions_find_english_entries_and_french_ones_only_where_there_are_none(library: Library) -> None:
    untranslated = Library(entry for entry in library.entries if str(entry) != "en/sessad")
    assert untranslated.search("what is the AEEH", "en", 1)[0].title.startswith("AEEH, the")
    assert untranslated.search("SESSAD", "en", 1)[0].title.startswith("Le SESSAD")
    assert untranslated.article("sessad", "en") is library.article("sessad", "fr")
    assert untranslated.article("aeeh", "en") is not library.article("aeeh", "fr")
    assert untranslated.article("no-such-thing", "en") is None


def test_a_library_may_be_empty() -> None:
    library = Library([])
    assert library.search("aeeh", "fr", 3) == []
    assert library.openers("fr", 4) == []
    assert library.suggestions([], "fr", "aeeh", 3) == ()


def test_the_version_of_an_answer_changes_with_the_passages_it_rests_on(library: Library) -> None:
    one, two = library.search("complément aeeh ou pch", "fr", 2)
    assert knowledge.version([one, two]) == knowledge.version([two, one])
    assert knowledge.version([one]) != knowledge.version([one, two])
    assert knowledge.version([one]) != knowledge.version([dataclasses.replace(one, revision="other")])
    assert knowledge.version([one]) == knowledge.version([dataclasses.replace(one, score=0.1)])
    assert knowledge.version([]) == knowledge.version([])


def test_suggestions_are_neighbouring_questions_and_never_the_one_asked(library: Library) -> None:
    passages = library.search("complément aeeh ou pch", "fr", 2)
    neighbour = library.article(passages[1].slug, "fr")
    assert neighbour
    suggested = library.suggestions(passages, "fr", "complément aeeh ou pch", 3)
    assert suggested[0] == neighbour.questions[0]
    assert len(set(suggested)) == 3
    asked = neighbour.questions[0].upper() + " "
    assert neighbour.questions[0] not in library.suggestions(passages, "fr", asked, 3)


def test_suggestions_without_passages_are_the_openers(library: Library) -> None:
    assert library.suggestions([], "en", "weather", 3) == tuple(library.openers("en", 3))


def test_openers_are_questions_of_the_language_on_different_subjects(library: Library) -> None:
    for language in ("fr", "en"):
        openers = library.openers(language, 6)
        assert len(set(openers)) == 6
        assert set(openers) <= {entry.questions[0] for entry in library.of(language)}


def test_openers_do_without_the_usual_entries(library: Library) -> None:
    without = Library(entry for entry in library.entries if entry.slug not in {"aeeh", "aesh"})
    assert len(without.openers("fr", 4)) == 4


def test_a_page_of_nonsense_does_not_hold_the_worker_up(library: Library) -> None:
    letters = random.Random(1)
    page = " ".join("".join(letters.choices("abcdefghijkl", k=8)) for _ in range(2000))
    start = time.thread_time()
    library.search(page, "fr", 3)
    assert time.thread_time() - start < 1.0  # of CPU; it takes some hundredths


def test_a_revision_is_the_same_from_a_file_and_from_its_row(library: Library) -> None:
    entry = library.article("aeeh", "fr")
    assert entry
    row = KnowledgeEntry(**{field.name: getattr(entry, field.name) for field in KnowledgeEntry._meta.fields})
    assert row.revision == entry.revision == library.search("aeeh", "fr", 1)[0].revision
