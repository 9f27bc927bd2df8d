"""Finds the reference numbers in a letter, by the words before them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice

from chat.documents.extraction.bare_codes import find_bare_codes
from chat.documents.extraction.code_columns import find_codes_in_columns
from chat.documents.extraction.days.written_days import DATE
from chat.documents.extraction.letter import Letter
from chat.documents.extraction.reference_labels import FILE, NOUNS, OF, REFERENCES, SIGN
from chat.documents.facts import Reference, ReferenceKind
from chat.documents.text import collapse_whitespace
from observability import masking

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
MIN_DIGITS = 3  # of a reference number; with letters, two are enough
MAX_NUMBERS = 100  # social security numbers shown; more than any letter has
MAX_MATCHES = 1000  # of one kind examined in a letter; more than any has

MAX_FOLLOWING = 10  # numbers behind one label
FOLLOWING = re.compile(r"(?:,|\set|\sou|\s&)\s(?:n°\s?)?([A-Z\d][A-Z\d/.-]{1,20}[A-Z\d])(?![\w/-])")
# By its form, also behind the label of a file, as in `N° client : 06 12 34 56 78`.
PHONE = re.compile(
    r"(?:0|00[ .]?33[ .]?)\d(?:[ ./-]\d\d){4}|0[ .][89]\d\d(?:[ .]\d\d\d){2}|080\d(?:[ .]\d\d){3}|3\d \d\d"
)
# Like it, but `0612345678` is also a number that begins with its département.
LIKE_A_PHONE = re.compile(r"0[67]\d{8}|0[89]\d\d(?:(?:[ .]\d\d\d){2}|(?:[ .]\d\d){3})")
OF_A_PAPER = re.compile(
    rf"(?<!\w)(?:{SIGN}{OF}(?:{FILE})|(?i:dossiers?|r[ée]f(?:[ée]rences?|s)?|facture|matricule|identifiant|sinistre|mandat"
    r"|affaire|contrat|adh[ée]rente?|candidate?|member|invoice|saisine|cr[ée]ance|commande|case|claim|policy|file|reference)\b)"
)
OF_A_PERSON = re.compile(
    r"\b(?:(?<!dossier\s)clients?|services?|contacts?|t[ée]l\w*|renseignements?|informations?|par|avec|mme|m\.|joi[gn]\w+)(?!\w)",
    re.IGNORECASE,
)
CONTACT_FOR = re.compile(r"\b(?:contacts?|service)\s(?:(?:pour|du|de|le|votre)\s)*\Z", re.IGNORECASE)
LANDLINE = re.compile(r"0\d{9}")  # behind `Service client :`, else it may be a file
OF_A_SERVICE = re.compile(r"\bservices?\s(?:clients?|usagers?|consommateurs?|abonn[ée]s?)\s?:\s{0,3}\Z", re.IGNORECASE)
YEAR = re.compile(r"(?:19|20)\d\d(?:[-/]20\d\d)?")
COUNTED = re.compile(r"\s(?:heures?|h|jours?|mois|ans?|km|s[ée]ances?|pages?|enfants?|personnes?|minutes?|points?)\b")
MAX_BEFORE_NOUN = 40
MAX_BEHIND_NOUN = 240
OFFICIAL: set[ReferenceKind] = {"form", "pupil"}
# Before a number that names a law or a firm, not a file.
NO_REFERENCE = re.compile(
    r"\b(?:mot\sde\spasse|libre\sr[ée]ponse|loi|d[ée]cret|article|arr[êe]t[ée]\sdu|instruction|note\sde\sservice|imprim[ée]|formulaire|mod[èe]le|conventionn[ée]e?\ssous\sle|menu|digicode|version|lppr?|am|code\s(?:barres?|pin|wifi|d'acc[èe]s|confidentiel|[ée]tablissement|secret)|d[ée]lib[ée]ration|circulaire|cerfa|annexe|ordonnance"
    r"|assurance\sd[ée]cennale|agr[ée]ment|licence|activit[ée]|t[ée]l[ée]phone|portable|fax|standard|poste|vert|tva|naf|ape"
    r"|s[ée]curit[ée]\ssociale|convention\scollective|rue|lot|b[âa]timent|chambre|postale?|salle|siret|siren"
    r"|finess|ics|rpps|adeli|iban|rcs|t[ée]l|uai|ine|art|nhs|avs|nas|niss|num[ée]ro\snational|ssn|mobile|gsm|phone|whatsapp)\b[^\n:]{0,12}(?::\s{0,3})?\Z",
    re.IGNORECASE,
)
# A sum that others are compared with: `Revenu fiscal de référence : 23 456`.
OF_COMPARISON = re.compile(
    r"\b(?:revenus?|ressources|salaires?|traitement|montants?|taxes?|prix|tarifs?|quotient|plafonds?|loyers?|co[ûu]ts?|budget|base|assiette|valeur|indice"
    r"|taux|d[ée]penses?|cotisations?|imp[ôo]ts?|pensions?|rentes?)"
    r"[ ](?:(?!de\sr|num|code|dossier|n°)\w[\w'.-]{0,13}[ ]){0,3}de\sr[ée]f[ée]rence\b[^\n\d]{0,45}\Z",
    re.IGNORECASE,
)
# The insurance of a firm: `Assurance de la professionnelle : MACSF n° 5578120`.
OF_A_PROFESSIONAL = re.compile(
    r"\bassur[^\n]{0,30}\b(?:professionnel|praticien|entreprise|responsabilit)|\bRC\s?pro|responsabilit[ée]\scivile\sprof|garantie\sd[ée]cennale",
    re.IGNORECASE,
)


def find_references(letter: Letter) -> Iterator[Reference]:
    """The reference numbers: social security numbers first, then the kinds in the order of REFERENCES."""
    text = letter.text
    numbers = [found for found in masking.find(text) if found.kind in masking.NUMBERS_OF_PERSONS]
    for number in islice((found for found in numbers if found.kind == "nir"), MAX_NUMBERS):
        yield _reference("social_security", masking.dotted(text[number.start : number.end]))
    if numbers:
        letter = Letter(masking.hide(text, numbers))
    taken: set[tuple[int, int]] = set()
    for kind, pattern in REFERENCES.items():
        for match in islice(_matches(kind, pattern, letter.plain), MAX_MATCHES):
            start, end = match.span(match.lastindex or 0)
            any_noun = match.groupdict().get("any_noun") is not None
            if (start, end) in taken:
                continue
            if kind not in OFFICIAL and not _is_reference(letter.plain, match.start(), start, end, any_noun=any_noun):
                continue
            taken.add((start, end))
            yield _reference(kind, letter.original(start, end))
            for another in _others_of_the_kind(letter.plain, start, end):
                taken.add(another)
                yield _reference(kind, letter.original(*another))
    labelled = {place for start, end in taken for place in range(start, end)}
    for start, end in islice(chain(find_codes_in_columns(letter.plain), find_bare_codes(letter.plain)), MAX_MATCHES):
        if start not in labelled and _is_reference(letter.plain, start, start, end, any_noun=False):
            labelled.update(range(start, end))
            yield _reference("file", letter.original(start, end))


def _matches(kind: ReferenceKind, pattern: re.Pattern[str], plain: str) -> Iterator[re.Match[str]]:
    """The matches of a kind; of a rare one only around its nouns, which takes a tenth of the time."""
    if kind not in NOUNS:
        yield from pattern.finditer(plain)
        return
    end = 0
    for noun in NOUNS[kind].finditer(plain):
        if noun.start() < end:
            continue
        for match in pattern.finditer(plain, max(end, noun.start() - MAX_BEFORE_NOUN), noun.end() + MAX_BEHIND_NOUN):
            yield match
            end = match.end()


def _others_of_the_kind(plain: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The numbers of the same form that follow: `factures n° 2026-118, |2026-119| et |2026-120|`."""
    form = _form(plain[start:end])
    for _ in range(MAX_FOLLOWING):
        following = FOLLOWING.match(plain, end)
        if not following or _form(following[1]) != form:
            return
        yield following.span(1)
        end = following.end(1)


