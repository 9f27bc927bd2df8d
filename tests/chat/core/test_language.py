"""language_of: detecting the language of a text."""

from __future__ import annotations

import pytest

from chat.core.language import _ENGLISH, _FRENCH, language_of


@pytest.mark.parametrize(
    ("text", "default", "language"),
    [
        ("Comment demander l'AEEH ?", "en", "fr"),
        ("How do I apply for the AEEH?", "fr", "en"),
        ("jsp koi faire pour mon fils", "en", "fr"),
        ("my son needs an AESH at school", "fr", "en"),
        ("AEEH", "fr", "fr"),
        ("AEEH", "en", "en"),
        ("", "en", "en"),
    ],
)
def test_language_is_detected_from_common_words(text, default, language):
    assert language_of(text, default) == language


FRENCH = """
Mon AESH a démissionné | Il a été refusé | Elle a 6 ans | me voilà à bout | Recours MDPH | Dossier AEEH refusé
montant AEEH 2026 | on a perdu le dossier | on m'a refusé l'AESH | Léa a un AESH | AESH absente
a-t-on droit à la PCH
orientation ULIS | renouvellement AEEH | plafond PCH 2026 | Refus de la CDAPH | délai RAPO | SESSAD saturé
ma fille a un PAI
mon ado a peur | PPS non respecté | Son AESH est malade | j'ai 2 enfants | l'école a appelé
me faut-il un certificat
numéro MDPH | Taux 80 | horaires CAF | handicap et impôts | orthophoniste introuvable | attente SESSAD | épuisée
ça va pas | aide financière | il a 20 ans | sortie IME | AEEH complément 3 | jsp quoi faire | MDPH Rhône
congé proche aidant
La CAF me réclame 800 euros | mon fils a un "speech delay" | l'AESH est off | Ecole inclusive
""".replace("\n", "|").split("|")
ENGLISH = """
MDPH appeal | AEEH amount | my son | How much is the AEEH? | school refused my kid | CAF phone number
disability card
My AESH quit | He was refused | She is 6 years old | I'm exhausted | IME waiting list | Is a PPS mandatory?
need help
what's a PAI | I'd like an AESH | RAPO deadline | speech therapist costs | AEEH application form
ULIS class for my son
Who pays for the SESSAD | does he get the AAH | appeal to the CDAPH | my child's AESH left | the MDPH says no
PCH explained
elle a pas de dossier mdph yet, first we do what
can I work | carer leave | we're moving to Lyon | Léa needs an AESH | my daughter goes to an école in Orléans
How do I contact la MDPH | the "dossier MDPH" is late | AESH hours | renew the AEEH | they don't answer
I have no money
autistic child, no school | wheelchair for my son | it\u2019s refused | is he entitled to transport
What is a "rendez-vous MDPH"?
""".replace("\n", "|").split("|")


@pytest.mark.parametrize("default", ["fr", "en"])
@pytest.mark.parametrize(
    ("text", "language"),
    [
        (text.strip(), language)
        for texts, language in ((FRENCH, "fr"), (ENGLISH, "en"))
        for text in texts
        if text.strip()
    ],
)
def test_a_question_has_the_language_of_its_words_whatever_the_browser_prefers(text, default, language):
    assert language_of(text, default) == language


@pytest.mark.parametrize(
    "text",
    [
        "AEEH eligibility",
        "PCH eligibility criteria",
        "MDPH login",
        "MDPH contact",
        "MDPH interview tomorrow",
        "AESH training",
        "AESH shortage",
        "PAI allergy",
        "ULIS class",
        "AJPP duration",
        "RQTH status",
        "CAF account",
        "PPS review",
        "AEEH vs PCH",
        "PCH enrolment",
        "AAH rate 2026",
        "application mdph",
    ],
)
def test_unknown_words_beside_an_acronym_have_the_language_of_the_browser(text):
    assert [language_of(text, "en"), language_of(text, "fr")] == ["en", "fr"]


@pytest.mark.parametrize(
    "text",
    [
        "Sortie IME week-end",
        "application mobile caf",
        "job coach ESAT",
        "job aidant",
        "support",
        "home ime",
        "liste IME",
    ],
)
def test_words_that_french_has_borrowed_are_not_taken_for_english(text):
    assert language_of(text, "fr") == "fr"


@pytest.mark.parametrize("default", ["fr", "en"])
@pytest.mark.parametrize("text", ["MDPH", "AEEH 2026", "PCH / AEEH ?", "Lyon", "75011", "👋", "on me a an son"])
def test_a_text_of_neither_has_the_language_of_the_browser(text, default):
    assert language_of(text, default) == default


def test_letters_and_accents_may_be_sent_apart():
    assert language_of("e\u0301puise\u0301e", "en") == "fr"


def test_no_word_counts_for_both_languages():
    assert not _FRENCH & _ENGLISH
