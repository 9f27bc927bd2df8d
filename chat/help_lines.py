"""Whom to call, always one tap away; and the signs in a question that bring them forward."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import override

from chat.questions import Language


@dataclass(frozen=True, slots=True)
class HelpLine:
    """One number, and what it is for."""

    number: str
    name: str


def all_lines(language: Language) -> list[HelpLine]:
    """The help lines of France, the most urgent first."""
    with override(language):
        return [
            HelpLine("15", _("Medical emergency (SAMU)")),
            HelpLine("112", _("Any emergency, in all of Europe")),
            HelpLine("114", _("Emergency by text message, for deaf people and those who can't speak")),
            HelpLine("3114", _("Suicidal thoughts: somebody listens, day and night")),
            HelpLine("119", _("A child in danger")),
            HelpLine("3919", _("Violence against women")),
            HelpLine("3018", _("Bullying at school or online")),
            HelpLine("0 800 360 360", _("Disability: someone near you who looks for a solution with you")),
        ]


def as_markdown(language: Language) -> str:
    """All of them as a Markdown list."""
    return "\n".join(f"- **{line.number}** – {line.name}" for line in all_lines(language))


def called_for(question: str, language: Language) -> str:
    """What must be said before anything else when a question sounds like distress; empty when it doesn't.

    Better once too often: the words below also occur in calm questions, and nobody is hurt by a number.
    """
    if not _DISTRESS.search(_folded(question)):
        return ""
    with override(language):
        return _(
            "What you are going through sounds very hard, and you are not alone with it. "
            "If someone is in danger, call **15** or **112** now. "
            "At **3114** somebody listens, day and night, free of charge; for a child in danger it is **119**."
        )


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("\u2019", "'"))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


_DISTRESS = re.compile(
    r"\bsuicid"
    r"|\b(?:me|se) (?:tuer|pendre|foutre en l'air|jeter (?:sous|par))"
    r"|\b(?:me|se|lui|leur) faire (?:du )?mal"
    r"|\b(?:veu[xt]|voudrais|envie d[e']|pense [ae]) ?(?:en finir|mourir|disparaitre)"
    r"|\bmettre fin a (?:mes|ses|nos) jours"
    r"|\bplus (?:envie de )?vivre"
    r"|\benvie de (?:le|la|les) (?:tuer|frapper|secouer|jeter)"
    r"|\b(?:je )?n'?en peu[xt] (?:vraiment )?plus|\bj'?en peu[xt] plus"
    r"|\b(?:il|elle|mari|pere|compagnon|conjoint|femme|mere) (?:(?:me|nous|le|la|les) )?(?:frappe|bat|viole|menace)\b"
    r"|\b(?:kill|hurt|harm) (?:myself|himself|herself|themselves|my (?:child|son|daughter))"
    r"|\b(?:want to|going to) (?:die|end it)|\bend my life|\b(?:don'?t|not) want to live"
    r"|\bcan'?t (?:take|cope with) (?:it|this) any ?more"
)
