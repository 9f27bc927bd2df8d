"""Days as they are written, in short, in rows and by scanners, and what is none."""

from __future__ import annotations

import pytest

from chat.documents.extraction import find_facts
from tests.chat.documents.letter_head import HEAD
from tests.support.growth import assert_linear


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Votre demande du 14 octobre dernier.", ["2025-10-14"]),
        ("Réunion le 2 janvier prochain.", ["2027-01-02"]),
        ("Votre courrier du 3 courant.", ["2026-03-03"]),
        ("Votre courrier du 3 février dernier.", ["2026-02-03"]),
        ("Rendez-vous le 12-mai-26.", ["2026-05-12"]),
        ("Rendez-vous le 12 mai 26 à 9h.", ["2026-05-12"]),
        ("Rendez-vous le 12 mai '26.", ["2026-05-12"]),
        ("Rendez-vous le 12-May-2026.", ["2026-05-12"]),
        ("Date : 12 05 2026", ["2026-05-12"]),
        ("Le 12/5/26", ["2026-05-12"]),
        ("le 12 mai2026", ["2026-05-12"]),
        ("le12 mai 2026", ["2026-05-12"]),
        ("12MAI2026", ["2026-05-12"]),
        ("12 MAI 2026", ["2026-05-12"]),
        ("Mardi 12 mai", ["2026-05-12"]),
        ("MARDI 12/05", ["2026-05-12"]),
        ("mar.12 mai", ["2026-05-12"]),
        ("12 et 13 mai 2026", ["2026-05-12", "2026-05-13"]),
        ("12-13 mai 2026", ["2026-05-12", "2026-05-13"]),
        ("12 & 13 mai", ["2026-05-12", "2026-05-13"]),
        ("12/13 mai", ["2026-05-12", "2026-05-13"]),
        ("du 12 au 15.05.2026", ["2026-05-12", "2026-05-15"]),
        ("du 12.05 au 15.05.2026", ["2026-05-12", "2026-05-15"]),
        ("du 12/05 - 15/05", ["2026-05-12", "2026-05-15"]),
        ("12/05-15/05", ["2026-05-12", "2026-05-15"]),
        ("du mardi 12 au vendredi 15 mai", ["2026-05-12", "2026-05-15"]),
        ("mardi 12, mercredi 13 et jeudi 14 mai", ["2026-05-12", "2026-05-13", "2026-05-14"]),
        ("les mardis 12 et 19 mai", ["2026-05-12", "2026-05-19"]),
        ("les 12, 19, 26 mai", ["2026-05-12", "2026-05-19", "2026-05-26"]),
        ("nuit du 12 au 13 mai", ["2026-05-12", "2026-05-13"]),
        ("week-end du 16-17 mai", ["2026-05-16", "2026-05-17"]),
        ("Le 12 mai ou à défaut le 13.", ["2026-05-12", "2026-05-13"]),
        ("Dès le 12 mai et jusqu'au 15.", ["2026-05-12", "2026-05-15"]),
        ("Le premier mai et le huit mai sont fériés.", ["2026-05-01", "2026-05-08"]),
        ("le 1 er mai", ["2026-05-01"]),
        ("le 1° mai", ["2026-05-01"]),
        ("Le ler mai", ["2026-05-01"]),
        ("le 12ème jour", []),
        ("31 juin", []),
        ("vers le 12 mai", ["2026-05-12"]),
        ("mi-mai, fin mai, début mai", []),
        ("la semaine du 12 mai", ["2026-05-12"]),
        ("la semaine du 11 au 15 mai", ["2026-05-11", "2026-05-15"]),
        ("le lundi 11 ou mardi 12 mai", ["2026-05-11", "2026-05-12"]),
        ("May 12th, 2026", ["2026-05-12"]),
        ("12th of May", ["2026-05-12"]),
        ("Tuesday 12th May 2026", ["2026-05-12"]),
        ("Tue 12 May", ["2026-05-12"]),
        ("on May 12", ["2026-05-12"]),
        ("12.5.2026", ["2026-05-12"]),
        ("Ce mardi 12 mai 2026 à 9h", ["2026-05-12"]),
        ("mardi prochain", ["2026-03-17"]),
        ("samedi dernier", ["2026-03-07"]),
        ("dès demain", ["2026-03-13"]),
        ("avant-hier", ["2026-03-10"]),
        ("né(e) le 12/05/2016", ["2016-05-12"]),
        ("DN : 12/05/2016", ["2016-05-12"]),
        ("(12/05/2016)", ["2016-05-12"]),
        ("né en 2016", []),
        ("Durée : 12 mois, 05 jours", []),
        ("Version 12.05.3", []),
        ("ratio 1/12", []),
        ("10/12 bulletins reçus", []),
        ("3/4 temps", []),
        ("1/2 journée", []),
        ("14/07 : férié", ["2026-07-14"]),
        ("Tension 12/08", []),
        ("11/10e", []),
        ("groupe 05/12", []),
        ("de 9h à 12h30", []),
        ("tél 06 12 05 20 26", []),
        ("12,05 €", []),
        ("code 12-05-26-A", []),
    ],
)
def test_days_are_found_as_they_are_written(text, expected):
    dates = find_facts(HEAD + text).dates
    assert sorted(date.iso for date in dates if date.iso and date.kind != "letter") == expected


@pytest.mark.parametrize("repeated", ["12-", "12/", "12-13 ", "les 12, ", "12 & ", "12/05-", "le 12 05 ", "12-mai-"])
def test_written_days_take_linear_time(repeated):
    assert_linear(find_facts, repeated, 60_000)


WRAPPED = (
    "Nous vous prions de nous retourner ce formulaire avant le 20\n"
    "mars 2026, et de régler la somme restante de 1\n"
    "500 euros que vous nous devez encore au titre de l'année, soit deux\n"
    "cents euros par mois."
)


def test_a_fact_goes_on_behind_the_end_of_its_line():
    facts = find_facts(WRAPPED)
    assert [date.iso for date in facts.dates] == ["2026-03-20"]
    assert [amount.value for amount in facts.amounts] == ["1500", "200"]
