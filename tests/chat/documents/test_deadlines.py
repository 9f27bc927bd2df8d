"""Deadlines come first among the dates of a letter; each date has a label."""

from __future__ import annotations

import datetime as dt

import pytest

from chat.documents.extraction import find_facts
from chat.documents.extraction.days.periods import end_of_period
from tests.chat.documents.letter_head import HEAD


def dates(text: str) -> list[tuple[str, str | None, str]]:
    return [(date.text, date.iso, date.kind) for date in find_facts(text).dates]


@pytest.mark.parametrize(
    ("sentence", "iso"),
    [
        ("Vous disposez de deux mois à compter de la notification pour former un recours.", "2026-05-12"),
        ("Il peut être contesté dans le délai d'un mois à compter de la date d'émission ci-dessus.", "2026-04-12"),
        ("You may appeal within two months of the notification of this letter.", "2026-05-12"),
        ("Merci de nous renvoyer le formulaire sous quinzaine.", "2026-03-27"),
        ("Merci de nous retourner les pièces sous trois semaines.", "2026-04-02"),
        ("Recours : dans un délai de deux mois à compter du 20 mars 2026.", "2026-05-20"),
        ("Vous disposez d'un délai de 2mois pour contester.", "2026-05-12"),
        ("Merci de répondre sous 15jours.", "2026-03-27"),
        ("Vous avez donc un mois pour contester.", "2026-04-12"),
        ("Vous n'avez que quinze jours pour faire appel.", "2026-03-27"),
        ("Vous disposez désormais de deux mois pour former un recours.", "2026-05-12"),
        ("Merci de répondre dans un délai de 10 à 15 jours.", "2026-03-22"),
        ("Les parents ont 15 jours pour répondre à la proposition de l'inspectrice.", "2026-03-27"),
        ("La famille dispose de quinze jours pour se rétracter.", "2026-03-27"),
        ("Vous disposez d'un délai de rigueur de 15 jours.", "2026-03-27"),
        ("Vous pourrez présenter votre recours durant quinze jours.", "2026-03-27"),
        ("Réponse attendue sous 8-10 jours.", "2026-03-20"),
        ("Merci de répondre sous 8 à 10 j.", "2026-03-20"),
        ("Merci de répondre sous 24 à 48 heures.", "2026-03-13"),
        ("Merci de répondre sous 48 h à 72 h.", "2026-03-14"),
        ("Vous aurez 15 jours pour nous retourner le formulaire.", "2026-03-27"),
        ("Vous disposerez d'un délai de 15 jours pour répondre.", "2026-03-27"),
        ("Merci de le compléter puis de nous le renvoyer ensuite sous 15 jours.", "2026-03-27"),
        ("Contestez ensuite dans les deux mois.", "2026-05-12"),
        ("Si vous acceptez, renvoyez alors le coupon dans les 10 jours.", "2026-03-22"),
        ("Suite au refus de la commission, vous avez alors un mois pour la contester.", "2026-04-12"),
        ("Renvoyez alors le coupon dans les 10 jours.", "2026-03-22"),
        ("Recours possible dans un délai d'un à deux mois à compter de la notification.", "2026-04-12"),
    ],
)
def test_a_period_ends_on_a_day_when_its_beginning_is_known(sentence, iso):
    first = find_facts(HEAD + sentence).dates[0]
    assert (first.iso, first.kind, first.label) == (iso, "deadline", "échéance")
    assert first.basis in {"2026-03-12", "2026-03-20"}


@pytest.mark.parametrize(
    "sentence",
    [
        "Vous pouvez contester cette décision dans un délai de 2 mois à compter de sa réception.",
        "Merci de répondre dans les 15 jours suivant la réception de ce courrier.",
        "Prévenez-nous au moins 8 jours avant l'audience.",
        "Vous avez, à compter de la réception de cette lettre, deux mois pour contester.",
        "À compter de la réception de cette lettre, vous avez deux mois pour contester.",
        "Après l'avoir signée, vous disposerez de quatorze jours pour vous rétracter.",
        "En cas de refus, vous aurez deux mois pour saisir le tribunal.",
        "Sans réponse vous avez alors deux mois pour saisir le tribunal.",
        "Si vous ne recevez rien, vous avez alors deux mois pour saisir le tribunal.",
        "Sans réponse de notre part, vous avez alors deux mois pour saisir le tribunal.",
        "En cas de rejet, vous disposez alors d'un délai de deux mois pour saisir le tribunal.",
        "À l'issue de ce recours, vous avez deux mois pour saisir le tribunal.",
        "Nous pouvons refuser. Vous aurez ensuite deux mois pour saisir le tribunal.",
        "Un refus est possible. Vous disposerez alors de deux mois pour saisir le tribunal.",
        "Si la commission maintient sa décision, vous avez ensuite deux mois pour saisir le tribunal.",
    ],
)
def test_a_period_from_an_unknown_day_stays_a_period(sentence):
    first = find_facts(HEAD + sentence).dates[0]
    assert (first.iso, first.kind, first.basis) == (None, "deadline", None)


