"""Search in the bundled entries."""

from __future__ import annotations

import dataclasses
import random
from typing import cast

import pytest

from chat import knowledge
from chat.core.language import Language
from chat.knowledge.files import BUNDLED, read_folder
from chat.knowledge.knowledge_base import NEVER_SUGGESTED, KnowledgeBase
from chat.models import KnowledgeEntry
from tests.support.growth import assert_linear


@pytest.fixture(scope="module")
def knowledge_base() -> KnowledgeBase:
    return KnowledgeBase(file.entry for file in read_folder(BUNDLED))


def best(knowledge_base: KnowledgeBase, text: str, language: Language = "fr") -> str | None:
    passages = knowledge_base.search(text, language, 3)
    return passages[0].slug if passages else None


def score(knowledge_base: KnowledgeBase, text: str) -> float:
    return max((passage.score for passage in knowledge_base.search(text, "fr", 3)), default=0.0)


@pytest.mark.parametrize(
    ("question", "slug"),
    [
        ("Qu'est-ce que l'AEEH ?", "aeeh"),
        ("C KOI LAEEH", "aeeh"),
        ("c'est combien le plafond de ressources de l'AEEH", "aeeh"),
        ("g besoin dune avs pr mon ptit", "aesh"),
        ("auxiliaire de vie scolaire", "aesh"),
        ("carte de stationement handicape", "cmi"),
        ("harcelment au colege", "harcelement-scolaire"),
        ("j’en peux plus, je suis à bout", "epuisement-parental"),
        ("j'en peux plus je suis a bout", "epuisement-parental"),
        ("orthophonique dyslexique", "troubles-dys"),
        ("arcelement a lecol", "harcelement-scolaire"),  # phonetic spelling
        ("epuizement", "epuisement-parental"),
        ("transpor scoler", "transport-scolaire"),
        ("qui paie le taxi", "transport-scolaire"),  # its stem is "pai"
    ],
)
def test_an_entry_is_found_despite_misspellings(knowledge_base: KnowledgeBase, question: str, slug: str) -> None:
    assert best(knowledge_base, question) == slug


def test_accents_case_and_apostrophes_do_not_change_the_score(knowledge_base: KnowledgeBase) -> None:
    scores = {
        knowledge_base.search(question, "fr", 1)[0].score
        for question in ("L'école à l'hôpital", "l’ecole a l’hopital", "L ÉCOLE À L HÔPITAL !")
    }
    assert len(scores) == 1


def test_every_question_of_an_entry_finds_it_first(knowledge_base: KnowledgeBase) -> None:
    for entry in knowledge_base.entries:
        for question in entry.questions:
            assert best(knowledge_base, question.upper(), cast("Language", entry.language)) == entry.slug, question
            passages = knowledge_base.search(question, cast("Language", entry.language), 1)
            assert passages[0].score >= knowledge.GOOD_FIT, question


def test_a_word_of_paraphrases_alone_makes_no_common_question(knowledge_base: KnowledgeBase) -> None:
    for question, is_common in (("il a avalé un produit", True), ("il a avalé de la javel", False)):
        passages = knowledge_base.search(question, "fr", 1)
        assert passages[0].slug == "numeros-urgence"
        assert knowledge_base.is_common(question, "fr", passages) == is_common


def test_scores_of_short_and_long_questions_are_comparable(knowledge_base: KnowledgeBase) -> None:
    fitting = ["aeeh", "comment obtenir un AESH pour mon fils en maternelle l'an prochain"]
    off_topic = ["comment changer les pneus de ma voiture", "recette de la tarte aux pommes de ma grand-tante"]
    assert all(score(knowledge_base, question) >= knowledge.GOOD_FIT for question in fitting)
    assert all(score(knowledge_base, question) < knowledge.GOOD_FIT for question in off_topic)


@pytest.mark.parametrize("question", ["", "   ", "???", "xyzzy plugh", "comment faire", "🙂", "\x00"])
def test_a_question_without_known_terms_finds_nothing(knowledge_base: KnowledgeBase, question: str) -> None:
    assert knowledge_base.search(question, "fr", 3) == []


def test_passages_are_sorted_by_score_and_limited(knowledge_base: KnowledgeBase) -> None:
    passages = knowledge_base.search("complément aeeh ou pch", "fr", 5)
    assert 1 < len(passages) <= 5
    assert [passage.score for passage in passages] == sorted((passage.score for passage in passages), reverse=True)
    assert knowledge_base.search("complément aeeh ou pch", "fr", 2) == passages[:2]


def test_english_questions_find_english_entries_or_else_french_ones(
    knowledge_base: KnowledgeBase,
) -> None:
    untranslated = KnowledgeBase(entry for entry in knowledge_base.entries if str(entry) != "en/sessad")
    assert untranslated.search("what is the AEEH", "en", 1)[0].title.startswith("AEEH, the")
    assert untranslated.search("SESSAD", "en", 1)[0].title.startswith("Le SESSAD")
    assert untranslated.article("sessad", "en") is knowledge_base.article("sessad", "fr")
    assert untranslated.article("aeeh", "en") is not knowledge_base.article("aeeh", "fr")
    assert untranslated.article("no-such-thing", "en") is None


