"""EventBuffer behaves like a list of events and needs little memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chat.core.events import Delta, Event, Finish, Notice, Source, Start, text_of
from chat.runs.event_buffer import EventBuffer

DELTAS = st.text(st.characters(codec=None), max_size=20).map(Delta)  # includes lone surrogates
OTHERS = st.sampled_from([Start(), Source("1", "Titre", "https://a.fr"), Notice("help", "15", {}), Finish("ai")])
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


@given(st.lists(DELTAS | OTHERS))
def test_merged_events_have_the_same_text_and_the_same_others_at_the_same_places_in_it(events: list[Event]):
    buffer = EventBuffer()
    buffer.extend(events)
    merged = buffer.merged()
    assert list(_others_in_text(merged)) == list(_others_in_text(events))
    assert not any(isinstance(one, Delta) and isinstance(next_one, Delta) for one, next_one in pairwise(merged))
    assert buffer.has_text == any(isinstance(event, Delta) for event in events)


def _others_in_text(events: list[Event]) -> Iterator[tuple[str, Event | None]]:
    """Each event other than text, and the end, with all text before it."""
    text = ""
    for event in events:
        if isinstance(event, Delta):
            text += event.text
        else:
            yield text, event
    yield text, None


def test_long_answer_needs_less_than_5_kilobytes():
    buffer = EventBuffer()
    for number in range(300):
        buffer.extend([Delta(f"mot {number:4} ")])
    assert sum(sys.getsizeof(part) for part in vars(buffer).values()) < 5_000
