"""The words of a parent who means to die with the child, and of one whose child wants to die or hurts himself.

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
_I_WILL = r"(?:je|j'|j|on|nous)(?: ne)? ?(?:(?:vai[st]?|va|allons|veu[xt]?|voudrais|prefere|pense a|ai envie de) )?"
_DEADLY_PLACE = (
    r"(?:dans (?:l[ea] |un |une )(?:canal|riviere|fleuve|vide|ravin|lac|etang|puits|rhone|seine|loire|garonne)"
    r"|(?:sous|devant) (?:le |un )(?:train|metro|rer|camion|tram)"
    r"|(?:du|d'un|de la|par la|du haut d'un|du haut du) (?:pont|fenetre|balcon|toit|falaise|viaduc))\b"
)
_CRASH = r"(?:dans|contre|sous) (?:le |la |un |une )?(?:mur|arbre|platane|camion|canal|ravin|riviere|fleuve)\b"
_KILL = r"(?:(?:tu|noy|etouff|etrangl|empoisonn)(?:er?|erai)|noie)"
# Enough for a sign, in one sentence.
WITH_CHILD_SIGNS = (
    rf"{_I_WILL}(?:en fini(?:r|t|ssons|rai|ra) [^.!?]{{0,12}}?(?:{_BOTH}|ensemble\b){_NOT_A_MATTER}"
    r"|(?:me |m'|se |s'|nous )(?:tuer?(?! a )|noyer?|noie|suicider?|pendre|foutre en l'?air)"
    rf" [^.!?]{{0,12}}?{_TOGETHER}"
    r"|(?:(?:me |se |nous )jet(?:er?|te|tons)|saut(?:er?|ons)) [^.!?]{0,25}?"
    rf"(?:{_DEADLY_PLACE} [^.!?]{{0,12}}?{_TOGETHER}|{_TOGETHER} [^.!?]{{0,12}}?{_DEADLY_PLACE})"
    r"|prend(?:s|re)? (?:la |ma )?(?:voiture|bagnole|caisse|auto|char)\b[^.!?]{0,40}?\ben fini(?:t|r|s)\b(?! avec)"
    rf"|nous (?:(?:foutre|mettre|jeter|planter|encastrer) {_CRASH}|(?:tuer|noyer)\b(?! a ))"
    rf"|(?:l[ea] |l'|les )?{_KILL} (?:{_CHILD_FR} )?(?:et|puis) [^.!?]{{0,12}}?"
    rf"(?:me (?:{_KILL}|suicider?|pend(?:re|s))|moi (?:apres|avec|aussi|ensuite))"
    rf"|me {_KILL} [^.!?]{{0,8}}?je (?:l[ea] {_KILL}|{_KILL} {_CHILD_FR})"
    r"|mettre fin a (?:nos jours|sa vie et (?:a )?la mienne|ma vie et (?:a )?la sienne))"
    rf"|fonc(?:er?|ons) {_CRASH} [^.!?]{{0,12}}?{_TOGETHER}|avec (?:lui|elle|{_CHILD_FR}) (?:et )?foncer {_CRASH}"
    rf"|(?:veu[xt]|voudrais|prefere|aimerais|envie de) mourr?ir(?! de ) [^.!?]{{0,12}}?{_TOGETHER}{_NOT_A_MATTER}"
    rf"|(?:me|m') ?(?:tuer?|suicider?) (?:et|avec) {_CHILD_FR}"
    rf"|kill(?:ing)? (?:myself and (?:then )?{_MY_CHILD_EN}|{_MY_CHILD_EN} and (?:then )?(?:myself|me)\b|us both\b"
    r"|both of us)"
    rf"|(?:die|end it)(?: all)? (?:tonight )?(?:for )?(?:together\b|both of us|with {_MY_CHILD_EN}){_NOT_A_MATTER}"
    rf"|jump(?:ing)? (?:off|from|in front of|under) [^.!?]{{0,25}}?\b(?:both of us|together\b|with {_MY_CHILD_EN})"
    r"|(?:drive|driving|crash)(?: (?:us|the car|us both|both of us)){1,2} (?:into|off) (?:the |a )?"
    r"(?:wall|tree|bridge|cliff|river|canal|lake|truck|lorry)"
    r"|(?:drive|driving|crash)(?: the car)? (?:into|off) (?:the |a )?(?:wall|tree|bridge|cliff|river|canal|lake)"
    rf" [^.!?]{{0,12}}?(?:both of us|together\b|with {_MY_CHILD_EN})|want us both to die\b"
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
    r"|\bje l'emmene(?= ?(?:$|[.,;!?]))|\bendor[a-z]* ensemble\b"
    r"|\b(?:vien[dt][a-z]*|part(?:ira|irait)?|s'en ira|meurt) avec moi\b|\bpartir(?:ai?|ons)? ensemble\b"
    r"|\bavec (?:lui|elle|le petit|la petite) (?:attachee? )?(?:derriere|dans mes bras)\b"
    rf"|\b(?:take|taking|bring) {_MY_CHILD_EN} with me\b"
    r"|\b(?:he|she|they) (?:comes?|goes|go|is coming|will come) with me\b"
)
_BOTH_OF_US = re.compile(rf"\b{_BOTH}")


_CHILD_SUBJECT = (
    r"(?<!\bde )(?<!\ba )(?<!avec )(?<!pour )(?:(?:mon|ma|mes|notre|nos) (?:petite? |grande? |jeune )?"
    r"(?:fils|filles?|enfants?|ados?|garcons?|gars|fiston|puce|loulou|gamine?|petite?|grande?|ainee?|cadette?|benjamine?"
    r"|jumeau|jumelle)"
    rf"|(?:my|our) (?:little |elder |older |younger |autistic |teenage )?(?:{CHILD_EN}|teen(?:ager)?))\b"
)
# Neither the writer nor another adult may come between the child and the words.
_WITHOUT_I = (
    r"(?:(?!\b(?:j[e' ]|i\b|on\b|(?:mari|femme|pere|mere|ex|copain|copine|compagn(?:on|e)|conjointe?|husband|wife"
    r"|father|mother|partner)\b))[^.!?]){0,60}?"
)
_TO_DIE = (
    r"(?:mourr?ir|disparaitre(?! (?:derriere|sous|dans|comme)\b)|en finir(?! avec)|sauter (?:par|du|d'un)"
    r"|se (?:tuer(?! (?:a|au) )|suicider|pendre|foutre en l'air|jeter (?:par|sous|d[eu'])"
    r"|faire du mal)|(?:(?<=plus )|(?<=plus envie de ))"
    r"(?:vivre(?! (?:a (?!cause)|(?:au|chez|dans|ici)\b))|etre la|exister)"
    r"|(?:etre )?morte?\b)"
)
_SAYING = (
    r"(?:dit|ecrite?|repete)(?:[ :,\"'\u00ab\u201c]{1,3}(?:que|a|sa|maman|papa|mere)){0,2}[ :,\"'\u00ab\u201c]{1,3}"
)
_HARMS_ITSELF = (
    r"\b(?:(?:veut|(?:(?<=il )|(?<=elle )|(?<=fils )|(?<=fille )|(?<=ado )|(?<=enfant ))(?:ne )?veux?"
    r"|voudrait|voulait|aimerait|prefere(?:rait)?|va(?= se)|pense|parle|menace|(?:a|avait)(?: plus)? envie"
    r"|essaye?|tente)"
    rf"(?: plus| envie| mieux)?(?: a| de| d')? ?{_TO_DIE}"
    rf"|{_SAYING}j(?:e|') ?(?:ne )?(?:veu[xt]|vais|voudrais|ai)(?: plus| envie)?(?: de)? ?"
    r"(?:mourr?ir|disparaitre|me (?:tuer|suicider|pendre)|en finir|(?<=plus )(?:vivre|etre la|exister))"
    r"|scarifi|(?:se|s') ?(?:mutil|automutil|taillad)"
    r"|se (?:coupe|entaille|lacere)\b(?! (?:les (?:cheveux|ongles)|la parole|du))"
    r"|se fait (?:du mal|des coupures)|(?:tentative de|parle de|son) suicide\b"
    r"|suicidaires?\b|(?:idees|pensees) (?:noires|suicidaires)"
    r"|(?:wants?|wanted|going|trying|tried|threaten(?:s|ed|ing)) to "
    r"(?:die|end it|be dead|(?:kill|hurt) (?:him|her)self)"
    r"|(?:kill|cutt?|hurt|harm)(?:s|ing)? (?:him|her)self\b(?! (?:a|some)\b)|self.?harm|suicidal"
    r"|wish(?:es|ed)? (?:he|she) (?:was|were) dead|(?:doesn'?t|not) want to (?:live|be here|be alive)"
    r"|(?:said|says|texted|wrote)[^.!?]{0,12}? i (?:want to|wanna|don'?t want to) "
    r"(?:die|live|be here|kill myself|be dead))"
)
_HARM_TO_CHILD_ITSELF = re.compile(rf"\b{_CHILD_SUBJECT}{_WITHOUT_I}{_HARMS_ITSELF}")
_HARM_TO_SOMEBODY_ITSELF = re.compile(rf"\b(?:il|elle|y|he|she)\b{_WITHOUT_I}{_HARMS_ITSELF}")
_OTHER_PEOPLE = re.compile(
    r"\b(?:(?:mon|ma|mes|son|sa|notre|un|une|le|la|les|my|his|her|our|a|the) (?:[a-z]+ )?"
    r"(?:mari|femme|conjointe?|compagn(?:on|e)|copain|copine|ex|blonde|chum|pere|papa|mere|maman|mamie|papi|grand|frere"
    r"|soeur|oncle|tante|cousine?|ami|amie|amis|voisine?|collegue|eleve|patiente?|husband|wife|partner|boyfriend|girlfriend"
    r"|father|dad|mother|mum|mom|brother|sister|uncle|aunt|friend|neighbour|neighbor)"
    r"|beau-?(?:pere|frere)|belle-?(?:mere|soeur)|quelqu'un|somebody|someone)\b"
)


# Only in a message about suicide.
_CHILD_ON_DEATH = re.compile(
    rf"\b{_CHILD_SUBJECT}{_WITHOUT_I}\b(?:dit|ecrite?|demande|cherche|parle|dessine|repete|poste|says?|said|asks?|asked"
    r"|wrote|writes|told|googl(?:es|ed|ing)) (?:(?!\bj[e' ]|\bi\b|\bi'|\btu\b)[^.!?]){0,40}?"
    r"\b(?:mort|mourir|meurt|ciel|paradis|adieu|noeuds?|suicid[a-z]*|die[ds]?|dying|dead|heaven|goodbye)\b"
)


def is_death_of_both(folded: str) -> bool:
    """Whether a message about suicide tells for certain that the child is to die, too."""
    return DYING_WITH_CHILD.search(folded) is not None or LEAVING_WITH_CHILD.search(folded) is not None


def may_be_death_of_both(folded: str) -> bool:
    """Whether a message about a parent's suicide tells that the child is to go along."""
    return _TAKING_ALONG.search(folded) is not None or _BOTH_OF_US.search(folded) is not None


def tells_of_childs_wish(folded: str) -> bool:
    """Whether a child wants to die or hurts itself: `il` is the child, too, where the message names nobody else."""
    if _HARM_TO_CHILD_ITSELF.search(folded):
        return True
    return _HARM_TO_SOMEBODY_ITSELF.search(folded) is not None and not _OTHER_PEOPLE.search(folded)


def is_about_child(folded: str) -> bool:
    """Whether the suicide that a message tells of is a child's."""
    return tells_of_childs_wish(folded) or _CHILD_ON_DEATH.search(folded) is not None
