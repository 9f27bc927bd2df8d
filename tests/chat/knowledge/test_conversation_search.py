"""What is searched: follow-ups with their conversation, everyday words, and what no entry deals with."""

from __future__ import annotations

import pytest

from chat.knowledge.files import BUNDLED, read_folder
from chat.knowledge.index import GOOD_FIT
from chat.knowledge.knowledge_base import KnowledgeBase


@pytest.fixture(scope="module")
def knowledge_base() -> KnowledgeBase:
    return KnowledgeBase(file.entry for file in read_folder(BUNDLED))


@pytest.mark.parametrize(
    ("before", "question", "slug"),
    [
        ("Comment entrer dans un IME ?", "et s'il n'y a plus de place ?", "ime"),
        ("Que peut faire une AESH ?", "et à midi ?", "aesh"),
        ("Nous avons l'AJPP pour notre fille", "pendant combien de jours au plus", "ajpp"),
    ],
)
def test_a_follow_up_is_searched_with_the_question_before_it(
    knowledge_base: KnowledgeBase, before: str, question: str, slug: str
) -> None:
    assert slug in {passage.slug for passage in knowledge_base.search(question, "fr", 2, [before])}


@pytest.mark.parametrize("text", ["pendant combien de jours au plus", "et à midi ?"])
def test_a_question_asked_again_counts_as_any_question_before(knowledge_base: KnowledgeBase, text: str) -> None:
    same = str(text.encode(), "utf-8")  # another object, as from a database
    assert knowledge_base.search(text, "fr", 9, [text]) == knowledge_base.search(text, "fr", 9, [same])


def test_a_follow_up_that_alone_is_no_question_has_the_good_fit_of_its_conversation(
    knowledge_base: KnowledgeBase,
) -> None:
    [passage] = knowledge_base.search(
        "the date on it is 6 weeks ago", "en", 1, ["The MDPH turned down our request for the AEEH"]
    )
    assert (passage.slug, passage.score > GOOD_FIT + 0.1) == ("rapo", True)


@pytest.mark.parametrize(
    ("before", "question", "slug"),
    [
        (
            "la caf réclame 900 euros de trop perçu d'aeeh pour l'an dernier",
            "on a le droit de refuser ?",
            "trop-percu-caf",
        ),
        (
            "on nous a refusé l'ajpp, le médecin conseil dit que ce n'est pas assez grave",
            "combien de temps on a",
            "ajpp",
        ),
    ],
)
def test_a_follow_up_of_common_words_keeps_to_its_conversation(
    knowledge_base: KnowledgeBase, before: str, question: str, slug: str
) -> None:
    [passage] = knowledge_base.search(question, "fr", 1, [before])
    assert (passage.slug, passage.score >= GOOD_FIT) == (slug, True)


@pytest.mark.parametrize("question", ["merci", "ok super", "t'es nul", "raconte moi une blague"])
def test_what_asks_for_nothing_gets_no_article_of_its_conversation(
    knowledge_base: KnowledgeBase, question: str
) -> None:
    for before in ("Comment entrer dans un IME ?", "refus aeeh quel delai pour contester"):
        assert all(passage.score < GOOD_FIT for passage in knowledge_base.search(question, "fr", 1, [before]))


def test_a_question_about_something_new_leaves_the_topic(knowledge_base: KnowledgeBase) -> None:
    [passage] = knowledge_base.search("comment avoir une carte mobilité inclusion", "fr", 1, ["C'est quoi une AESH ?"])
    assert passage.slug == "cmi"


@pytest.mark.parametrize("question", ["merci beaucoup", "mon chien est malade", "recette de crêpes"])
def test_the_topic_before_is_no_good_fit_for_what_is_not_about_it(knowledge_base: KnowledgeBase, question: str) -> None:
    passages = knowledge_base.search(question, "fr", 1, ["C'est quoi l'AEEH et est-ce que j'y ai droit ?"])
    assert not passages or passages[0].score < GOOD_FIT


