"""Detects distress in a message, by kind: emergencies, suicidal thoughts, violence, exhausted parents.

Some false alarms are accepted: a help line does no harm. The result is used only to show help lines. It is not counted,
logged or stored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from chat.pipeline import distress_classifier, distress_deaths, distress_suicide, distress_topics, distress_violence
from chat.pipeline.distress_people import PARTNER_EN
from chat.pipeline.distress_suicide import TO_KILL_ONESELF
from chat.pipeline.distress_topics import Distress, NoticeTopic
from chat.pipeline.distress_violence import (
    ADULT,
    ATTACKER,
    HITS,
    HITS_AT_ALL,
    HITS_SOMEBODY,
    NOT_A_GAME_EN,
    SOMEBODY,
    TO_HARM,
)

# A phrase of the list adds that much to a message's score: of a film, a law or a leaflet it is no sign. It is enough in
# a short message, which has no room for another meaning, and in a long one, of which the classifier sees parts.
PHRASE_WEIGHT = 1.0
SHORT_WORDS, LONG_WORDS = 12, 60
# Between the two it is enough in a sentence whose own score is no lower: calm ones around it say nothing about it.
SENTENCE_SCORE = -1.7
# Of a kind beside one that a phrase tells, except an emergency: the words of that phrase resemble others a little.
BESIDE_SCORE = 0.0


def detect(text: str) -> tuple[Distress, ...]:
    """The kinds of distress in a message, the likeliest first; empty for a calm message.

    Two where it is not certain which it is, so that the right help line is among those shown. A trained classifier
    recognises varied wordings, helped by a list of phrases; a message with one of these may be `unspecific`. Some
    phrases tell the kind themselves. Grief for a child is found by its words, where nobody is in danger.
    """
    found = assess(text)
    if _is_heard(found):
        kinds = _kinds(found)
    else:
        kinds = _kinds_of_a_sentence(text) if found.has_phrase else ()
        if not {"medical", "suicide"} & set(kinds) and _LONG_AGO.search(found.folded):
            kinds = ()  # years of a dossier or a diagnosis stand beside emergencies, too
    if distress_deaths.is_of_a_child(found.folded) and _is_outweighed_by_grief(kinds, found.folded):
        return ("grief",)
    return kinds


def _kinds_of_a_sentence(text: str) -> tuple[Distress, ...]:
    sentences = map(assess, _SENTENCE_END.split(text))
    heard = [each for each in sentences if each.has_phrase and each.by_classifier.score >= SENTENCE_SCORE]
    return _kinds(max(heard, key=lambda each: each.score)) if heard else ()


def _is_outweighed_by_grief(kinds: Sequence[Distress], folded: str) -> bool:
    """Whether nobody is in danger: whose child has died is exhausted, too, and their `je vais craquer` is no blow."""
    if kinds[:1] == ("losing_control",):
        return not distress_violence.BY_ONESELF.search(folded)
    return not kinds or kinds[0] in {"exhaustion", "unspecific"}


def _is_heard(found: Assessment) -> bool:
    """Whether the classifier recognises it, or a phrase says enough in a message of that length."""
    if found.score >= distress_classifier.model().threshold:
        return True
    return found.has_phrase and not SHORT_WORDS < len(found.folded.split()) <= LONG_WORDS


def _kinds(found: Assessment) -> tuple[Distress, ...]:
    model = distress_classifier.model()
    first, second, lead = found.by_classifier.likeliest_kinds()
    likely = (first,) if lead >= model.certain else (first, second)
    if found.told:
        is_heard = found.by_classifier.score >= model.threshold
        scores = dict(zip(distress_classifier.KINDS, found.by_classifier.scores, strict=True))
        beside = {kind for kind in likely if is_heard and (kind == "medical" or scores[kind] >= BESIDE_SCORE)}
        if found.told == "violent_child":
            # It would ask somebody who is hit what they did to the child.
            beside -= set() if distress_violence.BY_ONESELF.search(found.folded) else {"losing_control"}
            beside -= set() if distress_violence.BY_AN_ADULT.search(found.folded) else {"couple", "child"}
        return tuple(kind for kind in _MOST_URGENT if kind in {found.told, *beside})
    return likely if found.score >= model.threshold or len(likely) == 1 else ("unspecific",)


def tells_of_another_death(text: str) -> bool:
    """Whether somebody has died who isn't a child: a parent, a doctor, an animal."""
    return distress_deaths.is_of_another(_folded(distress_classifier.without_accents(text)))


