"""Tells a request without a verb, `Inscription obligatoire avant juin`, from a fact: `Inscription faite avant juin`."""

from __future__ import annotations

import re

from chat.documents.extraction.days.actors import DONE, pattern

CLAUSE = (
    r"(?:\A|[:;,.!(|•*►→>–—]\s{0,3}|\s-\s|\bet\s)\W{0,3}"
    r"(?:(?:votre|vos|la|le|les|une?|dans|l'attente\sde|dernière?s?|rappel|double|première|nouvelle)\s|l'){0,3}"
)
THING = (
    r"(?:dossier|pièce|document|formulaire|fiche|coupon|talon|questionnaire|certificat|attestation|justificatif"
    r"|bulletin|autorisation|contrat|convention|devis|bon|chèque|acompte|solde|caution|cotisation|facture|frais"
    r"|livret|carnet|photo|bilan|imprimé|livre|demande|candidature|inscription|accord|déclaration|clé|badge"
    r"|matériel|exemplaire|copie|mandat)s?\b"
)
# What the reader gives or does; of a return or an answer it must be told of what, by whom or how.
ACT = (
    r"(?:(?:retour|renvoi|dépôt(?!\sde\sbilan)|remise(?!\sdes\sbulletins)|restitution|règlement|paiement"
    r"|mise\sà\sjour|envoi(?!\sdes)|versement)\s"
    rf"(?:(?:impératif|rapide)\s)?(?:d\w{{1,2}}\s|d')(?:l'|(?:la|votre|vos|cette|ces?|une?)\s)?(?:\w{{2,14}}\s)?{THING}"
    r"|(?:retour|renvoi)\s(?:signé|complété|rempli|par\b|de\svotre\spart|(?:souhaité|attendu|demandé)\b(?!\sd))"
    r"|(?:pré-?|ré-?)?inscriptions?|réservations?|candidatures?|adhésions?|contestations?|réclamations?|renouvellement"
    r"|réponses?\b(?!\s(?:à\s(?:votre|vos|une?|la)|aux?|de\s(?!votre|vous)|d'|du|des(?!\s(?:parents|familles)))\b)"
    r"|(?:règlement|paiement)\s(?:par|en|intégral|comptant|à\sl'ordre|de\s\d)|prise\sde\srendez-vous"
    r"|confirmation\s(?:par|écrite|de\s(?:votre\s)?(?:présence|venue|participation))|accord\s(?:écrit|signé)"
    r"|signature\s(?:des|par)\s(?:deux\s|les\s){0,2}(?:parents|familles?|responsables)|acompte|caution|cotisation"
    r"|solde\sdu\s(?:séjour|stage|voyage)"
    r"|demande\sd(?:e\s(?:renouvellement|transport|bourse|place|dossier)|'(?:inscription|admission|aide))"
    rf"|{THING}\s(?:complet|complète|manquant|complémentaire|signé|rempli|médica|sanitaire|d'assurance|de\sdomicile))"
)
MUST = (
    r"\b(?:(?:obligatoire|impérati(?:f|ve)|indispensable|nécessaire|requise?|exigée?|urgente?)s?\b"
    r"|à\s(?:(?:nous|me|lui|leur)\s)?(?:faire\s)?"
    r"(?!(?:votre|notre|autre|titre|partir|venir|savoir|hier|naître)\b|\w+(?:vier|bre)\b)"
    r"(?!(?-i:[A-Z][a-z]))\w{3,14}(?:er|ir|re)\b)"
)
# Not behind an article: `à l'adresse ci-dessus`, `retour des livres` are none, with or without accents.
WAS_DONE = (
    r"(?<!\bl')(?<!\b[ld]es\s)(?<!\bla\s)(?<!\bune\s)(?<!\bvotre\s)(?<!\bcette\s)"
    rf"\b(?:{DONE}|(?:reçu|déposé|parvenu|accepté|refusé|validé|enregistré|confirmé|fourni|obtenu|accordé"
    r"|annulé|apporté|habituel(?:le)?|terminé|garanti|assuré|payé|réglé|ouvert)e?s?"
    r"|(?:remise?|rendue?|close?|prise?|donné|donnée)s?(?!\s(?:en|de)\b))(?!\w)"
)
BY_OTHERS = (
    r"\b(?:du|de\s(?:la|notre|nos)|de\sl'|par\s(?:la|le|les|nos|notre|leurs?)|par\sl')\s?(?:MDPH|CAF|CPAM|MSA|caisse"
    r"|commission|CDAPH|rectorat|tribunal|services?|département|école|équipe|mairie|médecin|AESH|enseignante?"
    r"|direct\w{2,5})\b"
)
STATES = (
    r"\b(?:ai|ont|avons|avez|est|sont|était|étaient|avait|sera|seront|fut|va|vont|permet|peu(?:t|vent)|doi(?:t|vent)"
    r"|\w{2,12}(?:eront|èrent|aient)|a\s(?:\w{1,8}\s)?\w{2,12}(?:\xe9e?|i[st]?|u)s?"
    r"|aucune?|pas|non|jamais|facultati\w{1,3})\b"
)
REST = rf"(?:(?!{WAS_DONE}|{BY_OTHERS}|{STATES})[^.;:|,]){{0,70}}"
WEEKDAY = r"(?:(?:lun|mar|mercre|jeu|vendre|same)di\s)?"
LIMIT = rf"\s{{0,2}}[:|(–-]?\s{{0,2}}(?:(?:avant|avt|d'ici(?:\sà)?|pour)\s)?(?:l[ae]\s)?{WEEKDAY}\Z"
THING_ASKED = rf"(?:{ACT}|(?:(?!{STATES})[^.;:|,]){{3,70}}?{MUST}){REST}"
ASKED = pattern(rf"{CLAUSE}{THING_ASKED}{LIMIT}", re.IGNORECASE)
ASKED_BEHIND = pattern(rf"[\s,:–-]{{1,4}}{THING_ASKED}\s{{0,2}}(?:[.;,(]|\Z)", re.IGNORECASE)
LIMIT_OPENS = pattern(rf"(?:\A|[:;(]\s)\W{{0,3}}{LIMIT}", re.IGNORECASE)
# Not what the reader may have to do: `Dossier rendu avant le |3 mai|`, `Pièces fournies sous |8 jours|`; nor behind a
# comma, where it may be a condition: `Pour le tarif réduit, inscription faite avant le |3 mai|`.
DONE_BY_THEN = pattern(
    rf"{CLAUSE}(?<![,;]\s)(?:(?:(?:pré-?|ré-?)?inscription|réservation|{THING})(?:(?!{STATES}|{MUST})[^.;:|,]){{0,50}}"
    rf"\bfaite?s?\savant\sle\s{WEEKDAY}"
    r"|(?:(?:réponse|retour)s?\s(?:reçu|(?:[^.;:|,]{1,40}\s)?(?:garanti|habituel(?:le)?))e?s?|paiement\seffectué)"
    r"\s(?:sous|dans)\s)\Z",
    re.IGNORECASE,
)
GOES_ON = pattern(rf"[^.;,:(]*{STATES}", re.IGNORECASE)
ENDS = re.compile(r"\s{0,2}(?:[.;)]|\Z)")


def is_asked(before: str, after: str) -> bool:
    """Whether a phrase without a verb asks the reader for something, by the words of the sentence around a limit."""
    if ASKED.search(before):
        return not GOES_ON.match(after)
    return LIMIT_OPENS.search(before) is not None and ASKED_BEHIND.match(after) is not None


def was_done(before: str, after: str) -> bool:
    """Whether a phrase without a verb, which the limit ends, tells what had been done by then or what others do."""
    return DONE_BY_THEN.search(before) is not None and ENDS.match(after) is not None
