"""`make paraphrases`: learns the weights of chat/knowledge/paraphrase_classifier.py. Needs scikit-learn."""

from __future__ import annotations

import gzip
from collections import Counter
from typing import Any, get_args

import django
import numpy as np
import orjson
from scipy.sparse import csr_matrix, diags
from sklearn.svm import LinearSVC

from benchmarks.knowledge.paraphrases import Paraphrase, digest, read, read_without_entry
from chat.core.language import Language

MIN_COUNT = 2  # paraphrases that must have a feature
INVERSE_REGULARISATION = 1.0
NO_ENTRY_CLASS_WEIGHT = 3.0  # of a question that no entry answers, against one that any does


def main() -> None:
    django.setup()
    from chat.knowledge import paraphrase_classifier  # noqa: PLC0415 needs Django

    for language in get_args(Language):
        rows = [row for row in read() + read_without_entry() if row.language == language]
        file = paraphrase_classifier.model_file(language)
        file.write_bytes(gzip.compress(learn(rows, language), 9, mtime=0))
        print(f"{language}: {len(rows)} questions, {file.stat().st_size // 1024} KB")


def learn(paraphrases: list[Paraphrase], language: Language) -> bytes:
    """One weight for each feature and class, in eight bits, after a line of JSON with all else."""
    from chat.knowledge import lexicon  # noqa: PLC0415 needs Django
    from chat.knowledge.paraphrase_classifier import NO_ENTRY, features_of  # noqa: PLC0415

    table = lexicon.for_language(language)
    texts = [table.replace_variants(table.expand_abbreviations(each.text)).split() for each in paraphrases]
    counted = [Counter(feature for word in text for feature in sorted(features_of(word))) for text in texts]
    document_frequency = Counter(feature for counts in counted for feature in counts)
    rows = {f: n for n, f in enumerate(f for f, count in document_frequency.items() if count >= MIN_COUNT)}
    idf = np.array([round(np.log(1 + len(texts) / document_frequency[feature]), 2) for feature in rows])
    slugs = [each.slug for each in paraphrases]
    sizes = Counter(slugs)
    class_weight = {slug: len(slugs) / (len(sizes) * size) for slug, size in sizes.items()}  # all classes weigh as much
    class_weight[NO_ENTRY] = NO_ENTRY_CLASS_WEIGHT
    model = LinearSVC(C=INVERSE_REGULARISATION, class_weight=class_weight, random_state=0)
    model.fit(_unit_vectors(counted, rows, idf), slugs)
    weights = model.coef_.T * idf[:, None]
    unit = np.abs(weights).max() / 127
    header: dict[str, Any] = {
        "paraphrases": digest(),
        "slugs": list(model.classes_),
        "features": list(rows),
        "idf": idf.tolist(),
        "bias": [round(float(each), 3) for each in model.intercept_],
        "unit": float(unit),
    }
    return orjson.dumps(header) + b"\n" + np.rint(weights / unit).astype(np.int8).tobytes()


def _unit_vectors(counted: list[Counter[str]], rows: dict[str, int], idf: Any) -> Any:
    """A word's features count each time it occurs; a text's length is the root of the summed squares of its words."""
    places = [(n, rows[f], count) for n, counts in enumerate(counted) for f, count in counts.items() if f in rows]
    texts, columns, counts = (np.array(each) for each in zip(*places, strict=True))
    matrix = csr_matrix((idf[columns] * counts, (texts, columns)), shape=(len(counted), len(rows)))
    squares = csr_matrix((idf[columns] ** 2 * counts, (texts, columns)), shape=matrix.shape)
    return diags(1 / np.sqrt(np.maximum(np.asarray(squares.sum(1)).ravel(), 1e-9))) @ matrix


if __name__ == "__main__":
    main()