def notice_topics(kinds: Sequence[Distress], text: str, *, has_young: bool = True) -> tuple[NoticeTopic, ...]:
    """What the notices for these kinds in this message are about: some have one of their own for what else it tells.

    `has_young` says whether there is a notice for a child who writes.
    """
    if not kinds:
        return ()
    return distress_topics.topics_of(kinds, _folded(distress_classifier.without_accents(text)), has_young=has_young)


class Assessment(NamedTuple):
    """What the classifier and the list of phrases find in a message; together they make its score."""

    folded: str
    by_classifier: distress_classifier.Finding
    has_phrase: bool
    told: Distress | None  # the kind, if the phrase tells it

    @property
    def score(self) -> float:
        return self.by_classifier.score + PHRASE_WEIGHT * self.has_phrase


def assess(text: str) -> Assessment:
    plain = distress_classifier.without_accents(text)
    folded = _folded(plain)
    told = _told_kind(text, folded)
    has_phrase = told is not None or _SIGNS.search(folded) is not None
    return Assessment(folded, distress_classifier.find(plain), has_phrase, told)


def _told_kind(text: str, folded: str) -> Distress | None:
    """A suicide or an attempt that has happened, or a child who attacks the family; nothing that is long past."""
    is_suicide = distress_suicide.has_happened(text, folded)
    if not is_suicide and not distress_violence.BY_A_CHILD.search(folded):
        return None
    if _LONG_AGO.search(folded):
        return None
    return "suicide" if is_suicide else "violent_child"


# Dots are one before a capital letter, else a pause: `je suis à bout… de timbres`.
_SENTENCE_END = re.compile(r"(?<!\.)[.!?;:\n](?![.…])|(?:…|\.\.\.)(?=\s+[A-ZÀ-Ý])")


def _folded(plain: str) -> str:
    """`j'en peux   plus` → `j'en peux plus`."""
    return " ".join(plain.split())


