"""Tells what a day is that reads like a deadline: the reader's duty, something booked, or what others do."""

from __future__ import annotations

import re

from chat.documents.extraction.days.actors import REQUEST, SENT, is_by_an_office, pattern
from chat.documents.extraction.days.verbless_requests import was_done
from chat.documents.extraction.months import WEEKDAY
from chat.documents.facts import DateKind

# `quinze jours avant l'échéance du |30 juin|`: the duty ends earlier.
COUNTED_BACK = pattern(
    r"(?:\b(?:jours?|mois|semaines?|heures?|days?|weeks?|months?|hours?)|\d\s?h)\s(?:au\s(?:moins|plus\stard)\s)?(?:avant|before)\s(?P<what>[^,;]{0,60}(?:,\s(?:soit\s)?le\s)?)\Z",
    re.IGNORECASE,
)
# `Un retour m'est promis pour le |5 juin|`.
PLANNED = pattern(
    rf"\b(?:promis|prévu|annoncé|programmé|envisagé|planifié|espéré|reporté|repoussé|avancé|décalé)e?s?\s(?:au|pour|avant|d'ici)\s(?:le\s)?(?:{WEEKDAY}\s)?\Z",
    re.IGNORECASE,
)
LIMIT = pattern(r"\b(?:limite|délai|échéance|clôture)\b", re.IGNORECASE)  # `La date limite est reportée au |5 juin|`
# `convoqué pour le |14 avril|`, `un créneau pour le |14 avril|`; `prêt pour le |14 avril|`: not `demandé pour le …`.
BOOKED = pattern(
    rf"\b(?:convocation|convoquée?s?|rendez-?\s?vous|rdv|créneaux?|entretien|réunion|visite|séance|consultation)\s(?:[^.,;]{{0,30}}\s)?pour\s"
    rf"(?:le\s)?(?:{WEEKDAY}\s)?\Z",
    re.IGNORECASE,
)
DONE_FOR = re.compile(  # with its accent: `pièces pour` is none
    rf"\b(?:(?!demandé|souhaité|exigé|complété|signé)\w{{2,14}}ée?s?|(?:re)?mise?s?|promise?s?|connue?s?|prévue?s?|prête?s?)\spour\s"
    rf"(?:le\s)?(?:{WEEKDAY}\s)?\Z",
    re.IGNORECASE,
)
# `Votre dossier, arrivé avant le |1er mars|, est complet`.
IN_TIME = pattern(rf"(?<!\bpas\s)(?<!\bnon\s)\b{SENT}\s(?:avant|après)\sle\s\Z", re.IGNORECASE)
# `Les soins réalisés avant le |2 avril| ne sont pas remboursés`.
DONE_BEFORE = pattern(
    r"\b(?<!être\s)(?:réalisé|effectué|engagé|acheté|commencé|émis|factur\xe9|prescrit|délivré|acquis|perçu|versé|survenu|né)e?s?\savant\sle\s\Z",
    re.IGNORECASE,
)
IS_SO = pattern(r"\s?,?\s(?:est|sont|a|ont)\s(?!à\b)", re.IGNORECASE)
END = pattern(r"\b(?:fin|terme|échéance|expiration|end|expiry)\b", re.IGNORECASE)


def kind_of_deadline(before: str, day: str, after: str, *, is_of_appointment: bool) -> DateKind:
    """`deadline`, or another kind if the reader need not act by the day, by the words of its sentence around it."""
    if PLANNED.search(before) and not LIMIT.search(before):
        return "appointment" if is_of_appointment else "other"
    if not REQUEST.search(before):
        if BOOKED.search(before):
            return "appointment"
        # With its year (`3 juin 2026`, `03/06/26`) a day that has been is known by the date of the letter.
        is_fact = day.rstrip(".")[-1].isalpha() and was_done(before, after)
        is_done = DONE_FOR.search(before) or DONE_BEFORE.search(before) or is_fact
        if is_done or (IN_TIME.search(before) and IS_SO.match(after)):
            return "other"
    if counted := COUNTED_BACK.search(before):
        return "end_of_rights" if END.search(counted["what"]) else "other"
    return "other" if is_by_an_office(before, after) else "deadline"
