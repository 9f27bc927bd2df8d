"""Phrases about violence at home in folded text: who hits whom, and what a parent tells of the own temper."""

from __future__ import annotations

import re

from chat.pipeline.distress_people import NOT_OF, PARTNER
from chat.pipeline.distress_topics import DID, SHAKEN

# Only people: the same verbs are harmless with a letter, a record or a door.
SOMEBODY = (
    r"(?:quelqu'un|papa|maman|(?:(?:mon|ma|mes|notre|nos|son|sa|ses|un|une|le|la|les|ce|cet|cette|ces) |l')"
    r"(?:propres? |petite?s? |autres? )?(?:fils|filles?|enfants?|bebes?|gosses?|gamine?s?|momes?|ados?"
    r"|jumeaux?|jumelles?|freres?|soeurs?|parents?"
    rf"|{PARTNER}|mere|pere|petite?s?(?=$|[ .,;:!?]*$)))\b"
)
# All spellings that sound the same: `le tuer` is also typed `le tué`.
TO_HARM = (
    r"(?:(?:tu|frapp?|tap|secou|jet|etouff|etrangl|cogn|noy|bless|brul|gifl|tabass|poignard)(?:er|e|ez)\b"
    r"|battre\b(?! (?:a|au|aux) ))"
)
_WEAPON = (
    r"(?:un|une|son|sa|le|la) (?:gros |grand )?(?:couteau|fusil|flingue|pistolet|revolver|machette|hache|arme)\b"
    r"(?! (?:a (?:beurre|bouts?|pain|eau|bulles|colle)|adapte|ergonomique|en (?:plastique|bois|mousse)|jouet|pour|qui"
    r"|secrete|absolue|factice))"
)
# Old enough to be dangerous. Children of that age are named with it, or with one word.
_OLDER_CHILD = r"(?:fils|fille|enfant|garcon|fiston|ado(?:lescente?)?|gamine?|ainee?|cadet(?:te)?|grande?)"
_OLD = r"(?:,? de (?:[5-9]|[1-4]\d) ?ans?)?(?: (?!et |dont |que? |n[e'])[a-z]{2,14})?"
ADULT = rf"(?:{PARTNER}|pere|papa|mere|maman|beau-pere|belle-mere)"
ATTACKER = rf"(?:il|elle|(?:{ADULT}|frere|homme|voisin|{_OLDER_CHILD}){_OLD})"
# With a person as object: one knocks at a door, beats the drum and threatens to stop a benefit, too.
HITS = (
    r"(?:(?:frappe|tabasse|viole|etrangle|cogne|agresse|bat(?! (?:des|a|au|aux)\b))\b"
    r"|tape\b(?! (?:sur l|dans l|a l|la |un|des ))"
    r"|menace\b(?! (?:de |d')(?!me |m'|nous |mort|tuer|frapper|kidnapper|se |s')))"
)
HITS_SOMEBODY = (
    rf"(?:(?:frappe|bat|tabasse|viole|etrangle|cogne|menace) {SOMEBODY}(?! (?:a|au|aux) )"
    r"|frappe tout le monde\b(?! (?:a|au|aux) )"
    rf"|(?:a|avait|tient|sort|(?:a|vient de) (?:pris|sorti|attrape|prendre|sortir)) {_WEAPON})"
)
_HAS_HIT = r"a (?:encore |deja )?(?:frappe|tape|battu|cogne|etrangle|menace|agresse|gifle)e?s?\b(?! (?:dans l|a l|un))"
# In a few words without an object: `mon mari frappe`. `il frappe à la porte` has one.
HITS_AT_ALL = (
    rf"(?:tape {SOMEBODY}|(?:frappe|tape dessus)"
    r"(?=[ .,;:!?]*$|[.,;:!?] | (?:tou[ts]|souvent|encore|beaucoup|chaque|depuis|quand|et|fort|maintenant"
    r"|la nuit|le soir)\b)"
    r"|menace(?=[ .,;:!?]*$| de (?:mort|kidnapper|tuer|frapper)\b))"
)
BY_AN_ADULT = re.compile(
    rf"\b{ADULT}(?: (?:d[eu] (?:[a-z]+ )?)?[a-z-]{{2,14}})? (?:{HITS_SOMEBODY}|{HITS_AT_ALL}|aussi\b"
    rf"|(?:me|nous|m'|l[ea]s?|lui) ?{HITS}|(?:m'|l'|les |nous ){_HAS_HIT})"
)
NOT_A_GAME_EN = r"(?! at (?:chess|cards|checkers|football|tennis|uno|monopoly|scrabble|(?:video |board )?games?)\b)"
_HITS_EN = (
    r"(?:hits?|beats?|punche[sd]|kick(?:s|ed)|attack(?:s|ed)|threaten(?:s|ed)|chok(?:es|ed)|strangl(?:es|ed))"
    r" (?:me|us|(?:his|her|their) (?:[a-z]{1,12} )?(?:sister|brother|siblings?|m[ou]m|dad))\b"
    rf"{NOT_A_GAME_EN}"
)
_MY_OLDER_CHILD = rf"(?:mon|ma|notre) {_OLDER_CHILD}{_OLD}"
_MY_OLDER_CHILD_EN = (
    r"(?:my|our) (?:(?:[5-9]|[1-4]\d)[ -](?:years?[ -]old|yo) )?(?:[a-z]{3,12} )?"
    r"(?:son|daughter|kid|child|teen(?:ager)?)"
)
_HARM = r"(?:frapper|taper|secouer|gifler|cogner|etrangler|etouffer|tuer|blesser|(?:faire|fasse) (?:du |un )?mal)"
# What a parent tells of the own hands or temper.
BY_ONESELF = re.compile(
    rf"{SHAKEN.pattern}|{DID}(?:frappe|gifle|cogne|tape|battu|pousse|hit|slapped|pushed)"
    rf"|\b(?:failli|envie de|peur de|vais|finir par|pourrais|risque de|capable de|voudrais|pas) (?:[a-z']+ )?{_HARM}\b"
    r"|\bje (?:le |la |les |lui |leur )?(?:hurle|crie|frappe|tape|secoue|gifle|cogne|rends)\b|\bpeur de moi\b"
    r"|\b(?:perds?|perdre|perdu) (?:le controle|patience|mon (?:calme|sang-froid))|\bcontroler|\bme controle\b"
    r"|\b(?:hurt|hit|shake|slap) (?:him|her|them)\b|\blos(?:e|ing) control\b"
)
BY_A_CHILD = re.compile(
    rf"\b(?:{NOT_OF}{_MY_OLDER_CHILD},? (?:(?:il|elle|qui) )?(?:me [a-z]{{3,8}}(?:,| et) )?"
    rf"(?:(?:me|nous|m') ?{HITS}|{HITS_SOMEBODY}"
    rf"|(?:m'|nous ){_HAS_HIT}"
    rf"|(?:a )?(?:essaye|essaie|tente|voulu|failli|veut|menace)(?: d[e'])? ?(?:me |m'|nous ){TO_HARM}"
    rf"|(?:est|devient) (?:tres |trop |devenue? )?violente? (?:avec|envers|contre) (?:moi|nous|{SOMEBODY}))"
    r"|(?:j'?ai|avons|on a|fait) (?:tres |trop |si )?peur de "
    rf"{_MY_OLDER_CHILD}(?=[ .,;!?]*$|,? (?:il|elle|quand)\b)"
    rf"|(?<!of ){_MY_OLDER_CHILD_EN} {_HITS_EN}"
    rf"|(?:afraid|scared|frightened) of {_MY_OLDER_CHILD_EN}(?=[ .,;!?]*$))"
)
