"""Requests without a verb, alone on a line or inside a paragraph, and phrases like them that ask for nothing."""

from __future__ import annotations

import pytest

from chat.documents.extraction import find_facts
from tests.chat.documents.letter_head import HEAD, days

PLACES = {
    "line": "Bonjour,\n\n{}\n\nCordialement",
    "item": "À retenir :\n- {}\n- Le secrétariat reste joignable.",
    "paragraph": "Nous avons étudié votre situation. {}. Nous restons à votre écoute.",
    "behind a colon": "Pour la suite : {}.",
}


def found(phrase: str, place: str) -> list[tuple[str, str | None, str]]:
    text = PLACES[place].format(phrase)
    return [(date.text, date.iso, date.kind) for date in find_facts(HEAD + text).dates if date.kind != "letter"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("phrase", "text", "iso"),
    [
        ("Réponse à nous adresser sous 10 à 15 jours", "sous 10 à 15 jours", "2026-03-22"),
        ("Inscription obligatoire avant juin", "juin", None),
        ("Retour du dossier avant janvier", "janvier", None),
        ("Pièces à fournir pour le 12 mai 2026", "12 mai 2026", "2026-05-12"),
        ("Règlement par chèque avant le 3 mars", "3 mars", "2027-03-03"),
        ("Règlement par chèque avant septembre", "septembre", None),
        ("Inscriptions au périscolaire avant juin", "juin", None),
        ("Réinscription de Léa avant juin", "juin", None),
        ("Retour signé par les deux parents avant mai", "mai", None),
        ("Renvoi de la fiche sanitaire sous 8 à 10 jours", "sous 8 à 10 jours", "2026-03-20"),
        ("Retour de votre part souhaité sous 2 à 3 semaines", "sous 2 à 3 semaines", "2026-03-26"),
        ("Réponse par courriel sous 8 à 10 jours", "sous 8 à 10 jours", "2026-03-20"),
        ("Réponse impérative sous 48 à 72 heures", "sous 48 à 72 heures", "2026-03-14"),
        ("Envoi du certificat médical avant mai", "mai", None),
        ("Envoi du dossier à l'adresse ci-dessus avant mai", "mai", None),
        ("Retour des livres au CDI avant juin", "juin", None),
        ("Dépôt du dossier complet en mairie avant mai", "mai", None),
        ("Remise des clés au gardien avant mai", "mai", None),
        ("Mise à jour du dossier avant octobre", "octobre", None),
        ("Versement de l'acompte avant avril", "avril", None),
        ("Attestation de droits à joindre avant septembre", "septembre", None),
        ("Attestation de la CAF à produire avant septembre", "septembre", None),
        ("Demande de transport à refaire chaque année avant juin", "juin", None),
        ("Prise de rendez-vous indispensable avant mai", "mai", None),
        ("Signature des deux parents avant mai", "mai", None),
        ("Confirmation écrite avant mai", "mai", None),
        ("Dossier complet avant juin", "juin", None),
        ("Paiement par carte bancaire avant mai", "mai", None),
        ("Dans l'attente de votre réponse sous 10 à 15 jours", "sous 10 à 15 jours", "2026-03-22"),
        ("Réponse des familles sous 8 à 10 jours", "sous 8 à 10 jours", "2026-03-20"),
        ("Contestation éventuelle avant juin", "juin", None),
        ("Dernières pièces manquantes : avant mai", "mai", None),
        ("Bilan orthophonique à nous faire parvenir d'ici juin", "juin", None),
        ("Vaccin obligatoire avant septembre", "septembre", None),
        ("Avant juin, inscription obligatoire", "juin", None),
        ("INSCRIPTION OBLIGATOIRE AVANT JUIN", "JUIN", None),
        ("PIÈCES À NOUS REMETTRE AVANT JUIN", "JUIN", None),
        ("Reponse a nous adresser sous 10 a 15 jours", "sous 10 a 15 jours", "2026-03-22"),
    ],
)
def test_a_request_without_a_verb_is_a_deadline(phrase, text, iso, place):
    assert found(phrase, place) == [(text, iso, "deadline")]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "phrase",
    [
        "Réponse reçue sous 10 jours",
        "Réponse reçue sous 10 à 15 jours",
        "Retour des vacances avant janvier",
        "Inscription de Léa faite avant juin",
        "Inscription de Léa faite avant le 3 mars 2026",
        "Inscription de Léa faite avant le 3 juin",
        "Inscription validée avant juin",
        "Inscription non obligatoire avant juin",
        "Aucune inscription avant juin",
        "Dossier déposé avant juin",
        "Documents fournis pour le 10 mars 2026",
        "Règlement effectué par chèque avant juin",
        "Règlement intérieur voté avant juin",
        "Paiement effectué sous 30 jours",
        "Retour à la normale avant juin",
        "Retour à l'école avant juin",
        "Retour de Mme Roy avant juin",
        "Retour d'expérience avant juin",
        "Retour attendu de l'AESH avant juin",
        "Réponse de la MDPH sous 10 à 15 jours",
        "Réponse du médecin sous 10 à 15 jours",
        "Réponse à votre courrier sous 10 à 15 jours",
        "Réponse garantie sous 10 à 15 jours",
        "Réponse garantie sous 48 heures",
        "Réponse de nos conseillers garantie sous 48 heures",
        "Retour reçu dans un délai de 15 jours",
        "Retour de votre dossier par la MDPH sous 10 à 15 jours",
        "Envoi de votre carte sous 10 à 15 jours",
        "Envoi de la notification avant juin",
        "Versement de l'AEEH avant juin",
        "Dépôt de bilan avant juin",
        "Remise des prix avant juin",
        "Remise des bulletins avant juin",
        "Réservation annulée avant juin",
        "Réponse habituelle sous 10 à 15 jours",
        "Ouverture de la classe avant juin",
        "L'inscription de Léa avant juin nous a permis de prévoir une place",
        "Avant juin, retour à la normale",
    ],
)
def test_a_phrase_that_asks_for_nothing_is_no_deadline(phrase, place):
    assert [date for date in found(phrase, place) if date[2] == "deadline"] == []


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("phrase", "text", "iso"),
    [
        ("certificat médical fourni avant le 3 mai 2026", "3 mai 2026", "2026-05-03"),
        ("dossier complet rendu avant le 3 mai 2026", "3 mai 2026", "2026-05-03"),
        ("Dossier complet déposé en mairie avant le 30 avril 2026", "30 avril 2026", "2026-04-30"),
        ("Frais de cantine réglés avant le 31 mars 2026", "31 mars 2026", "2026-03-31"),
        ("Candidatures reçues avant le 15 avril 2026", "15 avril 2026", "2026-04-15"),
        ("Documents rendus pour le 3 mai 2026", "3 mai 2026", "2026-05-03"),
        ("Inscription faite avant le 3 mai 2026", "3 mai 2026", "2026-05-03"),
        ("Inscription faite avant le 03/05/26", "03/05/26", "2026-05-03"),
        ("Dossier complet déposé en mairie avant le 30 avril", "30 avril", "2026-04-30"),
        ("Frais de cantine réglés avant le 31 mars", "31 mars", "2026-03-31"),
        ("Pièces fournies dans un délai de 15 jours", "dans un délai de 15 jours", "2026-03-27"),
        ("Dossiers reçus dans un délai de 15 jours", "dans un délai de 15 jours", "2026-03-27"),
        ("Demande envoyée dans les deux mois", "dans les deux mois", "2026-05-12"),
        ("Retour de la fiche reçu sous 8 jours", "sous 8 jours", "2026-03-20"),
    ],
)
def test_what_may_have_to_be_done_by_a_day_to_come_is_a_deadline(phrase, text, iso, place):
    assert found(phrase, place) == [(text, iso, "deadline")]


@pytest.mark.parametrize(
    "sentence",
    [
        "Pour le tarif réduit, inscription faite avant le 3 mai.",
        "Inscription faite avant le 3 mai : 10 % de remise.",
        "Toute demande faite avant le 3 mai.",
        "Pour le tarif réduit, inscription réglée avant le 3 mai.",
        "Inscription réglée avant le 3 mai : 10 % de remise.",
        "Toute demande reçue avant le 3 mai.",
    ],
)
def test_what_must_be_done_for_something_is_a_deadline(sentence):
    assert days(sentence) == (["2026-05-03"], [])
