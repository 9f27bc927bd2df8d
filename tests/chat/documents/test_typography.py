"""The facts of a letter in the typographies of word processors, forms and scanners."""

from __future__ import annotations

import pytest

from chat.documents.extraction import find_facts
from chat.documents.extraction.letter import Letter
from tests.support.growth import assert_linear


@pytest.mark.parametrize(
    ("notation", "iso"),
    [
        ("1ᵉʳ février 2026", "2026-02-01"),
        ("1° février 2026", "2026-02-01"),
        ("12/05/2026¹", "2026-05-12"),
        ("12 mai 2026²", "2026-05-12"),
        ("12\u200903\u20092026".replace("\u2009", "\u2011"), "2026-03-12"),
        ("12\u201003\u20102026", "2026-03-12"),
        ("12\u2007mars\u20092026", "2026-03-12"),
        ("12 ma\u00adrs 2026", "2026-03-12"),
        ("12\u200b/03/2026", "2026-03-12"),
        ("１２/０３/２０２６", "2026-03-12"),
        ("|1|2|0|3|2|0|2|6|", "2026-03-12"),
        ("| 1 | 2 | 0 | 3 | 2 | 0 | 2 | 6 |", "2026-03-12"),
        ("1 2 0 3 2 0 2 6", "2026-03-12"),
        ("1 2 / 0 3 / 2 0 2 6", "2026-03-12"),
        ("12 / 03 / 2026", "2026-03-12"),
        ("2026/03/12", "2026-03-12"),
        ("ll mars 2O26", "2026-03-11"),
        ("12 rnars 2026", "2026-03-12"),
        ("12 janvler 2026", "2026-01-12"),
        ("12 septernbre 2026", "2026-09-12"),
        ("ler avri1 2026", "2026-04-01"),
    ],
)
def test_a_date_is_found_in_every_typography(notation, iso):
    [date] = find_facts(f"À renvoyer avant le {notation} au plus tard.").dates
    assert (date.iso, date.kind) == (iso, "deadline")


@pytest.mark.parametrize(
    ("notation", "value"),
    [
        ("1\u2009234,56 €", "1234.56"),
        ("1\u2007234,56\u2007€", "1234.56"),
        ("1'234,56 €", "1234.56"),
        ("1’234.56 €", "1234.56"),
        ("１２,５０ €", "12.50"),
        ("- 45,00 €", "-45.00"),
        ("-45,00 €", "-45.00"),
        ("\u2212 45,00 €", "-45.00"),
        ("\u201345,00 €", "-45.00"),
    ],
)
def test_an_amount_keeps_its_value_and_sign(notation, value):
    [amount] = find_facts(f"Solde : {notation}").amounts
    assert amount.value == value
    assert amount.text == " ".join(notation.split())


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Therapy, 8 sessions x €42.50   €1,129.90", ["42.50", "1129.90"]),
        ("Less paid by CPAM   -€142.60", ["-142.60"]),
        ("a deposit of EUR 7,565.00", ["7565.00"]),
        ("Repas (13 x 4,20)    54,60\nRemise   - 8,40\n", ["4.20", "54.60", "-8.40"]),
        ("ESTIMATE   EUR\nStay        11,880.00\nRoom      68.00\n", ["11880.00", "68.00"]),
        ("douze euros par nuit", ["12"]),
        ("deux cent quatre-vingt-douze euros", ["292"]),
        ("mille deux cents euros", ["1200"]),
        ("1€50 de l'heure", ["1.50"]),
        ("soit 1 O86,4O EUR", ["1086.40"]),
        ("Total £73.90 a week, -£12.50", ["73.90", "-12.50"]),
        ("soit 818 $ par mois ou CHF 120.50", ["818", "120.50"]),
        (
            (
                "Impôt net            1 236\nRéduction dons       - 132\nTotal                376 €\n"
                "Parts                  3\n"
            ),
            ["376", "1236", "-132"],
        ),
        ("un taux de 12,50 % et 18,60 km, 3,50 parts", []),
    ],
)
def test_an_amount_is_found_by_its_sign_its_column_or_its_words(text, values):
    assert [amount.value for amount in find_facts(text).amounts] == values


