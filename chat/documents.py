"""A letter or a report that someone pastes or uploads: its text, and the facts that can be read from it without the AI.

`read` knows text for now; another kind of file is another reader. Every pattern has bounded repeats only, so that the
time taken grows with the length of the document and no faster.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import datetime as dt
import re
import unicodedata
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


class DocumentError(Exception):
    """A document that can't be used. `code` is `empty`, `unsupported_type` or `not_text`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


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
    """What a letter is about, each fact once: dates with deadlines first, the others in the order of the text."""

    dates: tuple[Date, ...]
    amounts: tuple[Amount, ...]
    references: tuple[Reference, ...]


Fact = TypeVar("Fact", Date, Amount, Reference)


# --- Reading ----------------------------------------------------------------------------------------------------------

# How files of other kinds begin. A reader for one of them takes its place here.
SIGNATURES = {
    b"%PDF": "PDF files",
    b"PK\x03\x04": "Word, OpenDocument and ZIP files",
    b"\xd0\xcf\x11\xe0": "old Word files",
    b"{\\rtf": "RTF files",
    b"\x89PNG": "images",
    b"\xff\xd8\xff": "images",
    b"GIF8": "images",
    b"II*\x00": "images",
    b"MM\x00*": "images",
}
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
SHORTEST_BASE64 = 24  # shorter than that it may be a word


def read(data: bytes | str, file_name: str) -> str:
    """The text of a document: UTF-8, UTF-16 or Latin-1 bytes, or pasted text, or the base64 of any of them.

    Raises DocumentError for what is empty and for what isn't text.
    """
    if isinstance(data, str):
        encoded = _from_base64(data)
        text = data if encoded is None else _decoded(encoded, file_name)
    else:
        text = _decoded(data, file_name)
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not text:
        raise DocumentError("empty", "The document has no text.")
    return text


def _from_base64(text: str) -> bytes | None:
    """What the text encodes; None when it is plain text."""
    text = text.strip()
    if text.startswith("data:"):
        text = text.partition(",")[2]
    if " " in text or len(text) < SHORTEST_BASE64:
        return None
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _decoded(data: bytes, file_name: str) -> str:
    for beginning, kind in SIGNATURES.items():
        if data.startswith(beginning):
            raise DocumentError("unsupported_type", f"{kind} can't be read yet: paste the text instead.")
    text = _characters(data)
    # Tabs, line ends and page breaks are all that a text needs.
    if any(unicodedata.category(character) == "Cc" and character not in "\t\n\r\f\v" for character in set(text)):
        raise DocumentError("not_text", "The document is not a text.")
    return text


def _characters(data: bytes) -> str:
    encodings = [encoding for mark, encoding in BYTE_ORDER_MARKS.items() if data.startswith(mark)]
    for encoding in (*encodings, "utf-8", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


# --- Facts ------------------------------------------------------------------------------------------------------------

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
        \b(?: (?i:dossier)\s{{0,2}}{NUMBERED} | {NUMBERED}\s{{0,2}}(?i:de\s|du\s)?(?i:dossier) | RG\s{{0,2}}{NUMBERED}
            | (?i:r[ée]f(?:[ée]rences?)?\b\.?)(?:\s(?i:à\srappeler))? )
        {COLON}({QUOTED})
        """,
        re.VERBOSE,
    ),
}

# What the words around a date say about it. The nearest words before it count, else those that follow.
SIGNS = re.compile(
    r"""
    (?P<until> avant\sle | jusqu['’ ]?(?:au?|en)\b | d['’]ici\s(?:le|au) | \bdu\b.{4,40}\bau\s{0,2}\Z )
  | (?P<deadline>
        au\splus\stard | date\slimite | dernier\s(?:délai|jour) | retourner | renvoyer | transmettre | parvenir
      | confirmer | expire | échéance | pren(?:d|nent|dra)\sfin | fin\sde\s(?:vos\s)?droits
    )
  | (?P<appointment>
        rendez-?\s?vous | \brdv\b | convoqu | entretien | réunion | audience | se\stiendra | aura\slieu | recevra
      | consultation | visite | à\s\d{1,2}\s?h
    )
  | (?P<decision> décision | décid | notifi | séance | accord | refus | reje[tc] )
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