_SOMEBODY_EN = (
    r"(?:him|her(?! feelings)|them"
    r"|(?:my|our) (?:own )?(?:kids?|child(?:ren)?|sons?|daughters?|baby|boy|girl|wife|husband))\b"
)
_ABOUT_TO = (
    r"j?(?:envi(?:es?)?|peur|failli|vai[st]?|vas?|allais|pourrais|veu[xt]?|voudrai[st]?|aimerai[st]?"
    r"|capable|essa(?:ie|ye)|menace|finir)"
    r"(?: d[e']| a| par)? ?(?:vraiment |tous |toutes )?"
)
_HARMED = r"(?:secoue|frapp?e(?! a )|gifle|cogne|etrangle|tabasse)"
_MEDICINES = r"(?:medicaments?|medocs?|cachets?|comprimes?|pilules?|javel|lessive|piles?|aimants?)\b"
_SWALLOWED = (
    r"(?:une? |des |son |sa )(?:petite?s? )?"
    r"(?:pieces?(?! (?:de puzzle|de theatre))|billes?|bouchons?|clous?|vis|epingles?|aiguilles?|perles?)\b"
    r"(?!.{0,20} (?:en (?:19|20)\d\d|il y a \w{1,12} ans|quand ))"
)
_TO_HARM_EN = r"(?:kill|hurt|hitt?|slapp?|beat|smother|drown|strangl|chok|shak|stabb?)(?:e|ing)?"
_ABOUT_TO_EN = (
    r"(?:wants? to|wanna|gonna|(?<!it )going to|(?:i|he|she)(?:'ll| will| might| could| may)|afraid of|scared of"
    r"|feel like|threaten(?:s|ed) to|urge to|tr(?:ies|ied) to) (?:really |just )?"
)
# These also match inside words that are typed without spaces: `jveuxmourir`.
_ANYWHERE = (
    r"(?:veu[xt]?|voudrai[st]|voulait|aimerai[st]|envie? de|envie? d'|pense[rs]? a|parle de|prefere(?:rai[st])?)"
    r" ?(?:mieux |bien |vraiment )?"
    r"(?:en finir(?! avec)|mourr?ir|crever|disparaitre|etre morte?\b|(?:ne )?plus (?:etre la|exister))"
    r"|(?<!droits )(?<!droits ont )(?<!secret a )(?<!medical a )(?:\b(?:ete|fait|suis)|[lmt]'(?:a|ont)) violee?[rs]?\b"
)
_ATTACKER_EN = rf"(?:he|she|father|{PARTNER_EN})"
# By theme: suicide, self-harm, harm to a child, exhaustion, violence; then the same in English.
# All repetitions are bounded, so that the time is linear in the length of the message. A single `\b` precedes the
# group: with one in each of the sixty alternatives, a question took 38 µs instead of 10.
_SIGNS = re.compile(
    rf"{_ANYWHERE}|\b(?:"
    r"suicid|mettre fin a (?:mes|ses|nos) jours|(?:idees|pensees) noires|mieux sans moi|a quoi bon vivre"
    r"|(?<!hate )(?<!temps )(?<!presse )(?<!pressee )d'en finir(?! avec)"
    r"|en finir avec (?:la vie|ma vie|cette vie|tout(?= ca|[ .,!?]*$))"
    r"|(?:envie|force|gout) de vivre\b|plus vivre"
    rf"|(?:me|m'|se|s'|nous) ?{TO_KILL_ONESELF}"
    r"|(?:ouvert?|ouvrir|ouvre|taille[rz]?|coupe[rz]?) (?:les|mes|ses) veines|taillad"
    r"|(?:vais|peur de|envie de) faire une connerie"
    rf"|(?:(?:ai|a|as|ont|avait|g) ?avalee?|vient d'avaler) (?:.{{0,30}}\b{_MEDICINES}|{_SWALLOWED})"
    r"|s'est electrocutee?\b|en pleine crise (?:d'epilepsie|convulsive)"
    r"|(?:fait|a) une (?:grosse )?crise (?:d'epilepsie )?(?:la\b|maintenant|en ce moment|depuis [a-z0-9]{1,12} min)"
    rf"|pris (?:trop de {_MEDICINES}|toute (?:la|sa|ma) boite)"
    r"|(?:me|m'|se|s'|lui|leur|nous) ?fai(?:re|s|t) (?:du )?mal|scarifi|se mutil"
    rf"|(?:faire?|fais|fait|fer) du mal a {SOMEBODY}|(?:peur|envie) de faire mal a {SOMEBODY}"
    rf"|{_ABOUT_TO}(?:(?:(?:le|la|les|te) ?|[lt]'){TO_HARM}|{TO_HARM} {SOMEBODY}|(?:me|m'|se) ?tuez?\b)"
    r"|tuer? (?:mon|ma|mes|notre|nos) (?:fils|filles?|enfants?|bebes?)\b"
    rf"|(?:j'?ai|g|je viens de) ?(?:l'|le |la )?{_HARMED}|(?:j'?ai|g) ?(?:juste )?(?:taper?|battu) {SOMEBODY}"
    r"|(?:je? ?(?:les |l' ?|l )ai|(?<!qui )(?:(?:les|nous) |[lm]')(?:a|ont)) (?:vraiment |encore |deja )?"
    rf"(?:{_HARMED}|battue?s?\b|tapee?s?\b(?! (?:a|sur|au|dans) ))"
    rf"|je (?:frappe|tape|secoue|gifle|cogne|bats) {SOMEBODY}"
    r"|je (?:le|la|les) (?:frappe|secoue|gifle|cogne|bats)\b"
    r"|j?n?'?en peu[xt]? (?:vraiment |juste )?(?:plus|pu|pa|pas)\b"
    r"|(?:je|j)(?: ne)? tien[st]? (?:vraiment )?plus(?: le coup)?(?:$|[.!?,])"
    rf"|{SOMEBODY} (?:a|ont|est) (?:disparue?s?|fugue|introuvables?)\b"
    r"(?! (?:d(?:es?|u)|dans) (?:l[ae'] ?|les |vos )?(?:effectifs?|listes?|logiciel|fichiers?|dossier|registres?"
    r"|site (?:internet|web|de la (?:mdph|caf))))"
    r"|au bout du rouleau|je (?:vais )?craquer?\b|je suis a bout\b"
    rf"|{ATTACKER} (?:(?:me|nous|m'|le|la|les|lui) ?{HITS}|{HITS_SOMEBODY})|{ADULT} {HITS_AT_ALL}"
    r"|(?:ete|(?<!c')(?<!c )est|suis|etait|fait) abusee?s?\b|abusee?r? (?:sexuellement|de (?:moi|lui)\b|d'elle\b)"
    rf"|abusee?r? (?:de |d'){SOMEBODY}|abus sexuels?|agressee?s? sexuellement|inceste|viols?\b"
    r"|(?:attouchements?|agressions? sexuelles?|violences? (?:conjugales?|sexuelles?)|maltraite\w*)\b"
    r"|(?:kill|hurt|harm|cutt?)(?:ing)? (?:myself|himself|herself|themselves|my (?:child|son|daughter|baby))"
    rf"|{_ABOUT_TO_EN}{_TO_HARM_EN} {_SOMEBODY_EN}"
    rf"|i(?:'ve| have)? (?:just |almost |nearly )?(?:shook|shaken|hit|slapped|beat|choked|hurt) {_SOMEBODY_EN}"
    rf"|{_ATTACKER_EN} (?:will|might|wants to|threatened to|tried to) "
    r"(?:kill|hurt|hit|beat|stab) (?:me|us)\b"
    r"|(?:wants?|wanted|going) to (?:die|end it)|end my life|wish i (?:was|were) dead|better off without me"
    r"|(?:don'?t|not|no longer|doesn'?t) want to (?:live|be here)|self.?harm"
    r"|(?:was|been|being|got) (?:sexually )?(?:abused|molested|raped)\b|sexually (?:abused|assaulted)|raped\b"
    r"|(?:cut|slit|slashed) (?:my|his|her) wrists?\b|overdosed\b"
    r"|(?:has|have|had|he|she|i|just|kid|son|daughter|child|baby)"
    r" swallowed .{0,30}\b(?:pills?|tablets?|bleach|batter(?:y|ies)|magnets?|detergent|coins?|marbles?)\b"
    r"|can'?t (?:take|cope with|do) (?:it|this) any ?more|can'?t go on\b|at (?:the end of my rope|breaking point)"
    rf"|{_ATTACKER_EN} (?:hits|beats|rapes|threatens|hurts|abuses) (?:me|us|him|her|my)\b{NOT_A_GAME_EN}"
    r")"
)
# Phrases do not tell the kind of what is past.
_LONG_AGO = re.compile(
    r"\b(?:quand (?:j'|il |elle )(?:avais|avait|etais|etait)|antecedents?|years ago"
    r"|(?<!depuis )(?<!ne en )(?<!nee en )(?:19[5-9]|20[01])\d\b|(?:il y a|ca fait) [a-z0-9 ]{1,12} ans\b(?! qu))"
)
# A kind that a phrase tells and those beside it stand in this order.
_MOST_URGENT: Sequence[Distress] = (
    "medical",
    "suicide",
    "missing",
    "child",
    "couple",
    "losing_control",
    "violent_child",
    "no_roof",
    "bullying",
    "exhaustion",
)
