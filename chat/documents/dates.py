"""The dates and delays in a letter, and what the words around them say that they are for."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

from chat.documents.facts import Date, DateKind
from chat.documents.text import on_one_line

MONTHS = (
    "janv(?:ier)?",
    "f[ée]vr?(?:ier)?",
    "mars",
    "avr(?:il)?",
    "mai",
    "juin",
    "juil(?:let)?",
    "ao[ûu]t",
    "sept(?:embre)?",
    "oct(?:obre)?",
    "nov(?:embre)?",
    "d[ée]c(?:embre)?",
)
MONTH = rf"(?:{'|'.join(MONTHS)})\b\.?"
WEEKDAY = r"(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche)"
NUMBER = r"(?:\d{1,3}|une?|deux|trois|quatre|cinq|six|huit|dix|quinze|vingt|trente|soixante)"
DURATION = rf"{NUMBER}\s{{1,3}}(?:jours?|semaines?|mois)\b"

DATE = re.compile(
    rf"""
    (?<![\w/.-])(?:
        (?P<iso_year>\d{{4}})-(?P<iso_month>\d\d)-(?P<iso_day>\d\d)
      | (?P<day>\d{{1,2}})(?P<mark>[/.-])(?P<month>\d{{1,2}})(?P=mark)(?P<year>\d{{4}}|\d\d)
      | (?P<spoken_day>\d{{1,2}}|1\s?er|premier)\s{{1,3}}(?P<spoken_month>{MONTH})(?:\s{{1,3}}(?P<spoken_year>\d{{4}}))?
      | {MONTH}\s{{1,3}}\d{{4}}
      | (?<=\ble\s)(?P<short_day>\d\d)/(?P<short_month>\d\d)
    )(?![\w/-]|\.\d)
  | \b(?P<delay>
        (?:délai\s(?:maximum\s|maximal\s)?(?:de\s|d['’])|dans\s(?:les\s|un\sdélai\sde\s)?|sous\s|d['’]ici\s
          |vous\s(?:avez|aurez|disposez\sde|disposez\sd['’])\s{{0,2}}|au\smoins\s|au\splus\stard\s){DURATION}
      | sous\s(?:huitaine|quinzaine)\b
      | {DURATION}(?=\s{{1,3}}(?:suivant|à\scompter|à\sréception|après\sréception))
    )
    """,
    re.IGNORECASE | re.VERBOSE,
)

# What the words around a date say about it. The nearest words before it count, else those that follow.
SIGNS = re.compile(
    rf"""
    (?P<until>
        \bavant\b | jusqu['’ ]?(?:au?|en)\b | d['’]ici\s(?:le|au) | \bpour\sle\s{{0,2}}(?:{WEEKDAY}\s{{1,2}})?\Z
      | \bdu\b.{{4,40}}\bau\s{{0,2}}\Z
    )
  | (?P<deadline>
        au\splus\stard | (?:date|jour)\slimite | dernier\s(?:délai|jour) | retourner | renvoyer | transmettre | parvenir
      | confirmer | expire | échéance | pren(?:d|nent|dra)\sfin | fin\sde\s(?:vos\s)?droits | s['’]ach[èe]ve
      | se\stermine | fin\sdes\sdroits
    )
  | (?P<appointment>
        rendez-?\s?vous | \brdv\b | convoqu | convi(?:e|ons|er)\b | entretien | réunion | audience | se\stiendra
      | aura\slieu | recevra | consultation | visite | sortie | \bséances?\b(?=.{{0,20}}prévue) | à\s\d{{1,2}}\s?h
      | est\smaintenu
    )
  | (?P<decision>
        décision | décid | notifi | en\sséance | séance\sdu | se\sprononce | \bavis\b | accord | refus | reje[tc]
      | (?:sans|absence\sde)\sréponse(?:\sde\snotre\spart)?\sau\b(?!\splus)
    )
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
KINDS: dict[str | None, DateKind] = {
    "until": "deadline",
    "deadline": "deadline",
    "appointment": "appointment",
    "decision": "decision",
}
LABELS: dict[DateKind, str] = {
    "deadline": "échéance",
    "appointment": "rendez-vous",
    "decision": "décision",
    "birth": "naissance",
    "other": "",
}
URGENCY: list[DateKind] = ["deadline", "appointment", "decision", "other", "birth"]
BIRTH = re.compile(r"(?:\bné(?:\(?e\)?)?s?\s{1,2}le|\bnaissance\b.{0,12})\s{0,2}\Z", re.IGNORECASE | re.DOTALL)
# From when something holds: `à compter du |1er mai`, `du |1er mai| au 30 juin`, `prend effet le |1er mai`.
SINCE = re.compile(
    rf"""
    (?P<point>\b(?:compter|partir)\s{{1,2}}du | \b(?:effet|débuté|commencée?|dès|depuis)\s{{1,2}}le )
    \s{{0,2}}(?:{WEEKDAY}\s{{1,2}})?\Z
  | \bdu\s{{0,2}}(?:{WEEKDAY}\s{{1,2}})?\Z
    """,
    re.IGNORECASE | re.VERBOSE,
)
RANGE_AFTER = re.compile(r"\s{1,3}(?:au|et\sjusqu)\b", re.IGNORECASE)
PERIOD = re.compile(r"\bpériode\s(?:allant\s)?du\b.{4,40}\bau\s{0,2}\Z", re.IGNORECASE | re.DOTALL)  # it is over
SENTENCE_END = re.compile(r"[.;!?]\s|\n\s{0,3}(?=[\nA-ZÀÉÊ])")


def dates_in(text: str) -> Iterator[Date]:
    """The dates and delays of a letter, in their order."""
    for found in DATE.finditer(text):
        if found["delay"]:
            yield _date(found, None, "deadline")
            continue
        try:
            iso = _iso(found)
        except ValueError:  # the 31st of February
            continue
        yield _date(found, iso, _kind(text, found))


def _date(found: re.Match[str], iso: str | None, kind: DateKind) -> Date:
    return Date(on_one_line(found[0]).rstrip("."), iso, kind, LABELS[kind])


def _iso(found: re.Match[str]) -> str | None:
    """The day meant; None without a day or a year. Raises ValueError when there is no such day."""
    year = int(found["iso_year"] or found["year"] or found["spoken_year"] or 0)
    month = found["iso_month"] or found["month"] or found["short_month"]
    day = found["iso_day"] or found["day"] or found["short_day"] or found["spoken_day"]
    if day is None:
        return None
    if found["year"] and year < 100:
        year += 2000 if year < 50 else 1900
    # Of the unknown years, one that has a 29th of February.
    date = dt.date(year or 2024, int(month) if month else _month(found["spoken_month"]), _day(day))
    return date.isoformat() if year else None


def _day(written: str) -> int:
    return 1 if written.lower() == "premier" else int(written.lower().removesuffix("er"))


def _month(name: str) -> int:
    return next(
        number for number, month in enumerate(MONTHS, 1) if re.fullmatch(month, name.rstrip("."), re.IGNORECASE)
    )


def _kind(text: str, date: re.Match[str]) -> DateKind:
    before = SENTENCE_END.split(text[max(0, date.start() - 90) : date.start()])[-1]
    after = SENTENCE_END.split(text[date.end() : date.end() + 40])[0]
    if BIRTH.search(before):
        return "birth"
    since = SINCE.search(before)
    if (since and (since["point"] or RANGE_AFTER.match(after))) or PERIOD.search(before):
        return "other"
    following = (sign for sign in SIGNS.finditer(after) if sign.lastgroup != "until")  # that is of a date to come
    nearest = [*SIGNS.finditer(before)][-1:] or list(following)[:1]
    return KINDS[nearest[0].lastgroup] if nearest else "other"
