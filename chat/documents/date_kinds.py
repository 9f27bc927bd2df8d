"""Tells what a day in a letter is, by the words around it: a deadline, an appointment, an end of rights…"""

from __future__ import annotations

import re

from chat.documents.facts import DateKind
from chat.documents.months import WEEKDAY

_ACCENTS = {ord(letter): f"[{letter}{plain}]" for letter, plain in zip("éèêàûç", "eeeauc", strict=True)}


def _pattern(text: str, flags: int) -> re.Pattern[str]:
    """The pattern, which finds the words also without their accents: OCR and telephones leave them out."""
    return re.compile(text.translate(_ACCENTS), flags)


# Cues for the kind of a date. The nearest cue before it counts, else the first one after it.
KIND_CUES = _pattern(
    rf"""
    (?P<until>
        \b(?:avant|before)\b | jusqu['’ ]?(?:au?|en)\b | d['’]ici\s | \buntil\b
      | \bpour\s(?:le\s{{0,2}}(?:{WEEKDAY}\s{{1,2}})?|{WEEKDAY}\s)\Z | \bby\s(?:the\s)?(?:{WEEKDAY}\s)?\Z
      | \bdu\b.{{4,40}}\bau\s{{0,2}}(?:{WEEKDAY}\s)?\Z
    )
  | (?P<deadline>
        au\splus\stard | (?:date|jour)\slimite | dernier\s(?:délai|jour) | retourner | renvoyer | transmettre | parvenir
      | \bà\s(?:rendre|remettre|déposer|régler|payer|fournir|envoyer)\b
      | confirmer | échéance(?!\sde\s(?:vos|ses|leurs)\sdroits) | no\slater\sthan | deadline | \bdue\b
    )
  | (?P<end>
        expire | pren(?:d|nent|dra)\sfin | fin\sde(?:s|\s(?:vos|ses|leurs))?\s(?:droits|notification) | s['’]achève
      | se\stermine | échéance\sde\s(?:vos|ses|leurs)\sdroits
    )
  | (?P<appointment>
        rendez-?\s?vous | \brdv\b | convoqu | convi(?:e|ons|er)\b | entretien | réunion | audience | se\stiendra
      | aura\slieu | recevra | consultation | visite | sortie | \bséances?\b(?=.{{0,20}}prévue) | à\s\d{{1,2}}\s?h
      | est\smaintenu | appointment | \bmeeting\b(?!\sof) | rencontre\b
    )
  | (?P<decision>
        décision | décid | notifi | en\s(?:sa\s)?séance | séance\sdu | se\sprononce
      | \bavis\b | accord | refus | reje[tc]
      | (?:sans|absence\sde)\sréponse(?:\sde\snotre\spart)?\sau\b(?!\splus)
    )
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
# Of `jusqu'au` and the like: a duty of the reader until then, or a benefit until then.
TO_DO = _pattern(
    r"\bvous\s(?:avez|aurez|pouvez|pourrez|devez|disposez)\b|\bdélai"
    r"|inscri|répon|envoy|retourn|transm|adress|dépos"
    r"|\bouverte?s?\sdu\b|recevable|contest|recours|possible|observations|\bpay|\brégl|corrig|avant\scette\sdate|\bmodifi",
    re.IGNORECASE,
)
RIGHTS = _pattern(
    r"\bdroits?\b|accord|attribu|alloc|allou|\b(?:AEEH|AAH|PCH|AESH|CMI|ESAT|IME|SESSAD|cartes?)\b|orientation|notifi"
    r"|prise\sen\scharge|\bversé|valable|valid|\bvaut\b|agrément|admission|rembours|renouvel|acceptée?",
    re.IGNORECASE,
)
RIGHT_IS_OPEN = _pattern(r"\bdroits?\s(?:est|sont|reste|restent)\b|\bcourent\b", re.IGNORECASE)
CLOSED = _pattern(r"fermé|congés?\b|vacances|absent|closed", re.IGNORECASE)
# An office will do it by then: `La MDPH fera parvenir`, `sera viré`, `je m'en charge`.
BY_AN_OFFICE = _pattern(
    r"\b(?:la|le|les|l['’])\s?"
    r"(?:MDPH|CAF|CPAM|caisse|commission|CDAPH|rectorat|tribunal|service|département|école|équipe)\b"
    r"[^.]{0,20}\b(?:fera|feront|demande|transmettra|rendra|enverra|statuera|répondra|versera|communiquera|donnera)\b"
    r"|\b(?:sera|seront|est|a été|ont été)\s(?:\w{1,14}\s)?"
    r"(?:virée?s?|versée?s?|prélevée?s?|transmise?s?|envoyée?s?|adressée?s?)\b"
    r"|\bnous\s(?:vous\s)?(?:\w{1,4}\s)?(?:enverrons|verserons|transmettrons|ferons|répondrons|adresserons|prélèverons)\b"
    r"|je\sm['’]en\scharge|\b(?:I|we)(?:['’]ll|\swill)\b|\bréponse\sdu\b|\bpar\sle\slycée\b",
    re.IGNORECASE,
)
BIRTH = _pattern(
    r"(?:\bné(?:\(?e\)?)?s?\s{0,2}(?:le|:)|\bné\(e\)\s?:|\bnaissance\b.{0,12}|\bborn(?:\son)?|\bDOB)\s{0,2}:?\s{0,2}\Z",
    re.IGNORECASE | re.DOTALL,
)
# The start of a period: `à compter du |1er mai`, `du |1er mai| au 30 juin`, `prend effet le |1er mai`.
PERIOD_START = _pattern(
    rf"""
    (?P<explicit>\b(?:compter|partir)\s{{1,2}}du | \b(?:effet|débuté|commencée?|dès|depuis)\s{{1,2}}le )
    \s{{0,2}}(?:{WEEKDAY}\s{{1,2}})?\Z
  | \bdu\s{{0,2}}(?:{WEEKDAY}\s{{1,2}})?\Z
    """,
    re.IGNORECASE | re.VERBOSE,
)
PERIOD_END_FOLLOWS = _pattern(r"\s{1,3}(?:au|et\sjusqu)\b", re.IGNORECASE)
PAST_PERIOD = _pattern(r"\bpériode\s(?:allant\s)?du\b.{4,40}\bau\s{0,2}\Z", re.IGNORECASE | re.DOTALL)
SENTENCE_END = re.compile(r"[.;!?]\s|\n\s{0,3}(?=[\n>A-ZÀÉÊ•→►-])")
TABLE_OF_DEADLINES = re.compile(r"\bdates?\slimites?\b", re.IGNORECASE)


def kind_of_day(plain: str, start: int, end: int) -> DateKind:
    """The kind of the day `plain[start:end]`; that of the letter itself is not told here."""
    before = SENTENCE_END.split(plain[max(0, start - 90) : start])[-1]
    after = SENTENCE_END.split(plain[end : end + 40])[0]
    if "|" in before:
        after = after.partition("\n")[0]
    if BIRTH.search(before):
        return "birth"
    period = PERIOD_START.search(before)
    if (period and (period["explicit"] or PERIOD_END_FOLLOWS.match(after))) or PAST_PERIOD.search(before):
        return "other"
    # A cue such as `avant` after the date belongs to a later date.
    following = (cue for cue in KIND_CUES.finditer(after) if cue.lastgroup != "until")
    nearest = [*KIND_CUES.finditer(before)][-1:] or list(following)[:1]
    kind = _kind_of_cue(nearest[0], before, plain[end : end + 90]) if nearest else "other"
    if kind == "other" and _is_in_table_of_deadlines(plain, start):
        kind = "deadline"
    return "other" if kind == "deadline" and BY_AN_OFFICE.search(f"{before} {after}") else kind


def _kind_of_cue(cue: re.Match[str], before: str, after: str) -> DateKind:
    """`jusqu'au`, `du … au`, `expire`: the last day of a duty or of a benefit."""
    sentence = f"{before} {SENTENCE_END.split(after[:40])[0]}"
    match cue.lastgroup:
        case "end":
            return "deadline" if "délai" in sentence.lower() else "end_of_rights"
        case "until" if cue[0].lower().startswith(("jusqu", "du", "until")):
            return _kind_of_end(cue[0], sentence, after)
        case "appointment":
            return "appointment"
        case "decision":
            return "decision"
    return "deadline"


def _kind_of_end(cue: str, sentence: str, after: str) -> DateKind:
    if CLOSED.search(sentence):
        return "other"
    if "avant cette date" in after:
        return "deadline"
    is_duty = TO_DO.search(sentence) is not None
    if RIGHT_IS_OPEN.search(sentence) or (RIGHTS.search(sentence) and not is_duty):
        return "end_of_rights"
    if is_duty or not cue.lower().startswith("du"):
        return "deadline"
    return "end_of_rights"


def _is_in_table_of_deadlines(plain: str, start: int) -> bool:
    """Whether the table that the day stands in is headed by `Date limite`."""
    table = plain[max(0, start - 600) : start].rpartition("\n\n")[2]
    return "|" in table.rpartition("\n")[2] and TABLE_OF_DEADLINES.search(table) is not None
