"""The words of anger at an office or a school: `je vais tout casser dans ce bureau`.

They are searched in folded text (distress.py), in one clause. A threat to kill is none of them, nor is anger that
comes near a child. All repetitions are bounded, so that the time is linear in the length of the text.
"""

from __future__ import annotations

import re

_PERSON = (
    r"(?:direct(?:eur|rice)|maitre(?:sse)?s?|profs?|secretaires?|assistante sociale|inspect(?:eur|rice)|conseillere?"
    r"|principale?|proviseure?|educatrice|headteacher|teacher|clerk|receptionist|headmaster)\b"
)
_OFFICE = (
    r"(?:bureaux?|guichets?|accueil|locaux|caf|mdph|msa|cpam|ars|mairie|prefecture|departement|rectorat|academie|ecole"
    r"|college|lycee|creche|ime|sessad|itep|cantine|administration|chez eux|la-bas|office|school|council|reception"
    rf"|{_PERSON})\b"
)
_NO_CHILD = (
    r"(?:(?!\b(?:mon|ma|mes|moi|lui|elle|fils|fille|enfants?|eleves?|gamine?s?|gosses?|bebe|petite?|maison|my|him|her|me|myself|home)\b)"
    r"[^.!?;]){0,25}?\b"
)
_WANT = (
    r"(?:(?:j'? ?ai |j'aurais |ca (?:me )?donne )?(?:trop |vraiment |juste )?envie (?:d'aller |de |d')"
    r"|(?:je |j'? ?|on )(?:vais|va|pourrais|veu[xt]|voudrais|aimerais)(?: finir par)?(?: aller)? )"
)
_RAGE = (
    r"(?:leur )?(?:tout (?:casser|peter|bruler|cramer|exploser|defoncer|retourner|demolir)|(?:foutre|mettre) le feu"
    r"|peter (?:un|une) (?:cable|plomb|crise|durite)|exploser|hurler|gueuler|casser la gueule|rentrer dedans)\b"
)
# Only where the next word is whom it is about: a child has a name.
_BLOW = r"(?:frapper|gifler|baffer|etrangler|secouer|insulter) (?:l[ea]s? |l'|cette |ce |ces |leurs? |sa |son )"
_WANT_EN = (
    r"(?:i(?:'m| am) (?:going to|gonna)|i'll|i will|i (?:want|would like) to|i could|i feel like|makes me want to) "
    r"(?:just |really )?"
)
_RAGE_EN = (
    r"(?:smash|burn|trash|tear|wreck|scream|shout|explode)"
    r"(?:e|ing)?(?: up| down| apart| at| everything){0,2}\b"
)
_BLOW_EN = r"(?:strangl|throttl|slap|punch|hit)(?:e|ing)? (?:the|that|this|his|her|their) "
_ANGER = re.compile(
    rf"\b(?:(?:{_WANT}{_RAGE}|{_WANT_EN}{_RAGE_EN}){_NO_CHILD}{_OFFICE}|(?:{_WANT}{_BLOW}|{_WANT_EN}{_BLOW_EN}){_PERSON})"
)


def without(folded: str) -> str:
    """The text without its words of anger at an office."""
    return _ANGER.sub(" ", folded)
