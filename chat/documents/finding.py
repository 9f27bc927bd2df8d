"""The dates, amounts and references in a letter, found without the AI.

Every pattern has bounded repeats only, so that the time taken grows with the length of the document and no faster.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Literal, TypeVar

DateLabel = Literal["échéance", "rendez-vous", "décision", ""]
ReferenceKind = Literal["dossier", "allocataire", "cerfa", "sécurité sociale"]

# Facts are looked for in so much of a document: some sixty pages, more dates than any of them has.
CHARACTERS = 200_000
MOST_DATES = 500
MOST_OF_A_KIND = 50


@dataclass(frozen=True, slots=True)
class Date:
    """A date or a delay as it is written; `iso` where day, month and year are known."""

    text: str
    iso: str | None
    label: DateLabel


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount in euros as it is written, with its period if any; `value` is a decimal number such as `1234.56`."""

    text: str
    value: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A number to quote. Of a social security number all but the last two digits are hidden."""

    text: str
    kind: ReferenceKind


@dataclass(frozen=True, slots=True)
class Facts:
    """What a letter is about, each fact once: deadlines first among the dates, references by kind."""

    dates: tuple[Date, ...]
    amounts: tuple[Amount, ...]
    references: tuple[Reference, ...]


Fact = TypeVar("Fact", Date, Amount, Reference)

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
NUMBER = r"(?:\d{1,3}|un|une|deux|trois|quatre|six|huit|dix|quinze|trente)"

DATE = re.compile(
    rf"""
    (?<![\w/.-])(?:
        (?P<iso_year>\d{{4}})-(?P<iso_month>\d\d)-(?P<iso_day>\d\d)
      | (?P<day>\d{{1,2}})(?P<mark>[/.-])(?P<month>\d{{1,2}})(?P=mark)(?P<year>\d{{4}}|\d\d)
      | (?P<spoken_day>\d{{1,2}}|1\s?er)\s{{1,3}}(?P<spoken_month>{MONTH})(?:\s{{1,3}}(?P<spoken_year>\d{{4}}))?
      | {MONTH}\s{{1,3}}\d{{4}}
    )(?![\w/-]|\.\d)
  | \b(?P<delay>(?:délai\s(?:maximum\s)?(?:de|d')|dans\sles|sous)\s{{0,3}}{NUMBER}\s{{1,3}}(?:jours?|semaines?|mois)\b)
    """,
    re.IGNORECASE | re.VERBOSE,
)
AMOUNT = re.compile(
    r"""
    (?<![\w.,])
    (?P<whole>\d{1,3}(?:[ .\u00a0\u202f]\d{3}){1,3}|\d{1,9})(?:[,.](?P<cents>\d{1,2}))?
    [ \u00a0\u202f]?(?:€|euros?\b|EUR\b)
    (?:\s?(?:/|par)\s?(?:mois|an|jour|heure|semaine|trimestre)\b)?
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Sex, year, month, department, town, order, and the two digits of the key that may be left out.
SOCIAL_SECURITY = re.compile(
    r"(?<!\d)[1-478]\s?\d\d\s?(?:0[1-9]|[1-9]\d)\s?(?:\d\d|2[AB])\s?\d{3}\s?\d{3}(?:\s?\d\d)?(?!\d)"
)
QUOTED = r"(?=[A-Z/._-]{0,12}\d)[A-Z\d](?:[A-Z\d/._-]{1,28}[A-Z\d])(?:[ ](?:\d{2,6}|[A-Z])\b){0,4}"
NUMBERED = r"(?i:n[°o]|num[ée]ro)"
COLON = r"\s{0,2}:?\s{0,2}"
REFERENCES: dict[ReferenceKind, re.Pattern[str]] = {
    "sécurité sociale": re.compile(f"({SOCIAL_SECURITY.pattern})"),
    "allocataire": re.compile(
        rf"\b(?:{NUMBERED}\s?(?i:d['’]|de\s)?(?i:allocataire)|(?i:allocataire)\s{NUMBERED})"
        rf"{COLON}(\d{{5,8}}(?: ?[A-Z]\b)?)"
    ),
    "cerfa": re.compile(rf"\b(?i:cerfa)\s{{1,2}}(?:{NUMBERED}\s{{0,2}})?(\d{{5}}(?:\*\d\d)?)"),
    "dossier": re.compile(
        rf"""
        \b(?: (?i:dossier)\s{{0,2}}(?:{NUMBERED}|(?=:)) | {NUMBERED}\s{{0,2}}(?i:de\s|du\s)?(?i:dossier)
            | RG\s{{0,2}}{NUMBERED} | (?i:r[ée]f(?:[ée]rences?)?\b\.?)(?:\s(?i:à\srappeler))? )
        {COLON}({QUOTED})
        """,
        re.VERBOSE,
    ),
}

# What the words around a date say about it. The nearest words before it count, else those that follow.
SIGNS = re.compile(
    r"""
    (?P<until>
        \bavant\b | jusqu['’ ]?(?:au?|en)\b | d['’]ici\s(?:le|au) | \bpour\sle\s{0,2}\Z | \bdu\b.{4,40}\bau\s{0,2}\Z
    )
  | (?P<deadline>
        au\splus\stard | date\slimite | dernier\s(?:délai|jour) | retourner | renvoyer | transmettre | parvenir
      | confirmer | expire | échéance | pren(?:d|nent|dra)\sfin | fin\sde\s(?:vos\s)?droits
    )
  | (?P<appointment>
        rendez-?\s?vous | \brdv\b | convoqu | entretien | réunion | audience | se\stiendra | aura\slieu | recevra
      | consultation | visite | à\s\d{1,2}\s?h
    )
  | (?P<decision>
        décision | décid | notifi | en\sséance | séance\sdu | se\sprononce | \bavis\b | accord | refus | reje[tc]
    )
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
LABELS: dict[str | None, DateLabel] = {
    "until": "échéance",
    "deadline": "échéance",
    "appointment": "rendez-vous",
    "decision": "décision",
}
URGENCY: list[DateLabel] = ["échéance", "rendez-vous", "décision", ""]
# From when something holds: `à compter du |1er mai`, `du |1er mai| au 30 juin`.
SINCE_BEFORE = re.compile(r"\b(?P<point>(?:compter|partir)\s)?du\s{0,2}\Z", re.IGNORECASE)
RANGE_AFTER = re.compile(r"\s{1,3}(?:au|et\sjusqu)\b", re.IGNORECASE)
SENTENCE_END = re.compile(r"[.;!?]\s|\n\s{0,3}(?=[\nA-ZÀÉÊ])")


def facts(text: str) -> Facts:
    """The dates, amounts and references of a French letter, at most `MOST_OF_A_KIND` of each."""
    text = text[:CHARACTERS]
    dates = sorted(islice(_dates(text), MOST_DATES), key=lambda date: (URGENCY.index(date.label), date.iso or "9999"))
    return Facts(
        dates=_once(dates, key=lambda date: date.iso or date.text.lower()),
        amounts=_once(_amounts(text), key=lambda amount: amount.value),
        references=_once(_references(text), key=lambda reference: reference.text),
    )


def _dates(text: str) -> Iterator[Date]:
    for found in DATE.finditer(text):
        if found["delay"]:
            yield Date(_tidy(found[0]), None, "échéance")
            continue
        try:
            iso = _iso(found)
        except ValueError:  # the 31st of February
            continue
        yield Date(_tidy(found[0]).rstrip("."), iso, _label(text, found))


def _iso(found: re.Match[str]) -> str | None:
    """The day meant; None without a day or a year. Raises ValueError when there is no such day."""
    if found["iso_year"]:
        year, month, day = int(found["iso_year"]), int(found["iso_month"]), int(found["iso_day"])
    elif found["day"]:
        year, month, day = int(found["year"]), int(found["month"]), int(found["day"])
        year += 0 if year > 99 else 2000 if year < 50 else 1900
    elif found["spoken_day"]:
        year, month, day = (
            int(found["spoken_year"] or 0),
            _month(found["spoken_month"]),
            int(found["spoken_day"][:2].rstrip(" e")),
        )
    else:
        return None
    date = dt.date(year or 2024, month, day)  # of the unknown years, one that has a 29th of February
    return date.isoformat() if year else None


def _month(name: str) -> int:
    return next(
        number for number, month in enumerate(MONTHS, 1) if re.fullmatch(month, name.rstrip("."), re.IGNORECASE)
    )


def _label(text: str, date: re.Match[str]) -> DateLabel:
    before = SENTENCE_END.split(text[max(0, date.start() - 90) : date.start()])[-1]
    after = SENTENCE_END.split(text[date.end() : date.end() + 40])[0]
    since = SINCE_BEFORE.search(before)
    if since and (since["point"] or RANGE_AFTER.match(after)):
        return ""
    following = (sign for sign in SIGNS.finditer(after) if sign.lastgroup != "until")  # that is of a date to come
    nearest = [*SIGNS.finditer(before)][-1:] or list(following)[:1]
    return LABELS[nearest[0].lastgroup] if nearest else ""


def _amounts(text: str) -> Iterator[Amount]:
    for found in AMOUNT.finditer(text):
        whole = re.sub(r"\D", "", found["whole"])
        yield Amount(_tidy(found[0]), str(Decimal(f"{whole}.{found['cents']}" if found["cents"] else whole)))


def _references(text: str) -> Iterator[Reference]:
    for kind, pattern in REFERENCES.items():
        for found in pattern.finditer(text):
            yield Reference(SOCIAL_SECURITY.sub(_hidden, _tidy(found[1])), kind)


def _hidden(number: re.Match[str]) -> str:
    """All but the last two digits as dots."""
    return re.sub(r"[\dAB](?=(?:\s?[\dAB]){2})", "•", number[0])


def _tidy(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _once(facts: Iterable[Fact], key: Callable[[Fact], str]) -> tuple[Fact, ...]:
    first: dict[str, Fact] = {}
    for fact in facts:
        first.setdefault(key(fact), fact)
    return tuple(islice(first.values(), MOST_OF_A_KIND))
