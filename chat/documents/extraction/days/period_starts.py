"""Tells from which day of a letter a period is counted: the letter's own, one that is named, an appointment's."""

from __future__ import annotations

import datetime as dt
import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from chat.documents.extraction.days import sentences
from chat.documents.extraction.days.conditions import is_to_come
from chat.documents.extraction.days.periods import Period, end_of_period
from chat.documents.extraction.months import WEEKDAY
from chat.documents.facts import DateKind

MAX_LETTER = 5000  # characters from a period to the day that it is counted from
MAX_BETWEEN = 80  # characters between a period and the date that it is counted from
# Words after a period that name its start.
COUNTED_FROM = re.compile(
    r"(?!,\s?apr[èe]s\b)\s{0,3},?\s?(?:au\splus\s(?:tard\s)?)?(?:[àa]\s(?:compter|partir|dater|r[ée]ception)|suivant|qui\ssui(?:t|vent|vra|vront)\b|apr[èe]s|dès\b|des\s(?:la|le|r[ée]ception)\b|des\sl'|de\s(?:la|sa|cet?|cette)\b|du\b|de\sl'|courant\b"
    r"|from|after|of\b|following)",
    re.IGNORECASE,
)
# A period that starts when the letter arrives, which no letter knows.
FROM_RECEIPT = re.compile(
    r"\s{0,3}(?:\S{1,14}\s{1,3}){0,6}?(?:r[ée]ception|re[çc]u|receipt|receiv|get\b)", re.IGNORECASE
)
RECEIVED_FIRST = re.compile(
    r"\b(?:[àa](?:\s(?:compter|partir|dater)\sde)?|d[èe]s|apr[èe]s|on|upon)\s(?:[ls]a\s)?(?:r[ée]ception|receipt)\b",
    re.IGNORECASE,
)
# What happens on the day that the letter is dated.
OF_THE_LETTER = re.compile(
    r"aujourd'hui|\btoday\b|publication\sde\sce|notif|signif|pr[ée]sente?\b|\b(?:ce|cet|cette|this)\s(?:jour|courrier|lettre|d[ée]cision|avis|message|mail|facture|invoice|document|letter|notice"
    r"|decision|date|attestation|notification|convocation|proposition|devis|offre|mise)\b|ci-dessus|r[ée]daction|signature"
    r"|[ée]mission|d[ée]cision|refus|factur|\binvoice|envoi\b|courrier|[ée]tablissement|[ée]dition|\bdate\s(?:de\s|of\s)?(?:l'avis|issue|the\sletter)"
    r"|mise\sen\sdemeure|\bsa\sdate\b|d[ée]livrance|mailing",
    re.IGNORECASE,
)
# It alone, not `la notification` of something to come.
OF_THIS_LETTER = re.compile(
    r"\bpr[ée]sente?\b|\b(?:ce|cet|cette|this)\s(?:jour|courrier|lettre|acte|avis|message|mail|document|letter|notice)\b|aujourd'hui|ci-dessus",
    re.IGNORECASE,
)
# Before a day that a letter adds to a period: `15 jours avant la séance, soit au plus tard le |3 avril|`.
ADDED = re.compile(
    r",?\s\(?(?:soit(?<!\bce\ssoit)|c'est-à-dire|that\sis),?\s(?P<limit>(?:avant|d'ici|au\splus\stard,?|jusqu'(?:au|à)|by|until)\s)?"
    rf"(?:(?:au|pour|le|on|{WEEKDAY})\s){{0,3}}\Z",
    re.IGNORECASE,
)
LIMIT_BEHIND = re.compile(r"\s?,?\s(?:au\splus\stard|dernier\sd[ée]lai|at\sthe\slatest)\b", re.IGNORECASE)
CHOICE_BEHIND = re.compile(r"\s?,?\s(?:soit|ou|or)\s", re.IGNORECASE)
MAX_OFF = 10  # days by which the end that a letter tells is off the one that is counted
MAX_ARRIVAL = 30  # by which it is later if it is counted from the arrival of the letter
PURPOSE = re.compile(r"\s(?:pour|afin)\s", re.IGNORECASE)  # `après le conseil |pour| demander l'entretien`
# `dans les deux mois qui suivent.`: the letter.
THAT_FOLLOW = re.compile(r"\s(?:suivants|qui\ssuivent)\s?(?:[.,;)]|\Z)", re.IGNORECASE)
THAT_DAY = re.compile(
    r"\s{0,3},?\s?(?:[àa]\s(?:compter|partir)|suivant|apr[èe]s|from)\s(?:de\s)?(?:cette|this)\sdate", re.IGNORECASE
)
OF_NOTIFICATION = re.compile(
    r"\s{0,3},?\s?(?:[àa]\s(?:compter|partir)\s|suivant\s|apr[èe]s\s)?(?:de\s)?(?:la|sa|cette)\s(?:notif|signif|publi|affich)",
    re.IGNORECASE,
)
NOTIFIED = re.compile(r"\b(?:notifi|signifi|publi|affich)[ée]e?s?\s(?:le\s)?\Z", re.IGNORECASE)
APPOINTMENT = re.compile(
    r"audience|rendez-?\s?vous|\brdv\b|s[ée]ance|r[ée]union|consultation|visite|entretien|examen|intervention|venue|hospitalisation"
    r"|op[ée]ration|appointment|meeting|hearing|assessment|review|date\s(?:pr[ée]vue|fix[ée]e|du)",
    re.IGNORECASE,
)
END = re.compile(r"\b(?:fin|terme|[ée]ch[ée]ance|expiration|end|expiry|expires)\b", re.IGNORECASE)
# Of each time that it happens, not of one day: `toute absence doit être signalée 48 heures avant`.
EACH_TIME = re.compile(
    r"\b(?:toute?s?\s(?!rupture|question|information|correspondance|difficult|prolong|reconduct|renouvel|demande|contestation|réclamation|modific|annul)|tous|chaque|any|every|each|absence|(?<!d')absences)\b",
    re.IGNORECASE,
)
NAME = re.compile(r"\b[A-ZÀ-Ý][a-zà-ÿ]{2,20}\b")
# What happens on the day that it is counted from, or back from: `du jugement`, `avant le départ`.
NOUN = r"(?P<noun>(?!(?:date|jour|terme|jours)\b)[^\W\d_]{4,30})"
FROM_AN_EVENT = re.compile(
    rf"(?:\W|[àa]\s(?:compter|partir|dater)|courant|suivant|suivent|qui\ssui\w{{1,4}}|apr[èe]s|d[èe]s|from|after|of|following|(?:date|jour)(?=\sd)|(?:de\s)?(?:la|les?|l'|the|your|votre|cette)\b|d[ue]s?\b){{1,9}}\s?{NOUN}",
    re.IGNORECASE,
)
TO_AN_EVENT = re.compile(
    rf"\s{{1,3}}(?:au\s(?:moins|minimum|plus\stard)\s)?(?:avant|before|prior\sto|de|d(?=u))\s?(?:la|les?|u|l'|cette|cet|ce|votre|vos|the|your|this|that)\s?(?:(?:date|d[ée]but|jour|fin)\s(?:de\s(?:la\s|l')?|du\s|des\s|d'))?{NOUN}",
    re.IGNORECASE,
)
# The first day of a stay: `avant le départ`, `avant le début du séjour`.
DEPARTURE = re.compile(r"d[ée]part|s[ée]jour|arriv[ée]e|d[ée]but|stage|vacances|camp\b|colo", re.IGNORECASE)
SPAN_START = re.compile(rf"(?:\bdu|[,:(»–-]|\n)\s{{0,2}}(?:{WEEKDAY}\s)?\Z", re.IGNORECASE)
SPAN_MIDDLE = re.compile(rf"(?:\s\d{{4}})?\s{{1,3}}(?:\w{{1,10}}\s)?(?:au|->|→)\s(?:{WEEKDAY}\s)?\Z", re.IGNORECASE)
WEEKDAY_ALONE = re.compile(rf"\A\W*{WEEKDAY}\W*\Z", re.IGNORECASE)
CELL_END = re.compile(rf"{sentences.SENTENCE_END.pattern}|\s{{3}}|\|")
AND = re.compile(r"[^.;]{0,14}(?:\bet|\bou|,)\s(?:(?:le|du|au)\s)?(?:\w{3,8}\s)?\Z")
# `deux jours avant.`: of the day named last.
BARE_AHEAD = re.compile(
    r"\s{1,3}(?:avant|before|[àa]\sl'avance)(?:\s(?:cette\sdate|ce\sjour|svp))?\s?(?:[.,;:)!]|\Z)", re.IGNORECASE
)
THAT_DAY_AHEAD = re.compile(r"\s{1,3}(?:avant|before)\s(?:cette\sdate|ce\sjour|that\s(?:date|day))\b", re.IGNORECASE)
FIRST = re.compile(r"\s{1,3}(?:avant|before)\s(?:le|la|the)\s(?:premi[èe]re?|first)\s", re.IGNORECASE)
ANOTHER_SENTENCE = re.compile(r"[.!?]\s|\n\n")
MAX_SENTENCE = 200  # characters from that day to the period
EVE = re.compile(r"la\sveille|l'avant-veille|the\sday\sbefore|J\s?-", re.IGNORECASE)
# Events that no appointment of the letter is.
OF_THE_CALENDAR = re.compile(rf"rentr|no[ëe]l|naissance|anniv|majorit|{DEPARTURE.pattern}", re.IGNORECASE)
MAX_STEM = 6  # letters of a noun that are compared
# What a day may be called where it is told, by the stem of what a period calls it.
OTHER_NAMES = {
    "commis": ("cdaph",),
    "assemb": ("ag ",),
    "décès": ("décéd",),
    "opérat": ("interv",),
    "scruti": ("électi", "vote"),
    "majori": ("dix-huit ans", "18 ans"),
}
TO_A_DAY = re.compile(
    r"\s{1,3}(?:au\s(?:moins|minimum|plus\stard)\s)?(?:avant|before|prior\sto|de\s|du\s)\s?(?:[\w'.-]{1,20}\s{1,3}){0,7}(?:\((?:le\s|du\s)?)?\Z"
)

