"""Creates knowledge entries for tests."""

from __future__ import annotations

from chat.models import KnowledgeEntry


def new_entry(*questions: str) -> KnowledgeEntry:
    """A saved French entry with these questions, else with two. A server that finds it indexes no others: it starts
    in half the time, and the stand-in's answers are short."""
    return KnowledgeEntry.objects.create(
        slug="repit-essai",
        language="fr",
        topic="quotidien",
        title="Le répit",
        text="Du **repos** pour vous, près de chez vous.",
        questions=list(questions) or ["Comment souffler un peu ?", "Qui peut garder mon enfant le soir ?"],
        source_name="CNSA",
        source_url="https://www.cnsa.fr/",
        checked_on="2025-04-01",
    )
