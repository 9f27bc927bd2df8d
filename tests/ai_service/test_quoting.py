from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import frontmatter
import pytest

from ai_service.quoting import CLOSING, NO_PASSAGE, OPENING
from tests.ai_service.client import AEEH, AESH, answer_to
from tests.ai_service.conftest import ROOT

RECIPE = ("La tarte aux pommes", "Épluchez les pommes. Étalez la pâte. Faites cuire 40 minutes.")


def test_an_answer_is_an_opening_cited_quotes_and_a_closing(ai):
    opening, quote, closing = answer_to(ai, "C'est quoi l'AEEH ?", ("L'AEEH", AEEH)).split("\n\n")
    assert opening == OPENING["fr"]
    assert quote == (
        "L'AEEH est une aide mensuelle pour les parents d'un enfant handicapé de moins de 20 ans. "
        "Elle dépend du taux d'incapacité. [1]"
    )
    assert closing == CLOSING["fr"]


def test_each_of_the_first_two_passages_is_quoted_with_its_number(ai):
    answer = answer_to(ai, "C'est quoi l'AEEH ?", RECIPE, ("L'AEEH", AEEH), ("The AESH", AESH))
    assert "Épluchez les pommes. Étalez la pâte. [1]" in answer
    assert "taux d'incapacité. [2]" in answer
    assert "[3]" not in answer


def test_headings_are_skipped_and_a_list_follows_its_intro(ai):
    text = (
        "# Le dossier\n\nIl vous faut :\n\n- le formulaire,\n  rempli\n- le certificat\n- une photo\n\nEnvoyez le tout."
    )
    quote = "Il vous faut :\n\n- le formulaire, rempli\n- le certificat [1]"
    assert quote in answer_to(ai, "Que faut-il ?", ("Le dossier", text))


def test_everything_but_the_opening_and_closing_is_quoted_from_the_passage(ai):
    _, *quotes, _ = answer_to(ai, "Comment demander l'AEEH ?", ("L'AEEH", AEEH)).split("\n\n")
    source = " ".join(AEEH.split())
    assert quotes
    assert all(quote.removesuffix(" [1]") in source for quote in quotes)


def test_the_answer_has_the_language_of_the_question(ai):
    assert answer_to(ai, "What is an AESH?", ("The AESH", AESH)).startswith(OPENING["en"])
    assert answer_to(ai, "Qu'est-ce que l'AEEH ?", ("L'AEEH", AEEH)).startswith(OPENING["fr"])


def test_a_question_of_one_acronym_is_answered_in_the_language_of_its_passages(ai):
    assert answer_to(ai, "AESH", ("The AESH", AESH)).startswith(OPENING["en"])


def test_without_a_passage_the_answer_names_a_help_line_and_cites_nothing(ai):
    french = answer_to(ai, "Comment obtenir une aide pour le transport scolaire ?")
    english = answer_to(ai, "How do I get help with school transport?")
    assert (french, english) == (NO_PASSAGE["fr"], NO_PASSAGE["en"])
    assert all("MDPH" in text and "0 800 360 360" in text and "[1]" not in text for text in (french, english))


def test_the_same_prompt_gets_the_same_answer(ai):
    first, second = (answer_to(ai, "C'est quoi l'AEEH ?", ("L'AEEH", AEEH)) for _ in range(2))
    assert first == second


def test_the_context_of_a_question_does_not_change_the_language(ai):
    question = "What is an AESH?"
    with_context = f"{question}\n\n<context>\n- ville: une ville de la région et de la côte\n</context>"
    assert answer_to(ai, with_context, ("The AESH", AESH)) == answer_to(ai, question, ("The AESH", AESH))


def test_html_entities_in_a_title_do_not_hide_a_passage(ai):
    assert "Une aide. [1]" in answer_to(ai, "aide", ("Aides &amp; &quot;répit&quot;", "Une aide."))


@pytest.mark.parametrize("file", sorted((ROOT / "chat" / "knowledge_base").glob("*/*.md")), ids=lambda file: file.stem)
def test_each_bundled_entry_is_quoted_in_its_language(ai, file: Path):
    entry: Any = frontmatter.load(str(file))
    answer = answer_to(ai, entry["questions"][0], (str(entry["title"]).replace('"', "&quot;"), entry.content))
    assert answer.startswith(cast("Mapping[str, str]", OPENING)[file.parent.name])
    assert "[1]" in answer
