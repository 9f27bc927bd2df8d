"""Reference numbers that are told by their form, and what only looks like one."""

from __future__ import annotations

import pytest

from chat.documents.extraction import find_facts
from tests.support.growth import assert_linear


@pytest.mark.parametrize(
    "number", ["PA-40993", "LOC/25/0093", "034-77-10952", "13D26-0081554", "DDD/26-014552/ECO", "64/2026/000188"]
)
def test_a_code_needs_no_label(number):
    assert [found.text for found in find_facts(f"Votre accord {number} est prolongé.").references] == [number]


@pytest.mark.parametrize(
    "text",
    [
        "Loi n° 2005-102, articles L.146-9 et R142-10-1",
        "Tél. 03-20-11-22-33",
        "Année 2025-2026, classe ULIS-2026",
        "Votre voiture AB-123-CD",
        "Coussin       CAE-1612-R      310,00   1   310,00",
        "Montant total : 1234567",
    ],
)
def test_a_law_a_year_a_telephone_and_an_article_are_none(text):
    assert not find_facts(text).references


@pytest.mark.parametrize("repeated", ["A-1", "12/", "AB-12 ", "Sociétaire : 1 ", "candidat 12 "])
def test_codes_take_linear_time(repeated):
    assert_linear(find_facts, repeated, 60_000)
