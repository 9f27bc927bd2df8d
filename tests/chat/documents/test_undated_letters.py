"""Letters whose own date stands in an unusual place, or nowhere: the years of their days."""

from __future__ import annotations

import pytest

from chat.documents.extraction import find_facts
from tests.support.growth import assert_linear


def days(letter: str) -> list[str]:
    return sorted(date.iso for date in find_facts(letter).dates if date.iso)


@pytest.mark.parametrize(
    "head",
    [
        "NOTE AUX FAMILLES          affichée le 12-03-2026\n",
        "Compte rendu diffusé le 12/03/2026\n",
        "CIRCULAIRE - distribuée le jeudi 12 mars 2026\n",
        "Daté du 12 mars 2026\n",
        "Mis à jour le 12/03/2026\n",
        "Message de Mme Roy, 12 mars 2026 a 7:48\n",
        "Menu de la cantine\nimprimé par le service, publié le 12.03.2026\n",
    ],
)
def test_the_date_of_a_note_is_found(head):
    found = {date.iso: date.kind for date in find_facts(f"{head}À rendre avant le 5/4.").dates}
    assert found == {"2026-03-12": "letter", "2026-04-05": "deadline"}


@pytest.mark.parametrize(
    ("letter", "expected"),
    [
        (
            "Affectation prononcée le 30 juin. Clôture : vendredi 3 juillet. Rentrée : mardi 1er septembre 2026, 9 h.",
            ["2026-06-30", "2026-07-03", "2026-09-01"],
        ),
        (
            "Réunion le 24 mars 2026 à 18 h. Réponse avant le 20, pique-nique le 2 avril.",
            ["2026-03-20", "2026-03-24", "2026-04-02"],
        ),
        (
            "Léo, né le 3 mai 2015. Séjour du 20 décembre au 3 janvier 2027. Acompte avant le 15 octobre.",
            ["2015-05-03", "2026-10-15", "2026-12-20", "2027-01-03"],
        ),
        ("Calendrier 2025-2026\nPhotos : 14 octobre\nFête : 19 juin", ["2025-10-14", "2026-06-19"]),
        ("Inscriptions de la rentrée 2026 : dossier à rendre pour le 22 mai.", ["2026-05-22"]),
        ("Été 2026 : séjour du 6 au 10 juillet, dossier avant le 2 juin.", ["2026-06-02", "2026-07-06", "2026-07-10"]),
        ("Loi du 11 février 2005. Fermeture le 24 décembre.", ["2005-02-11"]),
    ],
)
def test_a_letter_without_a_date_has_the_year_of_its_other_days(letter, expected):
    assert days(letter) == expected


@pytest.mark.parametrize(
    "head",
    [
        "De : Mme Roy <a@b.fr>\nEnvoyé : mardi 10 mars 2026 09:12\nÀ : Parents\nObjet : réunion\n\n",
        "From: Roy\nSent: Tuesday, March 10, 2026 9:12 AM\nTo: Parents\nSubject: meeting\n\n",
        "Date : 10/03/2026 09:12\nObjet : réunion\n\n",
        "Le mar. 10 mars 2026 à 09:12, Mme Roy <a@b.fr> a écrit :\n",
        "10 mars 2026, 09:12\n",
        "10/03/26 09:12\n",
        "[10/03/2026 09:12:33] Mme Roy: ",
        "10/03/2026, 09:12 - Mme Roy : ",
        "SMS de l'école, mardi 10 mars 2026\n",
        "Message du 10 mars 2026 :\n",
        "Mot du 10/03/2026\n",
        "Carnet de liaison - 10/03/2026\n",
        "Cahier de Léo    10.03.2026\n",
        "Lille le 10 Mars 2026,\n",
        "LILLE, LE 10/03/2026\n",
        "À Lille, le 10 mars 2026.\n",
        "Fait à Lille le 10 mars 2026\n",
        "Lille, mardi 10 mars 2026\n",
        "Le mardi 10 mars 2026\n",
        "Le 10-03-2026\n",
        "2026-03-10\n",
        "Villeneuve d'Ascq, le 10 mars 2026\n",
        "Saint-Denis (974), le 10 mars 2026\n",
        "L'Haÿ-les-Roses, le 10/03/2026\n",
        "Réf : 12-44    Lille, le 10/03/2026\n",
        "Nos réf. : 12-44 / Lille, le 10/03/2026\n",
        "Dossier suivi par Mme Roy - Tél : 03 20 11 22 33 - Lille, le 10 mars 2026\n",
        "Courrier du 10/03/2026 - Réf 12-44\n",
        "Edité le 10/03/2026 à 09:12\n",
        "Date d'émission : 10/03/2026\n",
        "Date de la notification : 10 mars 2026\n",
        "Notification du 10 mars 2026\n",
        "Relevé du 10/03/2026\n",
        "Avis du 10/03/2026\n",
        "Publié le 10/03/2026 par Mme Roy\n",
        "Pronote - message reçu le 10/03/2026 à 18h04\n",
        "Espace famille > Messages > 10/03/2026\n",
        "Posté par Mme Roy · 10 mars 2026\n",
        "Mme Roy, le 10 mars 2026 :\n",
        "CR ESS du 10/03/2026\n",
        "Mardi 10 mars\nAnnée scolaire 2025-2026\n",
        "Mme Roy\nCabinet d'orthophonie\n10/03/2026\n",
        "Date: Tue, 10 Mar 2026 09:12:00 +0100\n",
        "Tuesday 10 March 2026\n\nDear parents,\n",
        "10th March 2026\n",
        "March 10, 2026\n",
        "Our ref: 12/44\nDate: 10 March 2026\n",
        "Créé le 10/03/2026 09:12\n",
        "Imprimé le : 10/03/2026\n",
        "Reçu le 10/03/2026\n",
        "Journal du 10/03/26\n",
        "N° 12 - mars 2026\n",
        "Semaine du 9 au 13 mars 2026\n",
        "Newsletter de mars 2026\n",
        "Le dix mars deux mille vingt-six\n",
        "Lille, le dix mars 2026\n",
        "L'AN DEUX MILLE VINGT SIX ET LE DIX MARS\n",
        "Bruxelles, 10/3/2026\n",
        "Genève, le 10.3.2026\n",
        "Montréal, 2026-03-10\n",
        "Montréal, le 10 mars 2026\n",
        "Lille, ce mardi dix mars\nExercice 2026\n",
    ],
)
def test_the_year_of_a_letter_is_found_under_many_heads(head):
    found = {
        date.iso
        for date in find_facts(f"{head}Bonjour,\nMerci de répondre avant le 20 mars. Réunion le 2 avril à 9h.\n").dates
        if date.kind in {"deadline", "appointment"}
    }
    assert found == {"2026-03-20", "2026-04-02"}