def test_a_period_from_the_receipt_stands_where_it_ends_at_the_earliest():
    letter = HEAD + "À renvoyer avant le 30 juin 2026. Recours : dans les deux mois à compter de la réception."
    assert [date.iso for date in find_facts(letter).dates[:2]] == [None, "2026-06-30"]


def test_without_the_letters_date_a_period_stays_a_period():
    [found] = find_facts("Vous avez un délai de deux mois à compter de la notification.").dates
    assert (found.iso, found.kind, found.basis) == (None, "deadline", None)


@pytest.mark.parametrize(
    "sentence",
    [
        "La commission dispose d'un délai de quatre mois pour statuer.",
        "L'absence de réponse dans un délai de quatre mois vaut rejet.",
        "Le délai de traitement est de trois mois.",
    ],
)
def test_the_periods_of_an_office_are_no_day_for_the_reader(sentence):
    assert {date.basis for date in find_facts(HEAD + sentence).dates} == {None}


@pytest.mark.parametrize(
    "sentence",
    [
        "Le traitement prend un délai de 2 à 4 mois.",
        "Le traitement prend un délai de 4 mois.",
        "Délai de traitement : 3 à 4 mois",
        "Délai de traitement : 3 mois",
        "La MDPH vous répondra dans un délai de 4 à 6 mois.",
        "La MDPH vous répondra dans un délai de 4 mois, merci de patienter.",
        "La commission statuera dans un délai de 2 à 3 mois.",
        "Vous recevrez une réponse sous 10 à 15 jours.",
        "Vous recevrez une réponse sous 15 jours.",
        "Vous recevrez une réponse sous 8 à 10 j.",
        "Réponse du service sous 24 à 48 heures.",
        "Le paiement interviendra sous 8 à 10 jours.",
        "L'équipe revient vers vous sous 3 à 4 semaines.",
        "Notre avis vous parviendra dans un délai de 15 jours.",
        "La livraison se fait sous 8 à 10 jours.",
        "Comptez un délai de 2 à 4 mois.",
        "La MDPH vous répondra sous 15 jours.",
        "Le délai de traitement est de 4 mois.",
        "La MDPH répondra à votre demande sous 15 jours.",
        "L'instruction prend en moyenne un délai de 4 mois.",
        "Il faut compter un délai de trois mois.",
        "Votre demande sera étudiée sous 2 à 3 mois.",
    ],
)
def test_how_long_an_office_takes_is_no_deadline(sentence):
    assert [date.kind for date in find_facts(HEAD + sentence).dates] == ["letter"]


