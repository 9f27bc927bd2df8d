from __future__ import annotations

import pytest

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
    def explained(document: str, kind: str = "other", system: str = "Expliquez ce document en français.") -> str:
        content = f'<document type="{kind}">\n{document}\n</document>'
        messages = [{"role": "system", "content": system}, {"role": "user", "content": content}]
        answer = http.post(f"{ai.url}/v1/chat/completions", json={"messages": messages}, timeout=5).json()
        return str(answer["choices"][0]["message"]["content"])

    return explained


def test_a_refusal_is_named_quoted_and_followed_by_what_can_be_done(explain):
    text = explain(REFUSAL, "mdph")
    assert "refusée" in text
    assert "MDPH" in text
    assert "> Votre demande d'allocation est rejetée, au motif que le taux d'incapacité est inférieur à 50 %." in text
    assert "- Vous pouvez contester cette décision dans un délai de deux mois." in text
    assert "- La commission s'est réunie le 14 mars 2025." in text
    assert "RAPO" in text


def test_what_is_asked_by_when_and_which_amounts_are_found(explain):
    text = explain(MISSING)
    wanted = "avant le 12 mai 2025 : le certificat de scolarité ; l'attestation de salaire"
    assert "Ce n'est pas un refus" in text
    assert f"- Veuillez nous retourner {wanted}" in text
    assert "- Sans réponse, le versement de 151,80 € par mois sera suspendu." in text


def test_nothing_is_said_twice_and_farewells_are_left_out(explain):
    assert explain(MISSING).count("avant le 12 mai 2025") == 1
    assert "salutations" not in explain(REFUSAL)


def test_it_is_explained_in_the_language_of_the_instructions(explain):
    text = explain(MISSING, system="Explain it in English, in plain and kind words.")
    assert "something is missing" in text
    assert "Veuillez nous retourner" in text


@pytest.mark.parametrize(
    ("document", "kind", "word"),
    [
        ("Vous êtes convoqués le 3 mai 2025 à 14 h.", "other", "rendez-vous"),
        ("Compte rendu de consultation du 3 février.", "other", "médical"),
        ("Prochain rendez-vous en septembre.", "medical", "médical"),
        ("Vous avez un trop-perçu de 320 €.", "other", "argent"),
        ("La commission vous accorde l'allocation.", "mdph", "décision"),
        ("Il fait beau.", "other", "ce qui est écrit"),
    ],
)
def test_each_kind_of_document_is_named_for_what_it_is(explain, document, kind, word):
    named = next(part for part in explain(document, kind).split("\n\n") if part.startswith("**Ce que c'est :**"))
    assert word in named


def test_no_medical_opinion_is_given(explain):
    assert "je ne donne pas d'avis médical" in explain("Bilan : trouble du langage.", "medical")