@pytest.mark.parametrize(
    "question",
    [
        "du coup on fait quoi",
        "couper la pomme",
        "une salade",
        "ranger la chaise",
        "son humeur",
        "un artiste",
        "rarement",
    ],
)
def test_an_everyday_word_is_not_taken_for_one_of_ours(knowledge_base: KnowledgeBase, question: str) -> None:
    assert all(passage.score < GOOD_FIT for passage in knowledge_base.search(question, "fr", 1))


def test_a_blow_is_still_found(knowledge_base: KnowledgeBase) -> None:
    assert knowledge_base.search("il reçoit des coups à l'école", "fr", 1)[0].slug == "harcelement-scolaire"


@pytest.mark.parametrize(
    "question",
    [
        "je veux divorcer",
        "rente invalidité en suisse",
        "refaire ma carte d'identité",
        "how do i get a divorce",
        "combien gagne un éducateur en ime",
        "how much are classroom aides paid",
    ],
)
def test_what_no_entry_deals_with_is_no_good_fit(knowledge_base: KnowledgeBase, question: str) -> None:
    language = "en" if question.startswith("how") else "fr"
    assert all(passage.score < GOOD_FIT for passage in knowledge_base.search(question, language, 1))  # type: ignore[arg-type]


def test_a_foreign_word_beside_one_of_ours_is_still_about_us(knowledge_base: KnowledgeBase) -> None:
    assert knowledge_base.search("on divorce, qui touche l'aeeh en garde alternée", "fr", 1)[0].score >= GOOD_FIT


@pytest.mark.parametrize("question", ["our AEEH was turned down", "they turned us down", "the MDPH refused"])
def test_a_refusal_told_in_english_leads_to_the_appeal(knowledge_base: KnowledgeBase, question: str) -> None:
    assert knowledge_base.search(question, "en", 1)[0].slug == "rapo"


@pytest.mark.parametrize(
    ("question", "slug"),
    [
        ("il répète tout ce qu'on dit", "diagnostic-autisme"),
        ("elle tombe sans arrêt", "troubles-dys"),
        ("on nous propose un internat", "ime"),
        ("il se fait taper par les autres", "harcelement-scolaire"),
        ("son père ne veut pas signer", "desaccord-parents"),
    ],
)
def test_a_situation_is_found_without_its_name(knowledge_base: KnowledgeBase, question: str, slug: str) -> None:
    assert knowledge_base.search(question, "fr", 1)[0].slug == slug


@pytest.mark.parametrize(
    ("question", "slug"),
    [
        ("aeeh rejetée que faire", "aeeh"),
        ("la mdph a dit non", "rapo"),
        ("demande refusée, deux mois sont passés", "rapo"),
        ("la pch a été refusée", "pch"),
        ("aesh refusée", "aesh"),
    ],
)
def test_a_refusal_leads_to_an_entry_that_tells_of_the_appeal(
    knowledge_base: KnowledgeBase, question: str, slug: str
) -> None:
    best = knowledge_base.search(question, "fr", 1)[0]
    assert best.slug in {slug, "rapo"}
    assert "RAPO" in best.text
    assert "2 mois" in best.text.replace("\xa0", " ") or "deux mois" in best.text


@pytest.mark.parametrize(
    "question",
    ["notre RAPO a été rejeté, on fait quoi", "refusé par la mdph, puis le rapo aussi, il reste combien de temps"],
)
def test_a_refused_appeal_leads_to_the_court(knowledge_base: KnowledgeBase, question: str) -> None:
    assert knowledge_base.search(question, "fr", 1)[0].slug == "recours-tribunal"


def test_a_first_refusal_still_leads_to_the_appeal(knowledge_base: KnowledgeBase) -> None:
    assert knowledge_base.search("on a été refusés par la mdph, comment faire un rapo", "fr", 1)[0].slug == "rapo"