@pytest.mark.parametrize(
    "letter",
    [
        "Office de l'habitat du Forez – agence sud 10 mars 2026\n\nMadame,\n{}",
        "Mutuelle des Dunes\nVos messages > 10/03/2026\n\nMadame,\n{}",
        "Courriel du 10.03.2026\nObjet : livret\n\nMadame,\n{}",
        "Avis des sommes à payer\nÉmis et rendu exécutoire le 10 mars 2026\n{}",
        "Madame,\n{}\nCordialement,\nJ. Morel, greffière — 10 mars 2026",
        "Madame,\n{}\nBises, Paule\n(10 mars 2026)",
        "Madame,\n{}\nCe message automatique est daté du 10/03/2026.",
    ],
)
def test_a_period_is_counted_from_the_date_of_a_letter_wherever_it_stands(letter):
    found = {
        date.iso: date.kind for date in find_facts(letter.format("Merci de répondre dans les quinze jours.")).dates
    }
    assert found == {"2026-03-10": "letter", "2026-03-25": "deadline"}


def test_a_period_is_counted_from_a_date_whose_year_other_days_tell():
    head = "Centre aéré\nVitré, le 7 avril\n\nMadame,\n"
    letter = f"{head}Merci de répondre sous huit jours.\nLe séjour commence le 9 juillet 2026."
    assert days(letter) == ["2026-04-07", "2026-04-15", "2026-07-09"]


def test_a_period_is_not_counted_from_another_day_of_a_letter_without_a_date():
    assert days("Réunion le 24 mars 2026 à 18 h. Merci de répondre sous huitaine.") == ["2026-03-24"]


@pytest.mark.parametrize(
    ("letter", "deadline"),
    [
        ("Vous avez 15 jours pour répondre, soit le 17 mars 2026.", "2026-03-17"),
        ("Vous disposez de deux mois à compter de la notification, soit le 2 mai 2026.", "2026-05-02"),
        ("Vous avez un mois pour envoyer ces pièces, soit le vendredi 3 avril 2026.", "2026-04-03"),
        ("Merci de répondre sous 8 jours (soit le 17 mars 2026).", "2026-03-17"),
        ("Vous avez deux mois pour contester, soit le 2 mai 2026.\nRéunion le 9 juin 2026 à 18 h.", "2026-05-02"),
    ],
)
def test_the_end_that_a_letter_without_a_date_tells_is_its_deadline(letter, deadline):
    assert [date.iso for date in find_facts(letter).dates if date.kind == "deadline" and date.iso] == [deadline]


@pytest.mark.parametrize(
    "letter",
    [
        "Taxi Momo : il me faut le bon de transport sous 8 jours. Ne pas répondre. (12/03/2026 11:20)",
        "Bonjour, il me faut le bon de transport sous 8 jours. Bon we. Jeu 12 mars 2026 10:32",
        "Il me faut le bon de transport sous 8 jours (groupe des parents, jeu. 12/03/26)",
        "Cabinet Petit (sms 12/03/2026) Il me faut le bon de transport sous 8 jours.",
        "Caf49 12/03/2026 : Il nous faut le bon de transport sous 8 jours.",
        "Ludothèque, 2e rappel, 12/03/2026\nMerci de rendre le jeu sous 8 jours.",
        "Le : jeudi 12 mars 2026 08:55\nSujet : taxi\n\nIl me faut le bon de transport sous 8 jours.",
        "L'an deux mil vingt-six et le douze mars\n\nVous devez payer sous 8 jours.",
        "Carnet de liaison 2025-2026\njeudi 12/3\n\nIl me faut le bon de transport sous 8 jours.",
    ],
)
def test_a_message_is_dated_at_its_end_in_its_title_or_by_its_school_year(letter):
    deadlines = [date.iso for date in find_facts(letter).dates if date.kind == "deadline"]
    assert deadlines == ["2026-03-20"]


def test_a_day_in_a_quoted_message_is_seen_from_its_own_day():
    quoted = "> Le 26 février 2026 à 10:12, la mairie a écrit :\n>\n> Les inscriptions ferment le 9 mars."
    found = {date.iso for date in find_facts(f"Le : 11 mars 2026 08:55\n\nBonjour,\nc'est noté.\n\n{quoted}").dates}
    assert found == {"2026-03-11", "2026-02-26", "2026-03-09"}


@pytest.mark.parametrize("repeated", ["3 mai ", "3 mai 2026 ", "le 3 mai, 2026 ", "affichée le "])
def test_undated_letters_take_linear_time(repeated):
    assert_linear(find_facts, repeated, 60_000)
