"""Creates knowledge entries and cached answers for tests."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from functools import cache

from chat.core.events import Event
from chat.knowledge.files import BUNDLED, read_folder
from chat.models import KnowledgeEntry
from chat.storage.answer_cache import command_to_put
from observability.shared_redis import shared_redis

# The subjects of most questions in tests.
FAMILIAR = ("aeeh", "aesh", "cdaph", "dossier-mdph", "pch", "pps", "repit-aidants", "sessad")


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


def few_entries() -> None:
    """Save some of the bundled entries. To index all of them takes each worker of a server a second of CPU."""
    KnowledgeEntry.objects.bulk_create(copy(entry) for entry in _familiar_entries())


@cache
def _familiar_entries() -> list[KnowledgeEntry]:
    return [file.entry for file in read_folder(BUNDLED) if file.entry.slug in FAMILIAR]


def cache_answer(key: str, answer: Sequence[Event], cost_ms: int, *, warm: bool = False) -> bool:
    """Cache an answer, as a run does at its end. Returns whether it is stored."""
    command = command_to_put(key, answer, cost_ms, warm=warm)
    replies = shared_redis.send(command) if command else None
    return bool(replies and replies[0])
