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
        ("À envoyer avant le 15 / 04 / 26.", ["2026-04-15"]),
        ("À envoyer avant le 17 / 04.", ["2026-04-17"]),
        ("À envoyer avant le 17/ 04 à midi.", ["2026-04-17"]),
        ("RDV le 15 .04 .26", ["2026-04-15"]),
        ("RDV le 15. 04. 26 à 10 h", ["2026-04-15"]),
        ("À envoyer avant le 17 - 04 - 26.", ["2026-04-17"]),
        ("À envoyer avant le 3 / 4.", ["2026-04-03"]),
        ("Date limite : 17 / 04 / 26", ["2026-04-17"]),
        ("Date limite : 17 / 04", ["2026-04-17"]),
        ("du 02 / 04 au 15 / 04", ["2026-04-02", "2026-04-15"]),
        ("du 02 / 04 / 26 - 15 / 04 / 26", ["2026-04-02", "2026-04-15"]),
        ("le 15 / 16 avril", ["2026-04-15", "2026-04-16"]),
        ("Vacances du 1er-15 avril", ["2026-04-01", "2026-04-15"]),
        ("Vacances du 1er/2 avril", ["2026-04-01", "2026-04-02"]),
        ("Le 12 / 20 obtenu", []),
        ("Note : 15 / 20, page 2 / 10, 1 / 2 journée", []),
        ("Tension 12 / 08", []),
        ("tél 03 - 20 - 12 - 03 - 04 ou 03 . 20 . 12 . 03 . 04", []),
        ("Avant le 15. 4 enfants sont inscrits.", ["2026-03-15"]),
        ("né en 2016", []),
        ("Durée : 12 mois, 05 jours", []),
        ("Version 12.05.3", []),
        ("ratio 1/12", []),
        ("10/12 bulletins reçus", []),
        ("3/4 temps", []),
        ("1/2 journée", []),
        ("14/07 : férié", ["2026-07-14"]),
        ("Tension 12/08", []),
        ("Pas de cours du 17 avril au 2 mai.", ["2026-04-17", "2026-05-02"]),
        ("Semaine 4 (19 au 25 juillet)", ["2026-07-19", "2026-07-25"]),
        ("Durant les relâches (1er au 5 avril)", ["2026-04-01", "2026-04-05"]),
        ("Examens : 14 au 19 avril et 4 au 9 mai", ["2026-04-14", "2026-04-19", "2026-05-04", "2026-05-09"]),
        ("| Épreuves | 26 et 29 juin 2026 |", ["2026-06-26", "2026-06-29"]),
        ("| Talon à rendre | 06/11 dernier délai |", ["2026-11-06"]),
        ("Demande d'aide 12/12 au plus tard", ["2026-12-12"]),
        ("Groupe (3 et 4 enfants)", []),
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


@pytest.mark.parametrize(
    "repeated",
    ["12-", "12/", "12 / ", "12 / 04 ", "12-13 ", "les 12, ", "12 & ", "12/05-", "le 12 05 ", "12-mai-", "avant fin "],
)
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


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("À renvoyer avant fin avril.", ("fin avril", "2026-04-30", "deadline")),
        ("Merci de répondre d'ici la fin du mois d'avril.", ("fin du mois d'avril", "2026-04-30", "deadline")),
        ("Inscriptions jusqu'à fin mai", ("fin mai", "2026-05-31", "deadline")),
        ("Dossier à rendre pour la fin février.", ("fin février", "2027-02-28", "deadline")),
        ("L'AEEH est versée jusqu'à fin mai 2028.", ("fin mai 2028", "2028-05-31", "end_of_rights")),
        ("À renvoyer avant mi-avril.", ("mi-avril", None, "deadline")),
        ("Merci de répondre d'ici la mi avril 2026.", ("mi avril 2026", None, "deadline")),
        ("À renvoyer début mai au plus tard.", ("début mai", None, "deadline")),
        ("À renvoyer avant juin.", ("juin", None, "deadline")),
        ("Vous pouvez former un recours avant juin.", ("juin", None, "deadline")),
        ("Avant juin, merci de nous retourner le dossier.", ("juin", None, "deadline")),
        ("Merci de répondre avant la fin du mois.", ("fin du mois", None, "deadline")),
        ("Pièces à nous adresser avant la fin de la semaine.", ("fin de la semaine", None, "deadline")),
        ("Choix à rendre d'ici la fin de l'année scolaire.", ("fin de l'année scolaire", None, "deadline")),
    ],
)
def test_a_part_of_a_month_is_a_deadline_with_a_day_only_at_its_end(sentence, expected):
    date = next(date for date in find_facts(HEAD + sentence).dates if date.kind != "letter")
    assert (date.text, date.iso, date.kind) == expected


@pytest.mark.parametrize(
    "sentence",
    [
        "La commission se réunit fin mai.",
        "La famille a 3 enfants et les parents ont 40 ans.",
        "Une réponse suivra mi-avril, avant marsouins et maires.",
        "Avant janvier, vous aviez 12 enfants.",
        "Vous étiez suivie avant mars dernier.",
        "Le centre est ouvert avant août.",
        "Nous vous remercions d'avoir répondu. Le centre était fermé avant août.",
    ],
)
def test_a_part_of_a_month_that_limits_nothing_is_no_day(sentence):
    assert [date.kind for date in find_facts(HEAD + sentence).dates] == ["letter"]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("M. Durand, né le 12/03/45", "1945-03-12"),
        ("Date de naissance : 01.05.31", "1931-05-01"),
        ("Emma, née le 13/03/26", "1926-03-13"),
        ("Emma, née le 2/3/26", "2026-03-02"),
        ("Né à terme. Date de naissance : 12/03/45", "1945-03-12"),
        ("Emma, née le 3 mai '16", "2016-05-03"),
        ("Séjour prévu pour Léa, née le 03/10/31", "1931-10-03"),
        ("Séjour prévu pour Léa, née le 03/10/26", "1926-10-03"),
        ("Rendez-vous prévu à la naissance. M. Roy, né le 03/10/31", "1931-10-03"),
        ("Visite prévue : Mme Roy, date de naissance 03/10/31", "1931-10-03"),
        ("Au terme du séjour de Léa, née le 03/10/31", "1931-10-03"),
        ("L'enfant à naître et M. Roy, né le 03/10/31", "1931-10-03"),
    ],
)
def test_a_birth_is_never_to_come(text, day):
    assert [date.iso for date in find_facts(HEAD + text).dates if date.kind == "birth"] == [day]


@pytest.mark.parametrize(
    "words",
    [
        "Date de naissance prévue :",
        "Naissance prévue le",
        "Naissance prevue le",
        "Date prévue de naissance :",
        "Date prévue pour la naissance :",
        "Naissance (terme) :",
        "Enfant à naître, né le",
        "Enfant à naître, date de naissance :",
        "Né le (terme) :",
    ],
)
def test_a_birth_that_is_expected_is_to_come(words):
    assert "2026-06-15" in [date.iso for date in find_facts(f"{HEAD}{words} 15/06/26").dates]


def test_without_the_day_of_the_letter_a_birth_is_no_later_than_today():
    [date] = find_facts("M. Durand, né le 12/03/45").dates
    assert (date.iso, date.kind) == ("1945-03-12", "birth")
