"""Finds the sender of a letter among the organisations that write to families."""

from __future__ import annotations

import re

from chat.documents.facts import Sender, SenderKind

# Name and pattern of each organisation. Patterns match names only, not tasks: all senders write about the MDPH's tasks.
SENDERS: dict[SenderKind, tuple[str, str]] = {
    "mdph": ("MDPH", r"\bMDPH|\bMDA\b|maison départementale (?:des personnes handicapées|de l['’]autonomie)|\bCDAPH\b"),
    "caf": ("CAF", r"\bcaf\b|caisse d['’]allocations familiales"),
    "msa": ("MSA", r"\bMSA\b|mutualité sociale agricole"),
    "cpam": ("Assurance maladie", r"\bCPAM\b|assurance maladie"),
    "school": (
        "Éducation nationale",
        r"\bécole\b|\bcollège\b|\blycée\b|rectorat|académie de|éducation nationale|\b(?:DSDEN|CNED|PIAL)\b|maîtresse",
    ),
    "court": ("Tribunal", r"\btribunal\b|cour d['’]appel"),
    "department": ("Département", r"conseil départemental|\bdépartement d|conseil régional|\brégion [A-Z]"),
    "tax": ("Finances publiques", r"finances publiques|trésor public"),
    "town": ("Mairie", r"\bmairie\b|\bville de\b|\bCCAS\b"),
    "hospital": ("Hôpital", r"\bhôpital\b|centre hospitalier|\bCHU\b|\bCHR?U\b"),
    "care": (
        "Établissement médico-social",
        r"\bIME\b|\bSESSAD\b|\bCAMSP\b|\bCMPP\b|\bESAT\b|\bITEP\b|\bSAVS\b|foyer de vie",
    ),
}
ANY_SENDER = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, (_, pattern) in SENDERS.items()), re.IGNORECASE)
# With these words before the name, the organisation is mentioned and not the sender: `notifiée par la MDPH`.
MENTIONED = re.compile(
    r"\b(?:par|à|auprès de|décision de|notification de|contre|avec|dans|pour)\s(?:la |le |l['’]|une? |votre )?\Z",
    re.IGNORECASE,
)
MDPH_DECISION = re.compile(r"\bCDAPH\b|commission des droits et de l['’]autonomie")  # the MDPH sends its own decisions
HEAD_CHARACTERS, FOOT_CHARACTERS = 300, 200  # where letters name their sender


def find_sender(text: str) -> Sender | None:
    """The first sender named in the head, else in the foot; else the MDPH if its commission decides; else None."""
    for section in (text[:HEAD_CHARACTERS], text[max(HEAD_CHARACTERS, len(text) - FOOT_CHARACTERS) :]):
        for match in ANY_SENDER.finditer(section):
            kind = match.lastgroup
            if kind in SENDERS and not MENTIONED.search(section[: match.start()]):
                return Sender(kind, SENDERS[kind][0])
    return Sender("mdph", SENDERS["mdph"][0]) if MDPH_DECISION.search(text) else None
