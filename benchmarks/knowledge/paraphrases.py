"""`make paraphrases`: collects the words of all paraphrases by entry, for one field of the search.

The paraphrases are the calm questions that also train the detection of distress, and those of `paraphrases.jsonl`:
new ones belong there, and those of the entries whose readers rarely write calmly. Run it after a change of either, or
of a lexicon.
"""

from __future__ import annotations

import gzip
from collections import defaultdict
from itertools import chain
from pathlib import Path

import django
import orjson

SOURCES = (
    Path(__file__).with_name("paraphrases.jsonl"),
    Path(__file__).parents[1] / "distress" / "sentences" / "train_questions.jsonl",
)

Words = dict[str, dict[str, str]]  # by language and slug; sorted, each as often as it occurs


def collect() -> Words:
    """The words of all paraphrases, normalised as the search does, without stop words."""
    from chat.knowledge import lexicon  # noqa: PLC0415 needs Django

    words: dict[tuple[str, str], list[str]] = defaultdict(list)
    rows = map(orjson.loads, chain.from_iterable(path.read_bytes().splitlines() for path in SOURCES))
    for language, slug, text in sorted({(row["lang"], row["entry"], row["text"]) for row in rows}):
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
