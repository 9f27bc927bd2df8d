"""The words of a poisoning and of a seizure, in folded text (distress.py) about a medical emergency.

All repetitions are bounded, so that the time is linear in the length of the text.
"""

from __future__ import annotations

import re
from typing import Literal

_PRODUCTS = (
    r"(?:javel|destop|deboucheur|deboucher|lessive|detergent|detartrant|decapant|antigel|white[ -]?spirit|acetone"
    r"|essence|alcool a bruler|desherbant|insecticide|lave[ -]vaisselle|nettoyant|produit|mort[ -]aux[ -]rats|poison"
    r"|huiles? essentielles?|piles?|aimants?|muguet|champignons?"
    r"|medicaments?|medocs?|cachets?|comprimes?|gelules?|pilules?|piluliers?|plaquettes?|boites?|flacons?|somniferes?"
    r"|sirop|doliprane|paracetamol|aspirine|ibuprofene|codeine|methadone|ritaline|risperdal|depakine|melatonine"
    r"|bleach|detergent|dishwasher|cleaner|antifreeze|drain|turps|batter(?:y|ies)|magnets?"
    r"|pills?|tablets?|medicines?|meds|syrup|painkillers?|calpol|ibuprofen)\b"
)
# A treatment is taken every day.
_NOT_OWN = (
    r"(?! (?:bien |deja )?(?:son|sa|ses|le|la|du|un|une) "
    r"(?:medicament|medoc|traitement|cachet|comprime|sirop|depakine|ritaline|doliprane))"
)
_NOT_OWN_EN = r"(?! (?:his|her|their|the|a|some) (?:medicine|meds|tablet|pill|syrup|calpol|painkiller|ibuprofen))"
_POISONING = re.compile(
    rf"\b(?:avale[rz]?e?s?|bu|boire|leche|mange|croque|ingere|gobe|vide|pris{_NOT_OWN})\b [^.!?]{{0,35}}?\b{_PRODUCTS}"
    r"|\bfa(?:ire|is|ut le faire) vomir\b|\bantipoison\b|\bintoxiquee?\b|\bempoisonnee?\b"
    rf"|\b(?:swallowed|drank|drunk|licked|ate|eaten|(?:took|taken){_NOT_OWN_EN}) [^.!?]{{0,35}}?\b{_PRODUCTS}"
    r"|\bpoisoned\b|\boverdosed?\b"
)
_SEIZURE = re.compile(
    r"\bconvuls|\bcrises? (?:d'epilepsie|epileptiques?|tonic|generalisee)|\b(?:yeux|regard) [^.!?]{0,12}?revuls"
    r"|\bseizures?\b|\bseizing\b|\bconvulsing\b|\bhaving a fit\b"
)
# Then there is nothing to wait for.
_AT_ONCE = re.compile(
    r"\b(?:respire|bleue?s?|reveill|inconscient|repond (?:plus|pas)|repren|recommence|suite|premiere|jamais eu|fois"
    r"|(?:k|qu)art d'?heure|demi[- ]heure|heures?|longtemps|tantot|(?:[5-9]|[1-9][0-9]) ?(?:min|mn)|cinq|six|sept|huit"
    r"|dix|quinze|vingt|trois|encore?|arret[a-z]* (?:pas|plus)|(?:passe|lache|debarque|marche|revien[ts]?) (?:pas|plus)"
    r"|bain|piscine|tombee?|cognee?|saigne|sang|fievre|enceinte|diabet|dose|buccolam|valium|midazolam|versed|ambulance"
    r"|breath|blue|wake|come round|unconscious|first|another|again|stop|hour|three|five|six|seven|eight|ten|rescue"
    r"|bath|pool|fell|bleeding|blood|fever|pregnant)"
)


def topic(folded: str) -> Literal["poisoning", "seizure"] | None:
    """Which of the two a medical emergency is, if it is only one of them; a seizure where nothing tells that it is
    grave.
    """
    is_poisoning, is_seizure = _POISONING.search(folded) is not None, _SEIZURE.search(folded) is not None
    if is_poisoning == is_seizure:
        return None
    if is_poisoning:
        return "poisoning"
    return None if _AT_ONCE.search(folded) else "seizure"
