"""The parts of the search: postings, phrases, character n-grams, BM25 scores, and their memory."""

from __future__ import annotations

import tracemalloc

import pytest

from chat import knowledge
from chat.knowledge import paraphrase_classifier
from chat.knowledge.bm25 import BM25, FIELD_BOOSTS, NAME_BOOST, TIE_BREAKER, _quantised_length, dis_max
from chat.knowledge.char_ngrams import CharNgrams
from chat.knowledge.files import BUNDLED, read_folder
from chat.knowledge.knowledge_base import KnowledgeBase
from chat.knowledge.phrases import Phrases
from chat.knowledge.postings import Postings

TEXTS = ["un ane mange une banane", "l orthophoniste et la banane", "une ecole", "un college", "un lycee"]


def test_postings_return_the_rows_of_each_key_in_order() -> None:
    rows = [("b", 3, 0.5), ("a", 65_535, 2.0), ("b", 1, 0.25)]
    postings = Postings({"a": 1, "b": 2, "empty": 0}, rows)
    assert postings.get("a") == [(65_535, 2.0)]
    assert postings.get("b") == postings.get_by_hash(hash("b")) == [(3, 0.5), (1, 0.25)]
    assert postings.get("empty") == []
    assert postings.get("unknown") is None
    assert Postings({}, []).get("a") is None


def test_a_text_is_segmented_into_its_longest_phrases_and_single_words() -> None:
    phrases = Phrases([("a", "b"), ("a", "b", "c", "d"), ("b",)])
    words = ["a", "b", "c", "a", "b", "c", "d", "b", "a"]
    assert [words[segment] for segment in phrases.segment(words)] == [
        ["a", "b"],
        ["c"],
        ["a", "b", "c", "d"],
        ["b"],
        ["a"],
    ]
    assert phrases.may_occur_in(words)
    assert not phrases.may_occur_in(["c", "d"])


def test_the_similarity_of_a_text_to_itself_is_1_also_with_repeated_ngrams() -> None:
    ngrams = CharNgrams(TEXTS, ignored=frozenset({"un", "une", "l", "et", "la"}))
    for number, text in enumerate(TEXTS):
        similarities = ngrams.similarities(text.split())
        assert similarities[number] == pytest.approx(1.0)
        assert all(0 <= each < 1 for other, each in enumerate(similarities) if other != number)


def test_the_similarity_to_no_words_and_to_unknown_words_is_0() -> None:
    ngrams = CharNgrams(TEXTS, ignored=frozenset())
    assert ngrams.similarities([]) == ngrams.similarities(["xyzzy"]) == [0.0] * len(TEXTS)


def test_a_term_scores_by_its_best_field_and_as_the_name_of_an_entry() -> None:
    empty: dict[str, list[str]] = {field: [] for field in (*FIELD_BOOSTS, "name")}
    documents = [empty | {"text": ["aeeh"]}, empty | {"slug": ["aeeh"], "name": ["aeeh"]}, empty]
    in_text, in_slug, absent = BM25(documents).scores(["aeeh"])
    assert in_slug / in_text == pytest.approx((FIELD_BOOSTS["slug"] + NAME_BOOST) / FIELD_BOOSTS["text"])
    assert absent == 0
    assert BM25(documents).scores(["pch"]) == ()
    assert dis_max([1.0, 2.0]) == 2.0 + TIE_BREAKER


@pytest.mark.parametrize(
    ("length", "quantised"), [(0, 0), (39, 39), (40, 40), (41, 40), (57, 56), (59, 56), (87, 84), (95, 88), (631, 600)]
)
def test_field_lengths_are_quantised_as_in_lucene(length: int, quantised: int) -> None:
    assert _quantised_length(length) == quantised


def test_the_index_of_all_entries_takes_little_memory_also_while_it_is_built() -> None:
    entries = [file.entry for file in read_folder(BUNDLED)]
    knowledge.load_models()  # the lexicons, which workers share; the classifiers count
    paraphrase_classifier.for_language.cache_clear()
    tracemalloc.start()
    try:
        knowledge_base = KnowledgeBase(entries)
        retained, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert knowledge_base.entries
    assert retained / len(entries) < 40_000  # bytes; measured: 37,000, and 49,000 at its peak
    assert peak / len(entries) < 53_000
