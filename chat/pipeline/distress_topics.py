"""What the notices for the kinds of distress in a message are about: some messages tell more than their kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import Literal

from chat.pipeline.distress_classifier import Kind
from chat.pipeline.distress_people import CHILD, CHILD_EN, PARTNER, PARTNER_EN
from chat.pipeline.distress_suicide import OWN_WISH

Distress = Kind | Literal["grief", "violent_child", "unspecific"]
# A kind, or what else a message of that kind tells.
NoticeTopic = Distress | Literal["unreachable", "reminder", "hurt_child", "young"]


def topics_of(kinds: Sequence[Distress], folded: str, *, has_young: bool) -> tuple[NoticeTopic, ...]:
    """An own wish to die is told of, whatever else the message is about."""
    if "suicide" not in kinds and (wish := OWN_WISH.search(folded)) and not _is_quoted(wish, folded):
        kinds = ("medical", "suicide") if kinds[0] == "medical" else ("suicide", kinds[0])
    if has_young and _YOUNG.search(folded) and set(kinds) & _TOLD_TO_CHILDREN:
        kinds = [kind for kind in kinds if kind not in _TOLD_TO_CHILDREN]
        return (*kinds, "young")
    return tuple(chain.from_iterable(_refined(kind, folded) for kind in kinds))


def _refined(kind: Distress, folded: str) -> tuple[NoticeTopic, ...]:
    if kind == "suicide":
        return _suicide_topics(folded)
    if kind == "losing_control" and (SHAKEN.search(folded) or (_STRUCK.search(folded) and _UNWELL.search(folded))):
        return ("hurt_child",)
    return (kind,)


def _suicide_topics(folded: str) -> tuple[NoticeTopic, ...]:
    """Of a message about suicide: whoever writes it, somebody who does not answer any more, or both, in this order.

    An own wish to die keeps its notice: it may be quoted, and then it comes second.
    """
    wish = OWN_WISH.search(folded)
    is_quoted = wish is not None and _is_quoted(wish, folded)
    if not _is_unreachable(folded, _OFFICE if wish is None or is_quoted else _OFFICE_OR_PARTNER):
        return ("suicide",)
    if wish is None:
        return ("unreachable",)
    return ("unreachable", "suicide") if is_quoted else ("suicide", "unreachable")


def _is_unreachable(folded: str, others: re.Pattern[str]) -> bool:
    """Whether somebody does not answer any more; `others` just before mean that it is one of them."""
    return any(not others.search(_just_before(found, folded)) for found in _NO_ANSWER.finditer(folded))


def _is_quoted(wish: re.Match[str], folded: str) -> bool:
    return _QUOTING.search(_just_before(wish, folded)) is not None


def _just_before(found: re.Match[str], folded: str) -> str:
    return folded[max(0, found.start() - _NEAR) : found.start()]


# A person's own age. `j'ai 10 ans d'expérience` and `I'm 7 months pregnant` are none.
_YOUNG = re.compile(
    r"\b(?:j' ?ai|jai|g|j ai|im|i'm|i am) (?:bientot |presque |que |only |just |nearly )?(?:[5-9]|1[0-7]) ?"
    r"(?:ans?\b(?! d[e'])|years?[ -]old|y/?o\b)|\b(?:im|i'm|i am) (?:only |just |nearly )?(?:[6-9]|1[0-7])"
    r"(?= ?(?:[.,](?!\d)|[;:!?)]|$)| (?:and|but|my|i|he|she|they)\b)"
)
_TOLD_TO_CHILDREN: frozenset[Distress] = frozenset({"bullying", "child", "couple", "exhaustion", "losing_control"})
_WHO = r"\b(?:il|elle|el|(?<!')(?<!j )y|et(?= ne (?:me |nous )?(?:repond|decroche)\b))"
_NO_ANSWER = re.compile(
    rf"{_WHO} (?:ne |me |nous |n'|m'){{0,2}}(?:repon[dt]s?|decroche)(?: ?(?:plus?|pus?)\b| pas (?:au tel|a mes|aux))"
    r"|\b(?:he|she|they)(?: has|'s|have)? (?:stopped answering|(?:won't|isn't|is not|doesn't|does not|not) "
    r"(?:answer|pick|reply)\w*)"
)
_NEAR = 25  # characters
_OFFICES = (
    r"caf|mdph|msa|cpam|ars|mairie|prefecture|tribunal|ecole|creche|college|lycee|ime|avocate?|juge|medecin|docteur|psy"
    r"|hopital|assistante?|educatrice|employeur|patron|ligne|numero|samu|pompiers|police|3114|11[2-9]|3919"
    r"|school|office|council|doctor|gp|lawyer|hospital|line|hotline"
)
_OFFICE = re.compile(rf"\b(?:{_OFFICES})\b")
_OFFICE_OR_PARTNER = re.compile(rf"\b(?:{_OFFICES}|{PARTNER}|{PARTNER_EN})\b")
_QUOTING = re.compile(
    r"\b(?:dit|ecrit|envoyee?|texte|poste|message|sms|mot|lettre|wrote|said|says|texted|sent|posted|text|note)"
    r"(?: (?:a|moi|que|qu'|to|me|us|that|saying)){0,2}[ :,.\"«“']*$"
)
_HOW = r"(?:(?:tres|trop|fort|bien|un peu|encore) ){0,2}"
DID = rf"\b(?:j?' ?ai|jai|j?l'?ai|g|il a|elle a|avons|i|i've|we) (?:l'|le |la |lui )?{_HOW}"
_CHOKED = r"(?:etouffee?|brassee?|etranglee?)"
# A cry is choked and a head shaken, too: some verbs need the child beside them.
SHAKEN = re.compile(
    rf"{DID}(?:secouee?\b(?! la tete)|(?:shook|shaken)\b(?! (?:my|his|her|their) (?:head|hand)))"
    rf"|\bj?l'? ?ai {_HOW}{_CHOKED}\b"
    rf"|{DID}{_CHOKED} (?:(?:mon|ma|notre|le|la) (?:petite? )?)?(?:{CHILD}|p'tite?)\b"
    rf"|{DID}(?:choked|strangled|smothered) (?:him|her|them|(?:my|our|the) (?:little |baby )?{CHILD_EN})\b"
)
_STRUCK = re.compile(
    rf"{DID}(?:frappee?|giflee?|cognee?|tapee?|battue?|poussee?|jetee?|lachee?|{_CHOKED}"
    r"|hit|slapped|pushed|threw|dropped|beat|smothered|choked|strangled)\b"
)
_UNWELL = re.compile(
    r"\b(?:mou|molle|amorphe|endormie?|somnolente?|inconsciente?|evanouie?|vomit?|saigne|(?:bouge|reagit|respire) "
    r"(?:plus?|pas|mal)|limp|floppy|drowsy|unconscious|bleeding|vomiting|vomited|not (?:moving|breathing))\b"
)
