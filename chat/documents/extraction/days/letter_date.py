"""Tells the date of a letter, an e-mail or a message from the other days in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chat.documents.extraction.days.kind_classifier import Place, kind_of
from chat.documents.extraction.days.written_days import WrittenDay
from chat.documents.extraction.months import WEEKDAY

# `Lille, le |12 mars 2026`, `Fait à Lille le |12 mars 2026`, `Lille, |12 mars 2026`, `ce lundi |15 juin 2026`.
_NAME = r"[A-ZÀ-Ý][\w'-]{1,30}"
PLACE = re.compile(
    rf"(?:(?i:fait|[àa])\s){{0,2}}(?:[A-ZÀ-Ý][\w'.() -]{{1,40}},\s?"
    r"|(?!(?i:rendez|rdv|visite|s[ée]ance|r[ée]union|audience))"
    rf"{_NAME}(?:\s{_NAME}){{0,2}}\s(?=(?i:le)\b))?(?:(?i:le|ce)\s{{0,3}})?(?:(?i:{WEEKDAY})\s)?\Z"
)
# With a place and `le`, whatever follows on the line.
PLACE_AND_ARTICLE = re.compile(
    rf"(?!(?i:madame|monsieur|bonjour|ch[eè]re?s?|docteur|ma[iî]tre))(?:(?i:fait|[àa])\s){{0,2}}"
    rf"{_NAME}(?:\s(?:{_NAME}|\(\d\d\)|de|du|la|les?|sur|en|sous)){{0,4}},\s?(?i:le)\s{{1,3}}(?:(?i:{WEEKDAY})\s)?\Z"
)
HEADER = re.compile(
    r"(?:\A|.{0,80}[-–—,;(]\s?)\W*(?:le(?=\s?:)|date(?:\s(?:d['’]|de\s(?:la\s|cette\s)?|du\s|of\s(?:this\s|the\s)?)?\s?(?:courrier|letter|notice|issue|invoice|r[ée]daction|lettre|envoi|message|document"
    r"|[ée]dition|[ée]mission|impression|notification|facture|facturation|avis|devis|[ée]tablissement|relev[ée]))?"
    r"|(?:message|e?-?mail|courriel|sms)\sre[çc]u\sle"
    r"|(?:(?:courrier|lettre|message|mail)\s)?(?:fait|dat[ée]e?|mise?\s[àa]\sjour|affich[ée]e?|diffus[ée]e?|distribu[ée]e?|exp[ée]di[ée]e?|[ée]mise?|remise?(?:\s(?:en\smains?\spropres?|contre\s\w{4,12}))?|envoy[ée]e?|[ée]dit[ée]e?|[ée]tablie?|imprim[ée]e?|r[ée]dig[ée]e?|notifi[ée]e?|post[ée]e?|publi[ée]e?)(?:\s(?:le|du|au))?"
    r"|(?:courrier|message|sms|r[ée]ponse|notification|facture|avis|relev[ée]|d[ée]compte|devis|[ée]dition)\s(?:du|le|[-–:])"
    rf"|(?:letter|invoice|issue|notice|statement)\sdate|date\styped|typed|sent|issued|posted|dated?)\s{{0,20}}:?\s{{0,3}}(?:le\s)?(?:{WEEKDAY}\s)?\Z",
    re.IGNORECASE,
)
WRITTEN = re.compile(
    r"\W*(?:r[ée]dig|[ée]cri|publi|post|envoy|affich|diffus|mise?\sen\sligne)\w{0,2}\sle\s", re.IGNORECASE
)  # `Rédigé le |10 février| par Mme Paoli`
TIME_ONLY = re.compile(r"[\s,àÀaA]{0,4}(?:\d{1,2}\s?[:hH]\s?\d{0,2}(?::\d\d)?(?:\s[+-]\d{4})?)?[\s.,)]*\Z")
MESSAGE = re.compile(r"[\s,àÀaA-]{0,5}\d{1,2}[:hH]\d\d[\],]?\s")  # `[05/02/2026, 19:12] Anna: …`
# `(groupe de la classe, mer. |16/09/26|)`, `Bon week-end. Sam |9 mai 2026| 10:32`: at the end of a message.
SIGNED = re.compile(rf"(?:\((?:[^()]{{1,40}}\s)?(?:le\s)?|(?<=[.!?]\s))(?:{WEEKDAY}\s)?\Z", re.IGNORECASE)
TIME_TO_END = re.compile(r"(?:[\s,àÀ-]{0,3}\d{1,2}\s?[:hH]\s?\d\d)?\s?[)\]]?\s{0,9}\Z")
IN_BRACKETS = re.compile(
    rf"\((?:sms|mail|message|courriel|texto|envoy[ée]|re[çc]u)\s(?:(?:du|le)\s)?(?:{WEEKDAY}\s)?\Z", re.IGNORECASE
)
TODAY = re.compile(rf"\b(?:aujourd'hui|ce\sjour),?\s(?:le\s)?(?:{WEEKDAY}\s)?\Z", re.IGNORECASE)
# In the first two lines: `Ludothèque, 2e rappel, |18/05/2018|`, `Caf49 |15/09/2021| : votre déclaration`.
TITLE = re.compile(
    rf"(?:.{{3,80}}[,–—-]\s|(?!(?:rendez|rdv|visite|s[ée]ance|r[ée]union|audience))[A-ZÀ-Ý][\w'&.]*\s)(?:{WEEKDAY}\s)?\Z",
    re.IGNORECASE,
)
AFTER_TITLE = re.compile(r"\s?(?:\Z|\n|:\s)")
MAX_LINE = 120
MAX_HEAD = 400  # characters of a letter in which its date stands
HEAD_LINES = 5
TITLE_LINES = 2
FIRST_DAYS, LAST_DAYS = 4, 2  # of a letter, one of which is its own if it has no usual place


def find_letter_date(plain: str, days: Sequence[WrittenDay]) -> WrittenDay | None:
    """The first day with a year that stands where letters are dated, else the first that the classifier tells.

    Else one without a year, alone in the first lines: `lundi 2/11`.
    """
    dated = [day for day in days if day.date]
    for is_dated in (_has_place, _is_alone, _is_signed, _is_in_title):
        if found := next((day for day in dated if is_dated(plain, day)), None):
            return found
    spans = [day.span for day in days]
    whole = [day for day in days if day.day and day.month]
    outer = (*whole[:FIRST_DAYS], *whole[FIRST_DAYS:][-LAST_DAYS:])
    if found := next((day for day in outer if kind_of(Place(plain, spans, *day.span)) == "letter"), None):
        return found
    heads = (day for day in whole if not day.year and is_in_head(plain, day) and _is_alone(plain, day))
    return next((day for day in heads if kind_of(Place(plain, spans, *day.span)) in {"letter", "other"}), None)


def is_of_message(plain: str, day: WrittenDay) -> bool:
    """Whether a day with a time dates a message: the words below it are counted from it."""
    before, _ = _cell(plain, day)
    after = plain[day.end : day.end + 12]
    is_alone = re.fullmatch(
        rf"(?:\[[^\]\n]{{1,30}}\]\s|(?i:sms|message)(?:\s[^\n\d]{{1,30}})?\s)?[\[(>•\s]{{0,6}}(?:(?:envoyé|reçu|le)(?:\s?:)?\s){{0,2}}(?:{WEEKDAY}\s)?",
        before,
        re.IGNORECASE,
    )
    return bool(is_alone and MESSAGE.match(after))


def _has_place(plain: str, day: WrittenDay) -> bool:
    before, after = _cell(plain, day)
    if PLACE_AND_ARTICLE.match(before):
        return not re.match(r"\sà\s\d", after)
    if HEADER.match(before):
        return TIME_ONLY.match(re.split(r"\s[-–—]\s", after)[0]) is not None or bool(
            WRITTEN.match(before) and after.startswith(" par ")
        )
    return bool(PLACE.match(before) and "," in before[:-1] and not after.strip(" .,"))


def _is_alone(plain: str, day: WrittenDay) -> bool:
    before, after = _cell(plain, day)
    return is_of_message(plain, day) or bool(PLACE.match(before) and not after.strip(" .,"))


def _is_signed(plain: str, day: WrittenDay) -> bool:
    """Whether it stands as the day of a message at its end or in brackets, or behind `aujourd'hui`."""
    before = plain[max(0, day.start - MAX_LINE) : day.start].rpartition("\n")[2]
    if IN_BRACKETS.search(before) or TODAY.search(before):
        return True
    return TIME_TO_END.match(plain, day.end) is not None and SIGNED.search(before) is not None


def _is_in_title(plain: str, day: WrittenDay) -> bool:
    before = plain[max(0, day.start - MAX_LINE) : day.start]
    is_first = plain.count("\n", 0, day.start) < TITLE_LINES and len(before) < MAX_LINE
    return (
        is_first
        and TITLE.match(before.rpartition("\n")[2]) is not None
        and AFTER_TITLE.match(plain, day.end) is not None
    )


def is_in_head(plain: str, day: WrittenDay) -> bool:
    """Whether the day stands in the first lines, where a letter is dated."""
    return day.start <= MAX_HEAD and plain.count("\n", 0, day.start) <= HEAD_LINES


def _cell(plain: str, day: WrittenDay) -> tuple[str, str]:
    """What stands before and after a day on its line, or in its column of it."""
    before = plain[max(0, day.start - MAX_LINE) : day.start].rpartition("\n")[2]
    after = plain[day.end : day.end + MAX_LINE].partition("\n")[0]
    sentence = (
        re.split(r"(?<=[.!])(?<!\.\.\.)\s", before)[-1]
        if not re.search(rf"{WEEKDAY}\s\Z", before, re.IGNORECASE)
        else before
    )
    return re.split(r"\s{3,}(?![\s:])|\t|[|│]\s?", sentence)[-1].lstrip(), re.split(r"\s{3,}|\t|[|│]", after)[0]