# What is not known to happen on the letter's date: `la notification`, not `la date d'envoi de la notification`.
SERVED = re.compile(r"notif|signif|publi|affich|pr[ée]sentation", re.IGNORECASE)
ON_ITS_DATE = re.compile(
    r"\benvoi|exp[ée]di|cachet|\bce\sjour\b|aujourd'hui|figurant|\ben-?\s?t[êe]te|ci-dessus|\b(?:faite|notifi[ée]e?)\sle\b",
    re.IGNORECASE,
)
# `À compter de la date de ce courrier, vous avez |15 jours|`.
STARTED_FIRST = re.compile(
    r"(?:\A|[,:(])\W*(?:dans\sles\s|soit\s)?(?:[àa]\s(?:compter|partir|dater)\s|from\s)(?:de\s|du\s|d')?(?P<start>[^,;]{1,60})"
    r"|\b(?:[àa]\s(?:compter|partir|dater)\s)(?P<today>de\sce\sjour|d'aujourd'hui|de\sla\sdate\s)",
    re.IGNORECASE,
)
HOURS = re.compile(r"\d\s?h\b|heures?\b|hours?\b", re.IGNORECASE)

ANOTHER_CLAUSE = re.compile(r"[.;]|\n\s?\n")
ANOTHER_PHRASE = re.compile(r"[.,;:]\s|\b(?:au\splus\stard|jusqu|puis|et)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class KnownDay:
    """`plain[start:end]` of a letter, a day of that kind."""

    start: int
    end: int
    date: dt.date
    kind: DateKind


def is_from_receipt(plain: str, period: Period) -> bool:
    """Whether it is counted from the day on which the letter, or something else, arrives."""
    if not period.is_back and RECEIVED_FIRST.search(sentences.before(plain, period.start, 80) + period.text):
        return True
    after = plain[period.end : period.end + 70].partition(".")[0]
    return bool(COUNTED_FROM.match(after) and FROM_RECEIPT.match(after))


def may_start_later(plain: str, period: Period) -> bool:
    """Whether a period that is counted from the letter's date may run from the receipt.

    A bare one, or one from the notification; not one from the date itself, as `à compter du 12 mars 2026`.
    """
    if period.is_back or HOURS.search(period.text):
        return False
    after = sentences.after(plain, period.end, MAX_BETWEEN)
    first = STARTED_FIRST.search(sentences.before(plain, period.start, 120))
    if COUNTED_FROM.match(after):
        start = re.split(r"\d", PURPOSE.split(after)[0])[0]
    elif first:
        start = first[0]
    else:
        return True
    return SERVED.search(start) is not None and not ON_ITS_DATE.search(start)


def find_end(plain: str, period: Period, days: Sequence[KnownDay], of_letter: dt.date | None) -> dt.date | None:
    """The day that the letter itself names as its last.

    Without a date of the letter it is measured against none, nor against itself if it was taken for that date.
    """
    for day in _days_between(days, period.end, period.end + MAX_BETWEEN):
        between = plain[period.end : day.start]
        if (added := ADDED.search(between)) and not ANOTHER_CLAUSE.search(between):
            if added["limit"] or LIMIT_BEHIND.match(plain, day.end):
                return day.date
            if CHOICE_BEHIND.match(plain, day.end):
                return None
            if not period.is_back and (not of_letter or day.kind == "letter"):
                is_start = COUNTED_FROM.match(between) and APPOINTMENT.search(between)
                return None if is_start or day.kind == "appointment" else day.date
            starts = [of_letter]
            if period.is_back:
                starts = [start.date for start in _days_between(days, period.start - MAX_SENTENCE, day.start)]
            is_from_arrival = is_from_receipt(plain, period) or OF_NOTIFICATION.match(between)
            max_late = MAX_ARRIVAL if is_from_arrival else MAX_OFF
            is_end = any(_is_nearly_its_end(period, start, day.date, max_late) for start in starts if start)
            return day.date if is_end else None
    return None


def _is_nearly_its_end(period: Period, start: dt.date, day: dt.date, max_late: int) -> bool:
    """Whether a day is the end of a period with this start, or only a few days off, and not rather the start."""
    end = end_of_period(period.text, start, is_back=period.is_back)
    return end is not None and -MAX_OFF <= (day - end).days <= max_late and abs(day - end) < abs(day - start)


def find_start(plain: str, period: Period, days: Sequence[KnownDay], of_letter: dt.date | None) -> dt.date | None:
    """The day from which it is counted; None if that isn't known or isn't one day."""
    days = _days_between(days, period.start - MAX_LETTER, period.start + MAX_LETTER)
    if period.is_back:
        return _day_named(plain, period, days, TO_A_DAY) or _day_ahead(plain, period, days, of_letter)
    after = sentences.after(plain, period.end, MAX_BETWEEN)
    if not COUNTED_FROM.match(after):
        return None if is_to_come(plain, period) else of_letter
    if date := _day_named(plain, period, days, COUNTED_FROM) or _day_referred_to(plain, period, after, days):
        return date
    start = PURPOSE.split(after)[0]
    if is_from_receipt(plain, period) or OF_THE_LETTER.search(start) or THAT_FOLLOW.match(after):
        is_told = is_from_receipt(plain, period) or OF_THIS_LETTER.search(start)
        return of_letter if is_told or not is_to_come(plain, period) else None
    event = FROM_AN_EVENT.match(start)
    return (
        _only(_days_of(plain, event["noun"], days, but=("birth",)) if event else [])
        or _only(_ends(days) if END.search(start) else [])
        or _only(_appointments(days) if APPOINTMENT.search(after) else [])
    )


def _day_referred_to(plain: str, period: Period, after: str, days: Sequence[KnownDay]) -> dt.date | None:
    """`signifié le |5 mars|, … dans le mois de la signification`, `le |5 mars|. … à compter de cette date`."""
    if THAT_DAY.match(after):
        return next((day.date for day in reversed(days) if 0 < period.start - day.end < MAX_BETWEEN), None)
    if not OF_NOTIFICATION.match(after):
        return None
    return _only([day for day in days if day.kind != "letter" and NOTIFIED.search(plain, day.start - 20, day.start)])


def _days_between(days: Sequence[KnownDay], start: int, end: int) -> Sequence[KnownDay]:
    first = bisect_left(days, start, key=lambda day: day.start)
    return days[first : bisect_left(days, end, lo=first, key=lambda day: day.start)]


def _day_named(plain: str, period: Period, days: Sequence[KnownDay], words: re.Pattern[str]) -> dt.date | None:
    """The date that the words after a period name: `à compter du 3 mars 2026`, `avant la réunion du 3 mars`."""
    for day in days:
        between = plain[period.end : day.start] if 0 < day.start - period.end < MAX_BETWEEN else ""
        between = ADDED.sub(" ", between)
        if between and words.match(between) and "\n\n" not in between and not ANOTHER_PHRASE.search(between):
            return day.date
    return None


def _day_ahead(plain: str, period: Period, days: Sequence[KnownDay], of_letter: dt.date | None) -> dt.date | None:
    """The appointment before which a period ends, or the end of a right; else the only appointment ahead of it."""
    if EACH_TIME.search(sentences.before(plain, period.start, 120)):
        return None
    after = sentences.after(plain, period.end, 50)
    date = _last_of_the_sentence(plain, period, days) if BARE_AHEAD.match(after) else None
    if date := date or _day_of_event(plain, period, after, days):
        return date
    event = TO_AN_EVENT.match(after)
    if event and OF_THE_CALENDAR.match(event["noun"]):
        return None
    here = sentences.paragraph_start(plain, period.start)
    near = [day for day in _ahead(period, days) if here <= day.start]
    if appointments := _appointments(near):
        return _only(appointments)
    if APPOINTMENT.search(after):
        date = _only(_appointments(days) or near)
    elif event or EVE.match(period.text):
        date = None
    else:
        date = near[-1].date if near else None
    meetings = [day for day in days if day.kind == "decision" and of_letter and day.date > of_letter]
    return date or _only(_appointments(_ahead(period, days)) or meetings)


def _appointments(days: Sequence[KnownDay]) -> list[KnownDay]:
    return [day for day in days if day.kind == "appointment"]


def _last_of_the_sentence(plain: str, period: Period, days: Sequence[KnownDay]) -> dt.date | None:
    """The day of the same sentence, whatever its kind: `pour la séance du |15 avril| ; pièces une semaine avant`.

    `cette date` may be that of the sentence before.
    """
    is_that_day = THAT_DAY_AHEAD.match(plain, period.end) is not None
    for day in reversed(days):
        if 0 < period.start - day.end < MAX_SENTENCE and day.kind not in {"birth", "letter"}:
            return day.date if is_that_day or not ANOTHER_SENTENCE.search(plain, day.end, period.start) else None
    return None


def _ahead(period: Period, days: Sequence[KnownDay]) -> list[KnownDay]:
    """The days written before the period that it may be counted back from."""
    return [
        day for day in days if day.end <= period.start and day.kind not in {"birth", "letter", "decision", "deadline"}
    ]


def _day_of_event(plain: str, period: Period, after: str, days: Sequence[KnownDay]) -> dt.date | None:
    """The day of what stands behind `avant`: the end of a right, a departure, or any noun that has a day."""
    event, ahead = TO_AN_EVENT.match(after), _ahead(period, days)
    if FIRST.match(after):
        return min((day.date for day in _appointments(ahead) or ahead), default=None)
    spans = list(_spans(plain, ahead))
    if END.search(event[0] if event else after):
        sentence = f"{sentences.before(plain, period.start, 120)} {after}"
        if date := _end_of(plain, sentence, _ends(ahead) or _ends(days)) or _only([last for _, last in spans]):
            return date
        return _only([day for day, words in _with_text_before(plain, ahead) if END.search(CELL_END.split(words)[-1])])
    if event and DEPARTURE.search(event[0]):
        if date := _only([first for first, _ in spans] or _days_of(plain, event["noun"], days)):
            return date
        return min((day.date for day in _appointments(ahead)), default=None)
    return _only(_days_of(plain, event["noun"], days)) if event else None


def _spans(plain: str, days: Sequence[KnownDay]) -> Iterator[tuple[KnownDay, KnownDay]]:
    """First and last days: `du |11 juillet| au |24 juillet|`."""
    for first, last in pairwise(days):
        is_span = last.start - first.end < 40 and SPAN_MIDDLE.match(plain[first.end : last.start])
        if is_span and SPAN_START.search(plain, max(0, first.start - 20), first.start):
            yield first, last


def _ends(days: Sequence[KnownDay]) -> list[KnownDay]:
    return [day for day in days if day.kind == "end_of_rights"]


def _days_of(
    plain: str, noun: str, days: Sequence[KnownDay], but: Collection[str] = ("birth", "letter")
) -> list[KnownDay]:
    """The days in whose sentence, before them, this noun stands, except these kinds."""
    stem = noun.lower()[:MAX_STEM]
    stems = (stem, *OTHER_NAMES.get(stem, ()))
    found: list[KnownDay] = []
    previous: KnownDay | None = None
    for day, before in _with_text_before(plain, [day for day in days if day.kind not in but]):
        # A cell without words, as `| |14 h`, belongs to the one before it.
        cell = next((part for part in reversed(CELL_END.split(before)) if _has_words(part)), "")
        # `séances le 17 mars à 9 h et le |24 mars|`: of the same noun.
        if any(stem in cell.lower() for stem in stems) or (previous and previous in found and AND.match(before)):
            found.append(day)
        previous = day
    return found


def _has_words(cell: str) -> bool:
    """Whether more than the weekday of the day behind it stands in a cell."""
    return any(map(str.isalpha, WEEKDAY_ALONE.sub("", cell)))


def _end_of(plain: str, sentence: str, ends: Sequence[KnownDay]) -> dt.date | None:
    """The only end, or the only one that stands with a name of the sentence."""
    if date := _only(ends):
        return date
    names = set(NAME.findall(sentence))
    return _only([day for day, before in _with_text_before(plain, ends) if names & set(NAME.findall(before))])


def _with_text_before(plain: str, days: Sequence[KnownDay]) -> Iterator[tuple[KnownDay, str]]:
    end = 0
    for day in days:
        yield day, plain[max(end, day.start - 200) : day.start]
        end = day.end


def _only(days: Sequence[KnownDay]) -> dt.date | None:
    """The date that these days share; None if they are several or none."""
    dates = {day.date for day in days}
    return dates.pop() if len(dates) == 1 else None
