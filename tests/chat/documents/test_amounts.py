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
        ("1.234,50 €, 1 234€50", [1234.5]),
        ("(–) 45,00 €", [-45.0]),
        ("Régularisation :\n(-) 45,00 € de trop-perçu", [-45.0]),
        ("en 3x150,00 €", [150.0]),
    ],
)
def test_amounts_are_found(text, expected):
    assert amounts(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AEEH base 153,01€ complément 3 439,91€", [153.01, 439.91]),
        ("Complément AEEH de catégorie 2 310,80 €", [310.8]),
        ("Compl. 3 439,91", [439.91]),
        ("Annexe 2 310,80 €, ligne 4 150,00 €", [150.0, 310.8]),
        ("Facture n° 3 150 €", [150.0]),
        ("Montant 3 439,91 €", [3439.91]),
        ("Complément : 3 439,91 €", [3439.91]),
        ("Complément             3 439,91 €", [3439.91]),
        ("Complément 1 050,00 €", [1050.0]),
        ("Niveau 3 1 150,00 €", [1150.0]),
        ("Le montant de votre échéance 1 250,00 € sera prélevé.", [1250.0]),
        ("Montant de la mensualité 1 350,00 €", [1350.0]),
        ("Aide par trimestre 1 200 €", [1200.0]),
        ("Plafond par enfant 1 250 €", [1250.0]),
        ("Prestation pour votre enfant 1 180,50 €", [1180.5]),
        ("1ère échéance 1 250,00 €", [1250.0]),
        ("Plafond de la tranche 2 150 €, du groupe 1 900 €", [1900.0, 2150.0]),
        ("Enfant 1 152,25 €", [1152.25]),
        ("01/04/26 153,01 €", [153.01]),
        ("Reçu le 5/4 153,01 €, le 01-04-26 150,00 €, pour 04/26 142,00 €", [142.0, 150.0, 153.01]),
        ("entre 900/1 200 €", [1200.0]),
        ("900-1 200 €", [900.0, 1200.0]),
    ],
)
def test_the_number_of_a_thing_or_a_day_is_no_thousand(text, expected):
    assert amounts(text) == expected


@pytest.mark.parametrize(
    "repeated",
    [
        "Complément 3 ",
        "01/04/26 153 ",
        "Fr. 1 ",
        "10, 15 ou ",
        "de 10 à ",
        "45 euros et 3 ",
        "Total     120\n",
        "cent euros et ",
        "12.- ",
    ],
)
def test_amounts_take_linear_time(repeated):
    assert_linear(find_facts, repeated, 60_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TOTAL TTC           3 276,50\nPart mutuelle         400,00", [400.0, 3276.5]),
        ("Loyers       1.124,60\nVersement     -  200,00", [-200.0, 1124.6]),
        (
            "               2026      2027\nChambre       45,00     50,00\nTrajet (%)      100       100",
            [45.0, 50.0],
        ),
    ],
)
def test_the_next_line_spaces_and_per_cents(text, expected):
    assert amounts(text) == expected


@pytest.mark.parametrize(("lines", "kept"), [(30, 31), (49, 50), (50, 50), (400, 50)])
def test_the_last_amount_of_a_long_statement_is_kept(lines, kept):
    statement = "\n".join(f"Séance {number} : {number},50 €" for number in range(1, lines + 1))
    values = [amount.value for amount in find_facts(f"Relevé\n{statement}\nSolde dû : 9 876,54 €").amounts]
    assert (values[0], values[-1], len(values)) == ("1.50", "9876.54", kept)
