"""Phrases about suicide in folded text: who wants to die, and who has tried to."""

from __future__ import annotations

import re

from chat.pipeline.distress_people import DETERMINER


def has_happened(text: str, folded: str) -> bool:
    """Or is announced. The accents of `s'est tué` are in the text alone."""
    if _HAPPENED.search(folded):
        return True
    return _KILLED_WITH_ACCENT.search(text) is not None and _KILLED_ON_PURPOSE.search(folded) is not None


_FURNITURE = (
    r"(?:petite? |grande? )?(?:table|lit|couette|couverture|plaid|drap|duvet|coussin|oreiller|chaise|bureau|pupitre"
    r"|canape|fauteuil|sofa|banc|meuble|armoire|buffet|commode|evier|lavabo|tapis|escalier|porte-?manteau|douche|pluie)"
)
_FALLING = (
    rf"(?:sous (?!{DETERMINER}{_FURNITURE})|par (?!terre)|dans (?:le vide|la (?:seine|riviere))"
    r"|sur les rails|d(?:u|'un|'une|e la) (?:pont|toit|balcon|fenetre|falaise|\d|[a-z]+ etage))"
)
_FIGURATIVELY = r"a (?:mon|son|leur|lui|la tache|expliquer)|au (?:travail|boulot|volant)"
_BY_ACCIDENT = (
    r"(?:[a-z-]+ ){0,2}(?:dans (?:un|l[ae'] ?)(?: [a-z]+)? ?(?:accidents?|crash|avalanche|chute|incendie)|par accident"
    r"|accidentellement|en (?:voiture|moto|montagne|mer|avion|scooter|trottinette|velo|ski|parapente|escalade|tombant"
    r"|chutant|glissant|rentrant|allant)|a (?:velo|ski|moto|scooter|cheval)|sur (?:la route|l'autoroute))"
)
# What somebody does to himself, after `se` or `s'est`: each verb once, with the ends of its forms.
_TO_ONESELF = (
    r"(?:(?:tu{er}\b{not_of}|(?:flingu|suicid|immol|defenestr){er}\b)|pend{re}\b(?! au (?:cou|sein|tel))"
    rf"|fout{{re}} en l'air|jett?{{er}} {_FALLING}"
    r"|tir{er} (?:une balle(?! dans le pied)|dessus)|ouv{rir} les veines)"
)
_WILL = r"(?:ai[st]?|as?|ons|ont|aient)\b"
TO_KILL_ONESELF = rf"(?:buter\b|{_TO_ONESELF.format(er='er', re='re', rir='rir', not_of='')})"
_KILLED_ONESELF = _TO_ONESELF.format(
    er="ee?", re="ue?", rir="erte?", not_of=rf"(?! (?:{_FIGURATIVELY}|{_BY_ACCIDENT})\b)"
)
_WILL_KILL_ONESELF = _TO_ONESELF.format(
    er=f"er{_WILL}", re=f"r{_WILL}", rir=f"rir{_WILL}", not_of=rf"(?! (?:{_FIGURATIVELY})\b)"
)
# What the accent tells is lost when it is folded.
_KILLED_WITH_ACCENT = re.compile(r"\bs['’](?:est|(?:é|e\u0301?)tait)\s+tu(?:é|e\u0301)e?s?(?!\w)", re.IGNORECASE)
_KILLED_ON_PURPOSE = re.compile(rf"\bs'(?:est|etait) tuee?s?\b(?! (?:{_FIGURATIVELY}|{_BY_ACCIDENT})\b)")
# Without accents `il s'est tué` and `elle s'est tue` are alike: the subject is masculine, or a first name alone.
_HE = (
    r"(?:il|papa|(?:mon|notre|son|un|le|ce|cet) (?![a-z]{1,12}(?:te|ie|ee|ice|iere)\b)[a-z-]+"
    r"(?: (?:(?:de|a) [lms]a|(?!(?:[lms]a|elle|que|une|cette|et) |l')[a-z0-9-]+),?){0,3}"
    r"|(?<!')(?<![a-z0-9] )(?<![\w-])(?!elle )[a-z-]+),?"
)
_HAPPENED = re.compile(
    rf"\b(?:(?:{_HE} |(?!s'(?:est|etait) tue\b))(?:s'|me |nous )(?:est|suis|sommes|etait) {_KILLED_ONESELF}"
    rf"|(?:je? ?m|s)(?:e |'){_WILL_KILL_ONESELF}"
    rf"|(?:vien[st] de|voulu|(?:essaye|tente) de) (?:se|s'|me) ?{TO_KILL_ONESELF}"
    r"|(?<!avait )(?:re)?fait (?:une|deux|plusieurs|sa) (?:autre |nouvelle |\w{1,12}ieme )?"
    r"(?:ts\b(?! (?:de |d')(?:maths?|francais|anglais|histoire|physique|svt|sport))"
    r"|tentatives?(?: de suicide\b| d'en finir\b| (?:hier|avant-hier|cette nuit|ce matin)\b|(?=[ .,;!?]*$)))"
    r"|(?:hanged|hung|shot|killed) (?:him|her|my)self\b|took (?:his|her) own life\b"
    r"|(?:vois|voit|voyons) (?:vraiment |meme )?(?:plus|pas|aucune) (?:d')?issue\b"
    r"(?! (?:a|pour|dans) (?:ce|cette|mon|ma|notre|le|la) (?:dossier|recours|demande|procedure|litige)\b)"
    r"|(?:suis|est|sommes) au bord du gouffre\b(?! financier)"
    r"|a quoi (?:bon|(?:ca )?sert de) continuer(?=[ .,!?]*$| a (?:vivre|me b)))"
)
OWN_WISH = re.compile(
    r"\b(?:je |j' ?|j|g )(?:ne |n'|me |m')?"
    r"(?:veu[xt]?|voudrai[st]?|vai[st]?|va|aimerai[st]?|pense|prefere(?:rai[st]?)?|songe|ai|envie)"
    r"(?: (?:a|juste|trop|tellement|plus|mieux|vraiment))?(?: ?envie)?(?: d(?:e |'))? ?"
    r"(?:en finir(?! avec (?!la vie|ma vie|cette vie))"
    rf"|mourr?ir|crever|disparaitre|(?:me|m') ?(?:{TO_KILL_ONESELF}|tue\b|jeter\b)"
    r"|(?:(?<=plus )|(?<=plus envie de ))(?:vivre|etre la|exister)|etre morte?\b|mettre fin)"
    rf"|\bje? ?m(?:e |'){_WILL_KILL_ONESELF}"
    r"|\bi(?:'m|'ll| am| will| just| really)? ?"
    r"(?:want to|wanna|going to|gonna|don'?t want to|wish i (?:was|were)) (?:just |really )?"
    r"(?:die|kill myself|end (?:it|my life)|be dead|dead|disappear|live|be here)\b"
)
