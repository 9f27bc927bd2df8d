"""Phrases of a calm message that the classifier of distress takes for a sign: waiting, anger at an office, less work.

They are left out before the rest of the message is judged, so that none of them can hide a sign that stands beside it.
Only wordings that say nothing of a danger to somebody belong here.
"""

from __future__ import annotations

import re

_PHRASES = re.compile(
    r"\b(?:"
    r"[0-9]+ (?:jours|semaines|mois|ans) (?:que j'attends|qu'on attend|que nous attendons)"
    r"|(?:ca|le telephone) sonne (?:toujours )?(?:dans le vide|occupe)|le mail (?:me )?revient"
    r"|a l'accueil,? (?:ils|elles|on) (?:me|nous) (?:disent|dit|repond|repondent)|c'est en cours"
    r"|c'est une honte(?: ce pays)?|(?:ils )?attendent (?:tous |juste )?qu'on creve"
    r"|(?:vous racontez|tu racontes) n'importe quoi|c'est un robot|(?:donnez|passez)[ -]moi un (?:vrai )?humain"
    r"|(?:si |quand )?(?:je m'|elle s'|il s'|on s')arrete de (?:travailler|bosser)"
    r"|confirmez[ -](?:le[ -])?moi(?: ca| cela)? par ecrit|que je (?:le|la|les) montre au juge"
    r"|(?:la mere|le pere) (?:ne )?nous dit rien|nobody (?:warned|told) (?:us|me)"
    r")\b"
)


def left_out(plain: str) -> str:
    """The text, in lower case and without accents, without these phrases."""
    return _PHRASES.sub(" ", plain)
