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
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("\u2019", "'").replace("\u0153", "oe"))
    return " ".join("".join(char for char in decomposed if not unicodedata.combining(char)).split())


# Only people: of a letter, a record or a door one may say the same in all calm.
_SOMEBODY = (
    r"(?:quelqu'un|(?:(?:mon|ma|mes|notre|nos|son|sa|ses|un|une|le|la|les|ce|cet|cette|ces) |l')"
    r"(?:propres? |petite?s? )?(?:fils|filles?|enfants?|bebes?|gosses?|gamine?s?|momes?|ados?"
    r"|jumeaux?|jumelles?|freres?|soeurs?|parents?"
    r"|mari|femme|conjointe?|compagn(?:on|e)|ex|mere|pere|petite?s?(?=$|[ .,;:!?]*$)))\b"
)
_SOMEBODY_EN = (
    r"(?:him|her(?! feelings)|them"
    r"|(?:my|our) (?:own )?(?:kids?|child(?:ren)?|sons?|daughters?|baby|boy|girl|wife|husband))\b"
)
# Verbs by their sound: `le tuer` is also typed `le tué`.
_TO_HARM = (
    r"(?:(?:tu|frapp?|tap|secou|jet|etouff|etrangl|cogn|noy|bless|brul|gifl|tabass|poignard)(?:er|e|ez)\b"
    r"|battre\b(?! (?:a|au|aux) ))"
)
_ABOUT_TO = (
    r"\bj?(?:envi(?:es?)?|peur|failli|vai[st]?|vas?|allais|pourrais|veu[xt]?|voudrai[st]?|aimerai[st]?"
    r"|capable|essa(?:ie|ye)|menace|finir)"
    r"(?: d[e']| a| par)? ?(?:vraiment |tous |toutes )?"
)
_HARMED = r"(?:secoue|frapp?e(?! a )|gifle|cogne|etrangle|tabasse)"
_MEDICINES = r"(?:medicaments?|medocs?|cachets?|comprimes?|pilules?|javel|lessive|piles?|aimants?)\b"
_TO_HARM_EN = r"(?:kill|hurt|hitt?|slapp?|beat|smother|drown|strangl|chok|shak|stabb?)(?:e|ing)?"
_ABOUT_TO_EN = (
    r"\b(?:wants? to|wanna|gonna|(?<!it )going to|(?:i|he|she)(?:'ll| will| might| could| may)|afraid of|scared of"
    r"|feel like|threaten(?:s|ed) to|urge to|tr(?:ies|ied) to) (?:really |just )?"
)