def _form(number: str) -> str:
    return re.sub(r"[A-Za-z]", "A", re.sub(r"\d", "9", number))


def _reference(kind: ReferenceKind, text: str) -> Reference:
    return Reference(collapse_whitespace(text), kind, LABELS[kind])


def _is_phone(number: str, before: str) -> bool:
    is_of_a_service = LANDLINE.fullmatch(number) and OF_A_SERVICE.search(before)
    return bool(PHONE.fullmatch(number) or is_of_a_service)


def _is_of_a_person(plain: str, label: int, start: int) -> bool:
    """Whether a number like that of a telephone stands behind somebody to call rather than behind a paper."""
    words = plain[label:start]
    if not words:  # in a column of references
        return False
    if not OF_A_PAPER.search(words) or OF_A_PERSON.search(words):
        return True
    return CONTACT_FOR.search(plain, max(0, label - 40), label) is not None


def _is_reference(plain: str, label: int, start: int, end: int, *, any_noun: bool) -> bool:
    number = plain[start:end]
    if DATE.fullmatch(number):
        return False
    if re.match(r"\s?(?:[€$£]|euros?\b|%|\*)|,\d", plain[end : end + 8]):
        return False
    if (YEAR.fullmatch(number) and not any_noun) or COUNTED.match(plain, end):
        return False
    before = plain[max(0, label - 30) : start]
    if _is_phone(number, before) or (LIKE_A_PHONE.fullmatch(number) and _is_of_a_person(plain, label, start)):
        return False
    digits = sum(map(str.isdigit, number))
    has_more = re.search(r"[A-Z/.-]| (?:bis|ter)\Z", number) is not None
    if digits < (MIN_DIGITS if has_more or not any_noun else MIN_DIGITS + 1) and not (digits == 2 and len(number) >= 6):
        return False
    line = plain[max(0, start - 80) : start].rpartition("\n")[2]
    return not (NO_REFERENCE.search(before) or OF_COMPARISON.search(line) or OF_A_PROFESSIONAL.search(line))