@pytest.mark.parametrize(
    ("sentence", "iso"),
    [
        ("Dès que vous recevrez ce courrier, renvoyez le coupon sous 10 à 15 jours.", "2026-03-22"),
        ("Vous recevrez un formulaire à renvoyer sous 15 jours.", "2026-03-27"),
        ("Si vous souhaitez contester le traitement de votre demande, vous avez deux mois.", "2026-05-12"),
        ("Vous aurez un à deux mois pour contester.", "2026-04-12"),
        ("La famille dispose de 10 à 15 jours pour se rétracter.", "2026-03-22"),
        ("Le traitement prend fin sous 15 jours si vous ne répondez pas.", "2026-03-27"),
        ("Le délai de traitement est de 4 mois, vous avez deux mois pour contester.", "2026-05-12"),
        (
            "La présente décision prend effet le 1er avril 2026 et peut être contestée dans un délai de deux mois.",
            "2026-05-12",
        ),
        ("La MDPH ne prend pas en charge ce matériel, vous avez deux mois pour contester.", "2026-05-12"),
        ("La CAF ne prend plus en charge ces frais, recours possible dans un délai de deux mois.", "2026-05-12"),
        ("Vous recevrez un titre de perception, payable dans un délai de 30 jours.", "2026-04-11"),
        ("Vous recevrez le protocole d'accord, à nous renvoyer signé dans les 10 jours.", "2026-03-22"),
        ("Le directeur statuera au vu de vos observations, à produire dans un délai de 15 jours.", "2026-03-27"),
        ("Vous devez prévoir une assurance et nous en adresser l'attestation sous 8 jours.", "2026-03-20"),
        ("Veuillez patienter en salle 2 puis déposer votre dossier sous 48 heures.", "2026-03-14"),
        ("Veuillez prévoir un chèque sous 8 jours.", "2026-03-20"),
        ("Comptez sur nous, et renvoyez le coupon sous 8 jours.", "2026-03-20"),
    ],
)
def test_a_period_is_the_readers_if_its_sentence_asks(sentence, iso):
    assert [date.iso for date in find_facts(HEAD + sentence).dates if date.kind == "deadline"] == [iso]


@pytest.mark.parametrize(
    ("start", "period", "end"),
    [
        ((2026, 12, 31), "deux mois", (2027, 2, 28)),
        ((2027, 12, 31), "2 mois", (2028, 2, 29)),
        ((2026, 3, 12), "douze", None),
        ((2026, 3, 12), "huitaine", (2026, 3, 20)),
        ((2026, 11, 30), "un mois", (2026, 12, 30)),
        ((2026, 3, 30), "15 jours", (2026, 4, 14)),
        ((2026, 3, 12), "48 heures", (2026, 3, 14)),
        ((2026, 3, 12), "cinq jours ouvrés", (2026, 3, 19)),
        ((2026, 3, 12), "20 working days", (2026, 4, 9)),
        ((2026, 3, 12), "deux ans", (2028, 3, 12)),
        ((2026, 3, 12), "10 à 15 jours", (2026, 3, 22)),
        ((2026, 3, 12), "10-15 jours", (2026, 3, 22)),
        ((2026, 3, 12), "dix ou quinze jours", (2026, 3, 22)),
        ((2026, 3, 12), "une à deux semaines", (2026, 3, 19)),
        ((2026, 3, 12), "3 à 5 jours ouvrés", (2026, 3, 17)),
        ((2026, 3, 12), "two to three weeks", (2026, 3, 26)),
        ((2026, 3, 12), "cent mille ans", None),
    ],
)
def test_periods_are_counted_by_the_calendar(start, period, end):
    assert end_of_period(period, dt.date(*start)) == (end and dt.date(*end))


def test_what_is_to_be_done_comes_before_what_ends():
    letter = (
        HEAD + "L'AEEH vous est accordée du 1er avril 2026 au 31 mars 2028.\n"
        "Votre carte est valable jusqu'au 31 août 2027.\n"
        "Vous êtes convoqués à un rendez-vous le 20 avril 2026 à 9 h.\n"
        "La commission a décidé le 2 mars 2026.\n"
        "Vous avez jusqu'au 30 avril 2026 pour nous envoyer le certificat.\n"
        "Vous disposez de deux mois à compter de la notification pour contester."
    )
    assert dates(letter) == [
        ("30 avril 2026", "2026-04-30", "deadline"),
        ("Vous disposez de deux mois", "2026-05-12", "deadline"),
        ("20 avril 2026", "2026-04-20", "appointment"),
        ("31 août 2027", "2027-08-31", "end_of_rights"),
        ("31 mars 2028", "2028-03-31", "end_of_rights"),
        ("2 mars 2026", "2026-03-02", "decision"),
        ("12 mars 2026", "2026-03-12", "letter"),
        ("1er avril 2026", "2026-04-01", "other"),
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Vos droits prennent fin le 31 août 2026.", "end_of_rights"),
        ("La carte expire le 31 août 2026.", "end_of_rights"),
        ("Le délai de recours expire le 31 août 2026.", "deadline"),
        ("Les inscriptions sont ouvertes du 3 mai 2026 au 31 août 2026.", "deadline"),
        ("La notification reste valable jusqu'au 31 août 2026.", "end_of_rights"),
        ("Vous pouvez répondre jusqu'au 31 août 2026.", "deadline"),
        ("Repondez d'ici vendredi 31 août 2026.", "deadline"),
        ("Echeance : 31 août 2026", "deadline"),
        ("Dossier à rendre le 31 août 2026", "deadline"),
        ("Droit ouvert du 01/04/2025 au 31/08/2026.", "end_of_rights"),
        ("Votre droit à l'AEEH est ouvert du 1er avril 2025 au 31 août 2026.", "end_of_rights"),
        ("Les droits sont ouverts du 01/04/2025 au 31/08/2026.", "end_of_rights"),
        ("La prestation vous est ouverte du 01/04/2025 au 31/08/2026.", "end_of_rights"),
        ("Fin de droit le 31/08/2026", "end_of_rights"),
        ("Fin de votre droit à la PCH : 31/08/2026", "end_of_rights"),
        ("Date d'effet : 01/04/2025 - Date de fin : 31/08/2026", "end_of_rights"),
        ("Les demandes d'allocation sont ouvertes du 01/04/2026 au 31/08/2026.", "deadline"),
        ("La campagne des droits d'inscription est ouverte du 01/04/2026 au 31/08/2026.", "deadline"),
        ("La plateforme est ouverte du 01/04/2026 au 31/08/2026.", "deadline"),
        ("Date de fin de dépôt des dossiers : 31/08/2026", "deadline"),
        ("Date de fin d'inscription : 31/08/2026", "deadline"),
    ],
)
def test_an_end_is_a_deadline_or_an_end_of_rights_by_its_sentence(text, kind):
    assert [date.kind for date in find_facts(text).dates if date.iso == "2026-08-31"] == [kind]


