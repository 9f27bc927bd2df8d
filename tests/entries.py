"""Knowledge entries that tests work on."""

from __future__ import annotations

from chat.models import KnowledgeEntry


def new_entry() -> KnowledgeEntry:
    """A short one with two questions, saved."""
    return KnowledgeEntry.objects.create(
        slug="repit-essai",
        language="fr",
        topic="quotidien",
        title="Le répit",
        text="Du **repos** pour vous, près de chez vous.",
        questions=["Comment souffler un peu ?", "Qui peut garder mon enfant le soir ?"],
        source_name="CNSA",
        source_url="https://www.cnsa.fr/",
        checked_on="2025-04-01",
    )
