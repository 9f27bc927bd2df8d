"""An office's contacts reach the AI; those of persons do not."""

from __future__ import annotations

import pytest

from chat.documents.extraction.contacts import without_identifiers


@pytest.mark.parametrize(
    "text",
    [
        "MDPH du Nord, accueil du lundi au vendredi\nTél. : 03 20 11 22 33",
        "Pour toute question, appelez le 01.44.55.66.77.",
        "Contactez notre secrétariat au +33 3 20 11 22 33",
        "Caisse d'allocations familiales – 03 20 11 22 33",
        "Écrivez à contact@mdph59.example ou mdph.accueil@nord.example",
    ],
)
def test_the_contacts_of_an_office_stay(text):
    assert without_identifiers(text) == text


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Votre téléphone : 03 20 11 22 33", "11 22"),
        ("Mme Durand, 12 rue des Lilas, 03 20 11 22 33", "11 22"),
        ("Téléphone de la mère : 03 20 11 22 33. Appelez le matin.", "11 22"),
        ("Accueil : 06 12 34 56 78", "34 56"),
        ("Contactez Mme Roux au +33 6 12 34 56 78", "34 56"),
        ("Tél. 03 20 11 22 33", "11 22"),
        ("Assuré : marie.dupont+mdph@example.fr", "marie"),
        ("Assuré : contact@durand.example", "contact"),
        ("Contact : lea.durand@mdph59.example", "durand"),
        ("Votre adresse : famille59@orange.fr", "famille"),
        ("MDPH, assuré 1 85 07 59 350 123 74", "350"),
        ("Notre IBAN FR76 3000 6000 0112 3456 7890 189", "3456"),
    ],
)
def test_the_identifiers_of_a_person_are_masked(text, secret):
    assert secret not in without_identifiers(text)