# By theme: dying, hurting oneself, hurting a child, the end of one's strength, violence; then the same in English.
# Whatever may repeat is bounded, so that a long message takes no longer than its length.
_SIGNS = re.compile(
    r"\bsuicid|\bmettre fin a (?:mes|ses|nos) jours|\b(?:idees|pensees) noires|\bmieux sans moi|\ba quoi bon vivre"
    r"|(?:veu[xt]?|voudrai[st]|voulait|aimerai[st]|envie? de|envie? d'|pense[rs]? a|parle de|prefere(?:rai[st])?)"
    r" ?(?:mieux |bien |vraiment )?"
    r"(?:en finir(?! avec)|mourr?ir|crever|disparaitre|etre morte?\b|(?:ne )?plus (?:etre la|exister))"
    r"|(?<!hate )(?<!temps )(?<!presse )(?<!pressee )\bd'en finir(?! avec)"
    r"|\ben finir avec (?:la vie|ma vie|cette vie|tout(?= ca|[ .,!?]*$))"
    r"|\b(?:envie|force|gout) de vivre\b|\bplus vivre"
    r"|\b(?:me|m'|se|s'|nous) ?(?:tuer|pendre|buter|flinguer|suicider|foutre en l'air|jeter (?:sous|par|d[eu']))"
    r"|\b(?:ouvert?|ouvrir|ouvre|taille[rz]?|coupe[rz]?) (?:les|mes|ses) veines|\btaillad"
    r"|\b(?:vais|peur de|envie de) faire une connerie"
    rf"|(?:\b(?:ai|a|as|ont|avait|g) ?avalee?|\bvient d'avaler) .{{0,30}}\b{_MEDICINES}"
    rf"|\bpris (?:trop de {_MEDICINES}|toute (?:la|sa|ma) boite)"
    r"|\b(?:me|m'|se|s'|lui|leur|nous) ?fai(?:re|s|t) (?:du )?mal|\bscarifi|\bse mutil"
    rf"|\b(?:faire?|fais|fait|fer) du mal a {_SOMEBODY}|\b(?:peur|envie) de faire mal a {_SOMEBODY}"
    rf"|{_ABOUT_TO}(?:(?:(?:le|la|les|te) ?|[lt]'){_TO_HARM}|{_TO_HARM} {_SOMEBODY}|(?:me|m'|se) ?tuez?\b)"
    r"|\btuer? (?:mon|ma|mes|notre|nos) (?:fils|filles?|enfants?|bebes?)\b"
    rf"|\b(?:j'?ai|g|je viens de) ?(?:l'|le |la )?{_HARMED}|\b(?:j'?ai|g) ?(?:juste )?(?:taper?|battu) {_SOMEBODY}"
    r"|\b(?:je? ?(?:les |l' ?|l )ai|(?<!qui )(?:(?:les|nous) |[lm]')(?:a|ont)) (?:vraiment |encore |deja )?"
    rf"(?:{_HARMED}|battue?s?\b|tapee?s?\b(?! (?:a|sur|au) ))"
    rf"|\bje (?:frappe|tape|secoue|gifle|cogne|bats) {_SOMEBODY}"
    r"|\bje (?:le|la|les) (?:frappe|secoue|gifle|cogne|bats)\b"
    r"|\bj?n?'?en peu[xt]? (?:vraiment |juste )?(?:plus|pu|pa|pas)\b"
    r"|\b(?:je|j)(?: ne)? tien[st]? (?:vraiment )?plus(?: le coup)?(?:$|[.!?,])"
    r"|\bau bout du rouleau|\bje (?:vais )?craquer?\b|\bje suis a bout\b"
    r"|\b(?:il|elle|mari|pere|papa|maman|compagnon|conjoint|femme|mere|ex) (?:(?:me|nous|m'|le|la|les|lui) ?)?"
    r"(?:frappe|bat(?! des)|tape dessus|tabasse|viole|menace|etrangle)\b"
    r"|\b(?:il|elle|mari|pere|papa|maman|compagnon|conjoint|femme|mere|ex|fils|fille) (?:me|nous|le|la) "
    r"tape\b(?! (?:sur les nerfs|dans l'oeil|a l'ordi|a la machine))"
    r"|(?<!droits )(?<!droits ont )(?<!secret a )(?<!medical a )(?:\b(?:ete|fait|suis)|[lmt]'(?:a|ont)) violee?[rs]?\b"
    r"|\b(?:ete|(?<!c')(?<!c )est|suis|etait|fait) abusee?s?\b|\babusee?r? (?:sexuellement|de (?:moi|lui)\b|d'elle\b)"
    rf"|\babusee?r? (?:de |d'){_SOMEBODY}|\babus sexuels?|\bagressee?s? sexuellement|\binceste|\bviols?\b"
    r"|\b(?:attouchements?|agressions? sexuelles?|violences? (?:conjugales?|sexuelles?)|maltraite\w*)\b"
    r"|\b(?:kill|hurt|harm|cutt?)(?:ing)? (?:myself|himself|herself|themselves|my (?:child|son|daughter|baby))"
    rf"|{_ABOUT_TO_EN}{_TO_HARM_EN} {_SOMEBODY_EN}"
    rf"|\bi(?:'ve| have)? (?:just |almost |nearly )?(?:shook|shaken|hit|slapped|beat|choked|hurt) {_SOMEBODY_EN}"
    r"|\b(?:he|she|husband|partner|father|ex|boyfriend) (?:will|might|wants to|threatened to|tried to) "
    r"(?:kill|hurt|hit|beat|stab) (?:me|us)\b"
    r"|\b(?:wants?|wanted|going) to (?:die|end it)|\bend my life|\bwish i (?:was|were) dead|\bbetter off without me"
    r"|\b(?:don'?t|not|no longer|doesn'?t) want to (?:live|be here)|\bself.?harm"
    r"|\b(?:was|been|being|got) (?:sexually )?(?:abused|molested|raped)\b|\bsexually (?:abused|assaulted)|\braped\b"
    r"|\b(?:cut|slit|slashed) (?:my|his|her) wrists?\b|\boverdosed\b"
    r"|\b(?:has|have|had|he|she|i|just|kid|son|daughter|child|baby)"
    r" swallowed .{0,30}\b(?:pills?|tablets?|bleach|batter(?:y|ies)|magnets?|detergent)\b"
    r"|\bcan'?t (?:take|cope with|do) (?:it|this) any ?more|\bcan'?t go on\b|\bat (?:the end of my rope|breaking point)"
    r"|\b(?:husband|partner|he|father|ex|boyfriend) (?:hits|beats|rapes|threatens|hurts|abuses) (?:me|us|him|her|my)\b"
)