@pytest.mark.parametrize(
    "sentence",
    [
        "La MDPH fera parvenir ses conclusions au plus tard le 31 août 2026.",
        "Le solde sera viré avant le 31 août 2026.",
        "L'établissement est fermé jusqu'au 31 août 2026.",
        "I'll send you the form by Friday 31 August 2026.",
    ],
)
def test_what_an_office_does_by_a_day_is_no_deadline(sentence):
    assert [date.kind for date in find_facts(sentence).dates] == ["other"]


@pytest.mark.parametrize(
    "head",
    [
        "NOTIFICATION          Auch, 12 mars 2026\n",
        "CPAM DES YVELINES          Versailles\nService des transports          le 12 mars 2026\n",
        "Émise le        : 12/03/2026\n",
        "Date: Thu, 12 Mar 2026 17:46:03 +0100\n",
        "Sent: 12 March 2026 10:05\n",
        "DEVIS n° D26-0318\n                      du 12/03/2026\n",
        "jeu. 12 mars 2026, 18:04\nBonjour,\n",
        "Arras,le l2 mars 2O26\n",
        "Toulouse le 12 ma\nrs 2026\n",
        "Facture n° 4471 du 12/03/2026\n",
        "Réf. 12-44 - notifiée le 12/03/2026\n",
        "LE 12 MARS 2026\n",
        "Aix-en-Provence, le 12 mars 2026 (page 1 sur 2)\n",
        "Le 12/03/2026 à 14:02\nBonjour,\n",
    ],
)
def test_the_date_of_a_letter_is_found_where_letters_have_it(head):
    found = {date.iso: date.kind for date in find_facts(f"{head}À renvoyer avant le 5/4.").dates}
    assert found["2026-04-05"] == "deadline"
    assert found["2026-03-12"] == "letter"


def test_every_kind_of_date_has_a_name():
    assert all(date.label for date in find_facts(HEAD + "Né le 3 mai 2015. Reçu le 4 mai 2026.").dates)


@pytest.mark.parametrize(
    ("sentence", "day"),
    [
        ("À renvoyer avant le 15 juillet.", "2026-07-15"),
        ("À renvoyer avant le 15 janvier.", "2027-01-15"),
        ("À renvoyer avant le 2/02.", "2027-02-02"),
        ("Rendez-vous le jeudi 19 décembre à 16h45.", "2026-12-19"),
        ("Nous avons bien reçu votre courrier du 20 décembre.", "2025-12-20"),
        ("Échéance : 29-mai-2026", "2026-05-29"),
        ("À renvoyer avant le 30 février.", None),
        ("Rendez-vous mardi 31, 14 h.", "2026-03-31"),
        ("À renvoyer avant le 5.", "2026-04-05"),
        ("Your place is free until 5 April.", "2026-04-05"),
        ("Come on Sunday, April 5th.", "2026-04-05"),
        ("Division des examens - DEC 3", None),
    ],
)
def test_a_day_without_a_year_is_the_one_that_the_letter_means(sentence, day):
    letter = f"Lille, le 12 mars 2026\n\nMadame,\n{sentence}\n"
    others = {iso for _, iso, kind in dates(letter) if kind != "letter"}
    assert others == ({day} if day else set())


