"""The numbers that a letter wants quoted. Social security numbers are known for what they are, and hidden."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stdnum.fr import nir

from chat.documents.facts import Reference, ReferenceKind
from chat.documents.text import on_one_line

LABELS: dict[ReferenceKind, str] = {
    "social_security": "sécurité sociale",
    "beneficiary": "allocataire",
    "form": "cerfa",
    "pupil": "élève",
    "candidate": "candidat",
    "member": "adhérent",
    "contract": "contrat",
    "invoice": "facture",
    "file": "dossier",
}
FEWEST_DIGITS = 3  # of a number that somebody gave to a file

# Sex, year, month, department, town, order, and the two digits of the key that may be left out.
SOCIAL_SECURITY = re.compile(
    r"(?<!\d)[1-478][ .]?\d\d[ .]?(?:0[1-9]|[1-9]\d)[ .]?(?:\d\d|2[AB])[ .]?\d{3}[ .]?\d{3}(?:[ .]?\d\d)?(?!\d)"
)
SPOKEN_OF = re.compile(r"sécu|\bassuré|immatriculation|\bNIR\b|\bN(?:°\s?)?SS\b", re.IGNORECASE)

NUMBERED = r"(?i:n[°ºo]|num[ée]ro)"
COLON = r"\s{0,2}:?\s{0,2}"
WORDS = r"(?:\s(?:[a-zà-ÿ'’]{1,14}|[A-ZÀ-Ý'’]{1,14})(?=[\s:])){0,5}"  # `à rappeler pour tout paiement`
QUOTED = r"(?=[A-Z/._ -]{0,12}\d)([A-Z\d](?:[A-Z\d/._-]{0,28}[A-Z\d])?(?:[ ](?:\d{2,6}|[A-Z])\b){0,4})"
# What is called by a number, and what may be called by one: a bare `décision : 2 mai` is none.
NAMED = r"(?i:dossier|r[ée]f(?:[ée]rences?)?\b\.?|identifiant)|IPP|RG"
MAY_BE_NUMBERED = (
    rf"{NAMED}|(?i:affaire|demande|notification|d[ée]cision|cr[ée]ance|requ[êe]te|proc[ée]dure|portalis|enregistrement)"
)
REFERENCES: dict[ReferenceKind, re.Pattern[str]] = {
    "beneficiary": re.compile(
        rf"\b(?:{NUMBERED}\s?(?i:d['’]|de\s)?(?i:allocataire)|(?i:allocataire)\s{NUMBERED}|(?i:matricule)){COLON}"
        r"(\d{1,2}\s\d{3}\s\d{3}(?:\s[A-Z]\b)?|\d{5,8}(?:\s?[A-Z]\b)?)"
    ),
    "form": re.compile(rf"\b(?i:cerfa)\s{{1,2}}(?:{NUMBERED}\s{{0,2}})?(\d{{5}}(?:\*\d\d)?)"),
    "pupil": re.compile(rf"\b(?:INE|{NUMBERED}\s?(?:INE|(?i:d['’])?(?i:élève))){COLON}{QUOTED}"),
    "candidate": re.compile(rf"\b{NUMBERED}\s(?i:de\s)?(?i:candidat){COLON}{QUOTED}"),
    "member": re.compile(
        rf"\b(?:{NUMBERED}\s?(?i:d['’])?(?i:adhérent)e?|(?i:adhérent)e?\s{NUMBERED}){COLON}{QUOTED}"
    ),
    "contract": re.compile(rf"\b(?i:contrat)(?:\s{NUMBERED}|\s{{0,2}}:|(?=\s[A-Z]?\d)){COLON}{QUOTED}"),
    "invoice": re.compile(rf"\b(?i:facture)\s{NUMBERED}{COLON}{QUOTED}"),
    "file": re.compile(
        rf"""
        (?<!\w)(?: (?:{MAY_BE_NUMBERED}){WORDS}\s{{0,2}}{NUMBERED}
            | {NUMBERED}\s{{0,2}}(?i:de\s|du\s|d['’])?(?i:la\s)?(?:{MAY_BE_NUMBERED}){WORDS}
            | (?:{NAMED}){WORDS}\s{{0,2}}(?=:) | (?:{NAMED})\s(?=[A-Z]{{0,4}}[\d/]) )
        {COLON}{QUOTED}
        """,
        re.VERBOSE,
    ),
}  # fmt: skip


def references_in(text: str) -> Iterator[Reference]:
    """The numbers to quote, by kind: who is insured first, the file last."""
    for found in SOCIAL_SECURITY.finditer(text):
        if _is_social_security(text, found):
            yield _reference("social_security", _hidden(found))
    text = discreet(text)
    for kind, pattern in REFERENCES.items():
        for found in pattern.finditer(text):
            if sum(map(str.isdigit, found[1])) >= FEWEST_DIGITS and not _is_date(found[1]):
                yield _reference(kind, found[1])


def discreet(text: str) -> str:
    """The text with every social security number hidden but for its end."""
    return SOCIAL_SECURITY.sub(lambda found: _hidden(found) if _is_social_security(text, found) else found[0], text)


def _reference(kind: ReferenceKind, text: str) -> Reference:
    return Reference(on_one_line(text), kind, LABELS[kind])


def _is_social_security(text: str, found: re.Match[str]) -> bool:
    """By its key; without one, or where it was misread, by the words before it."""
    return nir.is_valid(found[0]) or SPOKEN_OF.search(text[max(0, found.start() - 40) : found.start()]) is not None


def _hidden(number: re.Match[str]) -> str:
    """All but the last two digits as dots."""
    return re.sub(r"[\dAB](?=(?:[ .]?[\dAB]){2})", "•", number[0])


def _is_date(text: str) -> bool:
    return re.fullmatch(r"\d{1,2}([/.-])\d{1,2}\1\d{2,4}", text) is not None
