from __future__ import annotations

import pytest

from ai_service.documents import CLOSING, LONGEST_QUOTE, OPENING

REFUSAL = """\
Maison départementale des personnes handicapées
12 rue de la République

Madame,

Votre demande d'allocation est rejetée, au motif que le taux d'incapacité
est inférieur à 50 %. La commission s'est réunie le 14 mars 2025.

Vous pouvez contester cette décision dans un délai de deux mois.

Veuillez agréer, Madame, nos salutations distinguées."""
MISSING = """\
CAF du Rhône. Votre dossier est incomplet. Veuillez nous retourner avant le 12 mai 2025 :
- le certificat de scolarité,
- l'attestation de salaire.
Sans réponse, le versement de 151,80 € par mois sera suspendu."""


@pytest.fixture
def explain(ai, http):
    def explain(document: str, kind: str = "other", system: str = "Expliquez ce document en français.") -> str:
        content = f'<document type="{kind}">\n{document}\n</document>'
        messages = [{"role": "system", "content": system}, {"role": "user", "content": content}]
        answer = http.post(f"{ai.url}/v1/chat/completions", json={"messages": messages}, timeout=5).json()
        return str(answer["choices"][0]["message"]["content"])

    return explain


def test_an_explanation_quotes_the_first_complete_sentences_between_an_opening_and_a_closing(explain):
    opening, *quotes, closing = explain(REFUSAL, "mdph").split("\n\n")
    assert (opening, closing) == (OPENING["fr"], CLOSING["fr"])
    assert quotes == [
        "> Votre demande d'allocation est rejetée, au motif que le taux d'incapacité est inférieur à 50 %.",
        "> La commission s'est réunie le 14 mars 2025.",
        "> Vous pouvez contester cette décision dans un délai de deux mois.",
        "> Veuillez agréer, Madame, nos salutations distinguées.",
    ]


def test_at_most_five_sentences_are_quoted(explain):
    assert explain("Un fait. " * 9).count("> Un fait.") == 5


def test_a_document_without_a_complete_sentence_is_still_quoted(explain):
    assert "> Compte rendu de consultation" in explain("Compte rendu de consultation")


def test_a_long_sentence_is_shortened(explain):
    assert len(explain(f"Un {'mot ' * 200}.").split("\n\n")[1]) <= len("> ") + LONGEST_QUOTE


def test_the_explanation_has_the_language_of_the_instructions(explain):
    text = explain(MISSING, system="Explain it in English, in plain and kind words.")
    assert text.startswith(OPENING["en"])
    assert "> Veuillez nous retourner" in text


def test_no_medical_opinion_is_given(explain):
    assert "Je ne donne pas d'avis médical" in explain("Bilan : trouble du langage.", "medical")
