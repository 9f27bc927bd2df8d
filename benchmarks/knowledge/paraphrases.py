"""`make paraphrases`: collects the words of all paraphrases by entry, for one field of the search.

The paraphrases are the calm questions that also train the detection of distress, and those of `paraphrases*.jsonl`, one
file for each author or group of authors: new ones belong there. The questions of `no_entry_*.jsonl`, which no entry
answers, train the classifier alone: a new entry may answer some of them, then these must go; a paraphrase of another
entry that it answers better becomes its own. Run it after a change of any of these files, or of a lexicon.
"""

from __future__ import annotations

import gzip
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import django
import orjson

FOLDER = Path(__file__).parent
SOURCES = (
    *sorted(FOLDER.glob("paraphrases*.jsonl")),
    FOLDER.parent / "distress" / "sentences" / "train_questions.jsonl",
)
NO_ENTRY_SOURCES = sorted(FOLDER.glob("no_entry_*.jsonl"))


class Paraphrase(NamedTuple):
    language: str
    slug: str  # empty when no entry answers the question
    text: str


Words = dict[str, dict[str, str]]  # by language and slug; sorted, each as often as it occurs


def read() -> list[Paraphrase]:
    """All different ones, sorted."""
    return _read(SOURCES)


def read_without_entry() -> list[Paraphrase]:
    """All different questions that no entry answers, sorted."""
    return _read(NO_ENTRY_SOURCES)


def digest() -> str:
    """Tells whether a model was learned from the present questions."""
    return hashlib.sha256(orjson.dumps(list(map(tuple, read() + read_without_entry())))).hexdigest()


def _read(files: Iterable[Path]) -> list[Paraphrase]:
    rows = map(orjson.loads, chain.from_iterable(path.read_bytes().splitlines() for path in files))
    return sorted({Paraphrase(row["lang"], row.get("entry", ""), row["text"]) for row in rows})


def collect() -> Words:
    """The words of all paraphrases, normalised as the search does, without stop words."""
    from chat.knowledge import lexicon  # noqa: PLC0415 needs Django

    words: dict[tuple[str, str], list[str]] = defaultdict(list)
    for language, slug, text in read():
        table = lexicon.for_language(language)
        words[language, slug] += (word for word in table.normalise(text).split() if word not in table.stop_words)
    collected: Words = defaultdict(dict)
    for (language, slug), each in words.items():
        collected[language][slug] = " ".join(sorted(each))
    return collected


def main() -> None:
    django.setup()
    from chat.knowledge import lexicon  # noqa: PLC0415 needs Django

    words = collect()
    lexicon.PARAPHRASES.write_bytes(gzip.compress(orjson.dumps(words), 9, mtime=0))
    counts = {language: sum(len(each.split()) for each in by_slug.values()) for language, by_slug in words.items()}
    print(f"words: {counts}, {lexicon.PARAPHRASES.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