@pytest.mark.parametrize(
    "text", ["- 45,00 € pour la cantine", "entre 30 - 45 € de frais", "20 € - 45,00 €", "de 30-45 €"]
)
def test_a_bullet_or_a_range_is_no_sign(text):
    assert all(float(amount.value) > 0 for amount in find_facts(f"Détail\n{text}").amounts)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("N° de dossier : 2025\u2011123456", "2025\u2011123456"),
        ("N° de dossier : 2025\u2010123456", "2025\u2010123456"),
        ("N° de dossier : 2025\u00ad-123456", "2025-123456"),
        ("N°\u2009de dossier\u2007: 2025-123456", "2025-123456"),
        ("Dossier n° : |1|2|3|4|5|6|7|", "1|2|3|4|5|6|7"),
        ("Dossier          :  32/0457/21", "32/0457/21"),
        ("Vos références à rappeler :        LYON, le 27 novembre 2025\n2 208 415 R", "2 208 415 R"),
        ("N° fiscal : 18 07 412 556 903", "18 07 412 556 903"),
        ("N° de mise en demeure   : MD 26 0087415", "MD 26 0087415"),
        ("Claim CLM-4471-88203", "CLM-4471-88203"),
        ("policy GX 771-0042-5", "GX 771-0042-5"),
        ("(dossier MDPH 31-118-2024)", "31-118-2024"),
        ("Avoir sur facture F2603-0081", "F2603-0081"),
        ("F A C T U R E\nSAINT-ASTIER         N° F2604-0078", "F2604-0078"),
        ("N°patient:31OO4477l2", "31OO4477l2"),
        ("Quittance n° 4471", "4471"),
        ("N° d'assuré : 441 223", "441 223"),
        ("Mandat SEPA (RUM) : CAF-2026-000441", "CAF-2026-000441"),
        ("sous le numéro 44-551-2", "44-551-2"),
        ("Dossier famille 28/0114/7762", "28/0114/7762"),
        ("Matricule 1187", "1187"),
        ("CODE FAMILLE : BD0417", "BD0417"),
        ("Réf. dossier         25-118-44", "25-118-44"),
        ("Numéro fiscal (déclarant 1)   30 12 456 789 015", "30 12 456 789 015"),
        ("N° adhérent : 00417788 / 02", "00417788 / 02"),
        ("annule et remplace la facture F-2026-012", "F-2026-012"),
        ("annule et remplace le 00871-A", "00871-A"),
        ("Subject: plan for Rohan (SEN/11482)", "SEN/11482"),
        ("Communication : +++090/9337/55493+++", "090/9337/55493"),
        ("Sinistre 26-118-4471", "26-118-4471"),
        ("N/réf. : CAMSP/HQ/so-2026.118", "CAMSP/HQ/so-2026.118"),
    ],
)
def test_a_reference_is_shown_as_it_stands_in_the_letter(text, number):
    assert [reference.text for reference in find_facts(text).references] == [number]


@pytest.mark.parametrize(
    "text",
    [
        "le décret n° 2020-1523 du 4 décembre 2020",
        "la délibération n° CD2024-06/23",
        "article 195 du code, art. L. 142-9",
        "Assurance décennale AXO n° 7714402",
        "SIRET 781 234 567 00026, FINESS 860012345",
        "Dossier suivi par : Mme Faure, 01 64 19 11 40",
        "Numéro unique : 01 64 19 11 40, n° vert 0 800 360 360",
        "Assurance de la professionnelle : MACSF n° 5578120",
        "Code postal : 59000, chambre n° 214",
        "Le dossier 2026 est complet",
        "Demande : 120 heures d'AESH",
        "un acompte à la commande : 293,40 €",
        "Objet : rentrée 2026-2027",
        "Dossier reçu le 12/03/2026, d'un montant de 1 204 €",
    ],
)
def test_the_numbers_of_laws_and_firms_are_no_references(text):
    assert find_facts(text).references == ()


@pytest.mark.parametrize("text", ["a\u00adb\u200bc", "|1|2|0|3|2|0|2|6| fin", "l’été 1ᵉʳ\u00a0", "1 2 3 4 5 6 x", ""])
def test_every_place_of_the_plain_text_leads_back(text):
    letter = Letter(text)
    offsets = letter._offsets if letter._offsets is not None else list(range(len(text)))
    assert len(offsets) == len(letter.plain)
    assert offsets == sorted(offsets)


@pytest.mark.parametrize(
    "repeated",
    [
        "1 ",
        "|1",
        "1|",
        "1/",
        "| ",
        "\u00ad",
        "1\u200b",
        "\u2011",
        "- 1 €",
        "1'",
        "1O",
        "O",
        "1,",
        "un ",
        "n° ",
        "dossier ",
        "le 1 ",
        "1,00 ",
        "A-",
        "1 et ",
    ],
)
def test_plain_typography_takes_linear_time(repeated):
    assert_linear(find_facts, repeated, 60_000)
