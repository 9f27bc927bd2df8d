"""What the search is made of: postings in little memory, phrases, likeness, the words' earnings."""

from __future__ import annotations

import tracemalloc

import pytest

from chat.knowledge.files import BUNDLED, read_folder
from chat.knowledge.library import Library
from chat.knowledge.phrases import Phrases
from chat.knowledge.postings import Postings
from chat.knowledge.shapes import Shapes
from chat.knowledge.terms import BOOSTS, ELSEWHERE, NAMED, Terms, _rounded, best_of

TEXTS = ["un ane mange une banane", "l orthophoniste et la banane", "une ecole", "un college", "un lycee"]


def test_postings_give_the_rows_of_each_text_in_their_order() -> None:
    rows = [("b", 3, 0.5), ("a", 65_535, 2.0), ("b", 1, 0.25)]
    postings = Postings({"a": 1, "b": 2, "none": 0}, rows)
    assert postings.of("a") == [(65_535, 2.0)]
    assert postings.of("b") == postings.at(hash("b")) == [(3, 0.5), (1, 0.25)]
    assert postings.of("none") == []
    assert postings.of("elsewhere") is None
    assert Postings({}, []).of("a") is None


def test_a_text_is_cut_into_its_longest_phrases_and_single_words() -> None:
    phrases = Phrases([("a", "b"), ("a", "b", "c", "d"), ("b",)])
    words = ["a", "b", "c", "a", "b", "c", "d", "b", "a"]
    assert [words[place] for place in phrases.cut(words)] == [["a", "b"], ["c"], ["a", "b", "c", "d"], ["b"], ["a"]]
    assert phrases.may_be_in(words)
    assert not phrases.may_be_in(["c", "d"])


def test_a_text_is_wholly_like_itself_however_often_its_pieces_come() -> None:
    shapes = Shapes(TEXTS, ignored=frozenset({"un", "une", "l", "et", "la"}))
    for number, text in enumerate(TEXTS):
        likeness = shapes.likeness(text.split())
        assert likeness[number] == pytest.approx(1.0)
        assert all(0 <= each < 1 for other, each in enumerate(likeness) if other != number)


def test_nothing_is_like_no_words_and_unknown_ones() -> None:
    shapes = Shapes(TEXTS, ignored=frozenset())
    assert shapes.likeness([]) == shapes.likeness(["xyzzy"]) == [0.0] * len(TEXTS)


def test_a_word_earns_in_its_best_field_and_by_its_name() -> None:
    empty: dict[str, list[str]] = {field: [] for field in (*BOOSTS, "name")}
    documents = [empty | {"text": ["aeeh"]}, empty | {"slug": ["aeeh"], "name": ["aeeh"]}, empty]
    in_text, in_slug, nowhere = Terms(documents).earned(["aeeh"])
    assert in_slug / in_text == pytest.approx((BOOSTS["slug"] + NAMED) / BOOSTS["text"])
    assert nowhere == 0
    assert Terms(documents).earned(["pch"]) == ()
    assert best_of([1.0, 2.0]) == 2.0 + ELSEWHERE


@pytest.mark.parametrize(
    ("length", "rounded"), [(0, 0), (39, 39), (40, 40), (41, 40), (57, 56), (59, 56), (87, 84), (95, 88), (631, 600)]
)
def test_long_fields_are_as_long_as_lucene_says(length: int, rounded: int) -> None:
    assert _rounded(length) == rounded


def test_the_index_of_all_entries_takes_little_memory_and_little_more_while_it_is_built() -> None:
    entries = [file.entry for file in read_folder(BUNDLED)]
    tracemalloc.start()
    try:
        library = Library(entries)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert library.entries
    assert held < 6e6  # bytes; it is 4
    assert peak < 9e6  # it is 7
