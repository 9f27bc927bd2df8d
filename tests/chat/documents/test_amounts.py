"""Amounts as offices of several countries write them, in columns and in words."""

from __future__ import annotations

import pytest

from chat.documents.extraction import find_facts
from tests.support.growth import assert_linear


def amounts(text: str) -> list[float]:
    return sorted(float(amount.value) for amount in find_facts(text).amounts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fr. 25'477.20, Fr. 42.-, SFr. 7.50 et 18.- Fr.", [7.5, 18, 42, 25477.2]),
        ("L'allocation de 200.- € et 75,– € de frais", [75, 200]),
        ("cent vingt euros et cinquante centimes", [120.5]),
        ("deux mille trois cents euros et 8 centimes", [2300.08]),
        (
            "Impôt initial     1 872\nImpôt corrigé     1 109\nDégrèvement         763\n\nLes 763 € sont remboursés.",
            [763, 1109, 1872],
        ),
        ("Loyer             640\nCharges            85\nTotal en euros    725", [85, 640, 725]),
        ("Places        120\nRepas servis  980\nEnfants       345", []),
        ("Année   2026\nSalle    112", []),
        ("Total : 1.234,56 €", [1234.56]),
        ("1 234,5 €", [1234.5]),
        ("35€50", [35.5]),
        ("12 € 50", [12.5]),
        ("€ 45,00", [45.0]),
        ("une somme de 45 euros et 30 centimes", [45.3]),
        ("80 cts le cahier", [0.8]),
        ("50 centimes", [0.5]),
        ("de 100 à 150 €", [100.0, 150.0]),
        ("100-150 €", [100.0, 150.0]),
        ("entre 20 et 30 euros", [20.0, 30.0]),
        ("3 x 20 €", [20.0]),
        ("2 fois 45 €", [45.0]),
        ("25 ou 30 €", [25.0, 30.0]),
        ("10, 15 ou 20 euros", [10.0, 15.0, 20.0]),
        ("trois mille deux cent cinquante euros", [3250.0]),
        ("TROIS CENTS EUROS", [300.0]),
        ("1 500,00 EUR TTC", [1500.0]),
        ("TTC 1 500,00", [1500.0]),
        ("12.50€", [12.5]),
        ("1'250.50 CHF", [1250.5]),
        ("- 45,00 €", [-45.0]),
        ("moins 45 €", [45.0]),
        ("+45 €", [45.0]),
        ("(45,00 €)", [45.0]),
        ("45,00 €/mois", [45.0]),
        ("0 €", [0.0]),
        ("gratuit", []),
        ("taux 5,50 %", []),
        ("5,50 m²", []),
        ("1 234 567,89 €", [1234567.89]),
        ("Montant : 1234,56", [1234.56]),
        ("soit 77 euros 50", [77.5]),
        ("Montant   45 EUROS", [45.0]),
        ("4€/h", [4.0]),
        ("$1,250.00 and £45", [45.0, 1250.0]),
    ],
)
def test_amounts_are_found(text, expected):
    assert amounts(text) == expected


@pytest.mark.parametrize(
    "repeated", ["Fr. 1 ", "10, 15 ou ", "de 10 à ", "45 euros et 3 ", "Total     120\n", "cent euros et ", "12.- "]
)
def test_amounts_take_linear_time(repeated):
    assert_linear(find_facts, repeated, 60_000)
