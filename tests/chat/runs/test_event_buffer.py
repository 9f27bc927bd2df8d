"""EventBuffer behaves like a list of events and needs little memory."""

from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from chat.core.events import Delta, Event, Finish, Notice, Source, Start, text_of
from chat.runs.event_buffer import EventBuffer

DELTAS = st.text(st.characters(codec=None), max_size=20).map(Delta)  # includes lone surrogates
OTHERS = st.sampled_from([Start("model"), Source("1", "Titre", "https://a.fr"), Notice("help", "15", {}), Finish("ai")])
BOUND = st.none() | st.integers(-20, 20)


@given(st.lists(st.lists(DELTAS | OTHERS)), BOUND, BOUND)
def test_buffer_behaves_like_a_list_of_events(batches: list[list[Event]], begin: int | None, end: int | None):
    buffer, expected = EventBuffer(), [event for batch in batches for event in batch]
    for batch in batches:
        buffer.extend(batch)
    assert list(buffer) == expected
    assert len(buffer) == len(expected)
    assert buffer[begin:end] == expected[begin:end]
    assert [buffer[index] for index in range(-len(expected), len(expected))] == expected * 2
    assert buffer.text == text_of(event for event in expected if isinstance(event, Delta))


def test_long_answer_needs_less_than_5_kilobytes():
    buffer = EventBuffer()
    for number in range(300):
        buffer.extend([Delta(f"mot {number:4} ")])
    assert sum(sys.getsizeof(part) for part in vars(buffer).values()) < 5_000
