"""The words of a parent who means to die with the child.

They are searched in folded text (distress.py). All repetitions are bounded, so that the time is linear in its length.
"""

from __future__ import annotations

import re

CHILD_EN = r"(?:son|daughter|child|kid|baby|boy|girl)"
_CHILD_FR = (
    r"(?:l'enfant|(?:mon|ma|mes|notre|nos|le|la|les) (?:petite?s? )?"
    r"(?:fils|filles?|enfants?|bebes?|bb|garcons?|gars|fiston|puce|petite?s?|gosses?))\b"
)
_MY_CHILD_EN = rf"(?:him|her|them|my (?:little )?{CHILD_EN}(?:s|ren)?)\b"
_BOTH = (
    rf"(?:t(?:ou(?:te)?)?[st] les (?:deux|2)|nous (?:deux|2)"
    rf"|(?:lui|elle|{_CHILD_FR}) et moi\b|moi et (?:lui|elle|{_CHILD_FR})"
    rf"|both of us|the two of us|us both|(?:him|her) and me|me and {_MY_CHILD_EN})"
)
_TOGETHER = rf"(?:{_BOTH}|ensemble\b|avec (?:lui|elle|eux|{_CHILD_FR})|with {_MY_CHILD_EN}|together\b)"
_NOT_A_MATTER = r"(?! (?:de|d'|avec|of|with) ?[a-z])"  # `en finir tous les deux avec ce dossier`, `both die of boredom`
_I_WILL = r"(?:je|j'|j|on|nous)(?: ne)? ?(?:(?:vais|va|allons|veu[xt]|voudrais|prefere|pense a|ai envie de) )?"
_DEADLY_PLACE = (
    r"(?:dans (?:l[ea] |un |une )(?:canal|riviere|fleuve|vide|ravin|lac|etang|puits|rhone|seine|loire|garonne)"
    r"|(?:sous|devant) (?:le |un )(?:train|metro|rer|camion|tram)"
    r"|(?:du|d'un|de la|par la|du haut d'un|du haut du) (?:pont|fenetre|balcon|toit|falaise|viaduc))\b"
)
_CRASH = r"(?:dans|contre|sous) (?:le |la |un |une )?(?:mur|arbre|platane|camion|canal|ravin|riviere|fleuve)\b"
# Enough for a sign, in one sentence.
WITH_CHILD_SIGNS = (
    rf"{_I_WILL}(?:en fini(?:r|t|ssons|rai|ra) [^.!?]{{0,12}}?(?:{_BOTH}|ensemble\b){_NOT_A_MATTER}"
    r"|(?:me |m'|se |s'|nous )(?:tuer?(?! a )|noyer?|noie|suicider?|pendre|foutre en l'air)"
    rf" [^.!?]{{0,12}}?{_TOGETHER}"
    r"|(?:(?:me |se |nous )jet(?:er?|te|tons)|saut(?:er?|ons)) [^.!?]{0,25}?"
    rf"(?:{_DEADLY_PLACE} [^.!?]{{0,12}}?{_TOGETHER}|{_TOGETHER} [^.!?]{{0,12}}?{_DEADLY_PLACE})"
    r"|prend(?:s|re)? (?:la |ma )?(?:voiture|bagnole|caisse|auto|char) [^.!?]{0,40}?\ben fini(?:t|r|s)\b(?! avec)"
    rf"|nous (?:(?:foutre|mettre|jeter|planter|encastrer) {_CRASH}|(?:tuer|noyer)\b(?! a ))"
    rf"|(?:l[ea] |l'|les )?tu(?:er?|erai) (?:{_CHILD_FR} )?(?:et|puis) [^.!?]{{0,12}}?"
    r"(?:me (?:tuer?|suicider?)|moi (?:apres|avec|aussi|ensuite)))"
    rf"|(?:veu[xt]|voudrais|prefere|aimerais|envie de) mourr?ir(?! de ) [^.!?]{{0,12}}?{_TOGETHER}{_NOT_A_MATTER}"
    rf"|(?:me|m') ?(?:tuer?|suicider?) (?:et|avec) {_CHILD_FR}"
    rf"|kill(?:ing)? (?:myself and (?:then )?{_MY_CHILD_EN}|{_MY_CHILD_EN} and (?:then )?(?:myself|me)\b|us both\b"
    r"|both of us)"
    rf"|(?:die|end it)(?: all)? (?:tonight )?(?:for )?(?:together\b|both of us|with {_MY_CHILD_EN}){_NOT_A_MATTER}"
    rf"|jump(?:ing)? (?:off|from|in front of|under) [^.!?]{{0,25}}?\b(?:both of us|together\b|with {_MY_CHILD_EN})"
    r"|(?:drive|driving|crash)(?: (?:us|the car|us both|both of us)){1,2} (?:into|off) (?:the |a )?"
    r"(?:wall|tree|bridge|cliff|river|canal|lake|truck|lorry)"
    rf"|take {_MY_CHILD_EN} with me when i (?:go|die|end)"
)
DYING_WITH_CHILD = re.compile(rf"\b(?:{WITH_CHILD_SIGNS})")
LEAVING_WITH_CHILD = re.compile(
    r"\b(?:je|j'|on|nous)(?: (?:vais|va|allons|veu[xt]|voudrais|prefere))? ?"
    r"(?:partir(?:ai|a|ons|ait)?|pars|part|partons|m'en (?:vais|irai|aller)|s'en (?:va|ira|aller)|disparaitre)"
    rf"(?: pour toujours)? {_TOGETHER}"
    r"(?= ?(?:$|[.,;:!?]|et |comme ca|c'est|j'en|pour toujours|il |elle |personne))"
)
# No sign by themselves.
_TAKING_ALONG = re.compile(
    r"\b(?:l'|les |le |la )(?:emmen|amen|emport|embarqu|prend)[a-z]* (?:tous |toutes )?avec (?:moi|elle)\b"
    r"|\b(?:vien[dt][a-z]*|part(?:ira|irait)?|s'en ira) avec moi\b|\bpartir(?:ai?|ons)? ensemble\b"
    r"|\bavec (?:lui|elle|le petit|la petite) (?:attachee? )?(?:derriere|dans mes bras)\b"
    rf"|\b(?:take|taking|bring) {_MY_CHILD_EN} with me\b"
    r"|\b(?:he|she|they) (?:comes?|goes|go|is coming|will come) with me\b"
)
BOTH_OF_US = re.compile(rf"\b{_BOTH}")


def names_child(folded: str) -> bool:
    """Whether a message about suicide tells that the child is to die or to leave, too."""
    return any(words.search(folded) for words in (DYING_WITH_CHILD, LEAVING_WITH_CHILD, _TAKING_ALONG))