def test_the_days_of_a_series_share_their_month():
    letter = HEAD + "Nous serons fermés du 14 au 17 mai. Séances les 20, 21 et 27 avril."
    assert [(text, iso) for text, iso, kind in dates(letter) if kind == "other"] == [
        ("20 avril", "2026-04-20"),
        ("21 avril", "2026-04-21"),
        ("27 avril", "2026-04-27"),
        ("14 mai", "2026-05-14"),
        ("17 mai", "2026-05-17"),
    ]


def test_tomorrow_is_counted_from_the_message():
    assert dates("lun. 30 mars 2026, 18:04\nDites-moi avant demain midi svp.")[0] == (
        "demain",
        "2026-03-31",
        "deadline",
    )


@pytest.mark.parametrize(
    "text", ["une hausse de 3.8 %", "Note : 12/20", "3/4 d'heure", "l'article 10.2 du code", "le 9 h 30"]
)
def test_a_mark_or_a_share_is_no_day(text):
    assert dates(HEAD + text)[1:] == []


def test_without_a_date_of_the_letter_a_day_has_no_year():
    assert dates("À renvoyer avant le 15 juillet.") == [("15 juillet", None, "deadline")]


@pytest.mark.parametrize(
    "text",
    [
        "Vous avez deux mois à compter du 31/12/9999 pour répondre.",
        "[31/12/9999, 19:12] Anna: à demain pour le rendez-vous",
        "Lille, le 01/01/0001\n\nRendez-vous le 3 mars à 10 h.",
        "Lille, le 31/12/9999\n\nRépondez avant le 15 mai, sous quinzaine.",
    ],
)
def test_a_placeholder_for_no_day_is_no_day(text):
    assert not [iso for _, iso, _ in dates(text) if iso and iso[:4] in {"0001", "9999"}]


@pytest.mark.parametrize(
    ("sentence", "certain"),
    [
        ("Vous avez 15 jours à compter de la date du présent courrier.", True),
        ("Payez sous 15 jours à compter de la date de facture.", True),
        ("Vous avez 15 jours à compter de la date d'envoi.", True),
        ("Vous avez 15 jours à compter de la date d'envoi de cette notification.", True),
        ("Vous avez 15 jours à compter de la date figurant en tête de ce courrier.", True),
        ("Vous avez 15 jours à compter de ce jour.", True),
        ("Vous avez 15 jours à compter du 12 mars 2026.", True),
        ("Vous avez 15 jours à compter du 12 mars 2026, date de notification.", True),
        ("You may appeal within 30 days of the date of this letter.", True),
        ("À compter de la date de ce courrier, vous avez 15 jours pour répondre.", True),
        ("À compter de ce jour, vous avez 15 jours pour répondre.", True),
        ("Merci de répondre sous 48 heures.", True),
        ("Merci de répondre avant vendredi.", True),
        ("Merci de répondre avant le 1er du mois prochain.", True),
        ("Merci de répondre avant le 15 mai 2026.", True),
        ("Recours : dans un délai de deux mois à compter du 20 mars 2026.", True),
        ("Vous avez 2mois pour contester.", False),
        ("Merci de répondre sous quinzaine.", False),
        ("You may appeal within 30 days.", False),
        ("Vous avez deux mois à compter de la notification.", False),
        ("Vous avez deux mois à compter de la date de notification de la présente décision.", False),
        ("Vous avez deux mois à compter de la notification de la décision du 12 mars 2026.", False),
        ("À compter de la notification, vous avez deux mois pour contester.", False),
        ("Vous avez 15 jours à compter de la première présentation de ce courrier.", False),
    ],
)
def test_a_day_is_certain_unless_the_period_may_run_from_the_receipt(sentence, certain):
    first = find_facts(HEAD + sentence).dates[0]
    assert first.iso
    assert first.certain is certain
