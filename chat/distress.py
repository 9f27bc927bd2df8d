"""Signs of distress in what a person writes: of dying, of violence, of a parent at the very end of their strength.

Better once too often: some of these words also occur in calm questions, and nobody is hurt by a number. Never used for
anything but showing help lines: nothing is counted, logged or kept of it.
"""

from __future__ import annotations

import re
import unicodedata


def is_heard(text: str) -> bool:
    """Whether the text sounds like distress; case, accents and the usual ways of typing don't matter."""
    return bool(_SIGNS.search(_folded(text)))


def _folded(text: str) -> str:
    """`J’en peux   PLUS` → `j'en peux plus`."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("\u2019", "'"))
    return " ".join("".join(char for char in decomposed if not unicodedata.combining(char)).split())


# By theme: dying, hurting oneself, hurting a child, the end of one's strength, violence; then the same in English.
_SIGNS = re.compile(
    r"\bsuicid|\bmettre fin a (?:mes|ses|nos) jours|\b(?:idees|pensees) noires|\bmieux sans moi|\ba quoi bon vivre"
    r"|(?:veu[xt]?|voudrais|voulait|envie de|envie d'|pense[rs]? a|parle de|prefere(?:rais)?) ?"
    r"(?:en finir(?! avec)|mourir|crever|disparaitre|(?:ne )?plus etre la)"
    r"|\b(?:envie|force|gout) de vivre\b|\bplus vivre"
    r"|\b(?:me|m'|se|s'|nous) ?(?:tuer|pendre|buter|flinguer|suicider|foutre en l'air|jeter (?:sous|par|d[eu']))"
    r"|\b(?:me|m'|se|s'|lui|leur|nous) ?fai(?:re|s|t) (?:du )?mal|\bscarifi|\bse mutil"
    r"|\b(?:envie|peur|failli|vais|pourrais)(?: d[e']| a)? ?(?:le|la|les|l') ?"
    r"(?:tuer|frapper|taper|secouer|jeter|etouffer|etrangler|cogner)"
    r"|\b(?:j'?ai|g|je viens de) ?(?:l'|le |la )?(?:secoue|frappe|gifle|cogne|etrangle)"
    r"|\bj?n?'?en peu[xt]? (?:vraiment |juste )?(?:plus|pu|pa|pas)\b"
    r"|\b(?:je|j)(?: ne)? tien[st]? (?:vraiment )?plus(?: le coup)?(?:$|[.!?,])"
    r"|\bau bout du rouleau|\bje (?:vais )?craquer?\b|\bje suis a bout\b"
    r"|\b(?:il|elle|mari|pere|papa|maman|compagnon|conjoint|femme|mere|ex) (?:(?:me|nous|m'|le|la|les|lui) ?)?"
    r"(?:frappe|bat(?! des)|tape dessus|tabasse|viole|menace|etrangle)\b"
    r"|\b(?:attouchements?|agression sexuelle|violences? (?:conjugales?|sexuelles?)|maltraite\w*)\b"
    r"|\b(?:kill|hurt|harm|cutt?)(?:ing)? (?:myself|himself|herself|themselves|my (?:child|son|daughter|baby))"
    r"|\b(?:wants?|wanted|going) to (?:die|end it)|\bend my life|\bwish i (?:was|were) dead|\bbetter off without me"
    r"|\b(?:don'?t|not|no longer|doesn'?t) want to (?:live|be here)|\bself.?harm"
    r"|\bcan'?t (?:take|cope with|do) (?:it|this) any ?more|\bcan'?t go on\b|\bat (?:the end of my rope|breaking point)"
    r"|\b(?:husband|partner|he|father|ex|boyfriend) (?:hits|beats|rapes|threatens|hurts|abuses) (?:me|us|him|her|my)\b"
)
