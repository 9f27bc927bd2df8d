"""The events of an answer in little room."""

from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from chat.events import Delta, Event, Finish, Notice, Source, Start, text_of
from chat.runs.said import Said

PIECES = st.text(st.characters(codec=None), max_size=20).map(Delta)  # half emojis too
OTHERS = st.sampled_from([Start("model"), Source("1", "Titre", "https://a.fr"), Notice("help", "15", {}), Finish("ai")])
BOUND = st.none() | st.integers(-20, 20)


@given(st.lists(st.lists(PIECES | OTHERS)), BOUND, BOUND)
def test_it_is_a_list_of_what_was_said(batches: list[list[Event]], begin: int | None, end: int | None):
    said, plain = Said(), [event for batch in batches for event in batch]
    for batch in batches:
        said.extend(batch)
    assert list(said) == plain
    assert len(said) == len(plain)
    assert said[begin:end] == plain[begin:end]
    assert [said[number] for number in range(-len(plain), len(plain))] == plain * 2
    assert said.text == text_of(event for event in plain if isinstance(event, Delta))


def test_a_long_answer_takes_little_room():
    said = Said()
    for number in range(300):
        said.extend([Delta(f"mot {number:4} ")])
    assert sum(sys.getsizeof(part) for part in vars(said).values()) < 5_000