def test_a_knowledge_base_may_be_empty() -> None:
    knowledge_base = KnowledgeBase([])
    assert knowledge_base.search("aeeh", "fr", 3) == []
    assert knowledge_base.openers("fr", 4) == []
    assert knowledge_base.suggestions([], "fr", "aeeh", 3) == ()


def test_the_version_changes_with_the_passages_and_their_revisions(knowledge_base: KnowledgeBase) -> None:
    one, two = knowledge_base.search("complément aeeh ou pch", "fr", 2)
    assert knowledge.version([one, two]) == knowledge.version([two, one])
    assert knowledge.version([one]) != knowledge.version([one, two])
    assert knowledge.version([one]) != knowledge.version([dataclasses.replace(one, revision="other")])
    assert knowledge.version([one]) == knowledge.version([dataclasses.replace(one, score=0.1)])
    assert knowledge.version([]) == knowledge.version([])


def test_suggestions_are_related_questions_without_the_current_one(knowledge_base: KnowledgeBase) -> None:
    passages = knowledge_base.search("complément aeeh ou pch", "fr", 2)
    related = knowledge_base.article(passages[1].slug, "fr")
    assert related
    suggested = knowledge_base.suggestions(passages, "fr", "complément aeeh ou pch", 3)
    assert suggested[0] == related.questions[0]
    assert len(set(suggested)) == 3
    question = related.questions[0].upper() + " "
    assert related.questions[0] not in knowledge_base.suggestions(passages, "fr", question, 3)


def test_suggestions_are_of_the_entries_with_the_nearest_texts(knowledge_base: KnowledgeBase) -> None:
    def related_to(slug: str, language: Language) -> set[str]:
        passage = dataclasses.replace(knowledge_base.search("aeeh", "fr", 1)[0], slug=slug)
        questions = knowledge_base.suggestions([passage], language, "", 3)
        return {entry.slug for entry in knowledge_base.entries if entry.questions[0] in questions}

    assert {"ulis", "refus-scolarisation"} <= related_to("aesh", "fr")
    assert {"lignes-ecoute", "repit-aidants"} <= related_to("epuisement-parental", "en")
    assert "dossier-mdph" in related_to("certificat-medical-mdph", "fr"), "of its topic, though others are nearer"
    assert "recours-tribunal" in related_to("rapo", "fr")
    assert related_to("no-such-thing", "fr") == set()


def test_what_would_frighten_is_not_suggested(knowledge_base: KnowledgeBase) -> None:
    frightening = {entry.questions[0] for entry in knowledge_base.entries if entry.slug in NEVER_SUGGESTED}
    assert len(frightening) == 2 * len(NEVER_SUGGESTED)
    passage = knowledge_base.search("aeeh", "fr", 1)[0]
    for slug in {entry.slug for entry in knowledge_base.entries}:
        suggested = knowledge_base.suggestions([dataclasses.replace(passage, slug=slug)] * 2, "fr", "", 3)
        assert not frightening & set(suggested), slug


def test_without_passages_nothing_is_suggested(knowledge_base: KnowledgeBase) -> None:
    assert knowledge_base.suggestions([], "en", "weather", 3) == ()


def test_openers_are_different_questions_in_the_given_language(knowledge_base: KnowledgeBase) -> None:
    for language in ("fr", "en"):
        openers = knowledge_base.openers(language, 6)
        assert len(set(openers)) == 6
        assert set(openers) <= {entry.questions[0] for entry in knowledge_base.entries_in(language)}


def test_openers_are_complete_without_the_preferred_entries(knowledge_base: KnowledgeBase) -> None:
    without = KnowledgeBase(entry for entry in knowledge_base.entries if entry.slug not in {"aeeh", "aesh"})
    assert len(without.openers("fr", 4)) == 4


def test_pages_of_unknown_words_take_linear_time(knowledge_base: KnowledgeBase) -> None:
    letters = random.Random(1)
    page = "".join("".join(letters.choices("abcdefghijkl", k=8)) + " " for _ in range(500))
    assert_linear(lambda text: knowledge_base.search(text, "fr", 3), page, 4 * len(page))


def test_the_revision_of_a_file_and_of_its_row_are_equal(knowledge_base: KnowledgeBase) -> None:
    entry = knowledge_base.article("aeeh", "fr")
    assert entry
    row = KnowledgeEntry(**{field.name: getattr(entry, field.name) for field in KnowledgeEntry._meta.fields})
    assert row.revision == entry.revision == knowledge_base.search("aeeh", "fr", 1)[0].revision
