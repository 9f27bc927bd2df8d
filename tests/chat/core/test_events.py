"""Events: their encoding in cached answers and run logs."""

from __future__ import annotations

import orjson

from chat.core import events
from chat.core.events import Degraded, Delta, Event, Finish, Notice, Source, Start, Usage

ANSWER: list[Event] = [
    Start(),
    Delta("Bonjour"),
    Source("1", "MDPH", "https://example.org"),
    Notice("help", "Appelez le 15.", {"number": "15"}),
    Finish(
        "ai", degraded=Degraded("timeout", 30), suggestions=("Et après ?",), usage=Usage(1, 2), generation={"at": 1}
    ),
]


def test_decode_is_the_inverse_of_encode():
    assert events.decode(events.encode(ANSWER)) == ANSWER


def test_generation_trace_is_stored_as_making():
    ((_, fields),) = orjson.loads(events.encode(ANSWER[-1:]))
    assert fields["making"] == {"at": 1}
    assert "generation" not in fields


def test_lone_surrogates_are_encoded_as_question_marks():
    degraded = Degraded("timeout", 30)

    def answer(text: str) -> list[Event]:
        notice = Notice("facts", text, {"references": [{"label": text}]})
        finish = Finish("ai", degraded=degraded, suggestions=(text,), usage=Usage(1, 2), generation={"model": text})
        return [Delta(text), Source("1", text, ""), notice, finish]

    assert events.decode(events.encode(answer("Oh \ud83d"))) == answer("Oh ?")


def test_decode_ignores_unknown_fields_of_a_finish():
    ((code, fields),) = orjson.loads(events.encode([Finish("ai")]))
    assert events.decode(orjson.dumps([(code, {**fields, "new": 1})])) == [Finish("ai")]


def test_decode_drops_what_a_later_release_writes_and_keeps_the_positions():
    rows = [
        *([code, {**fields, "new": 1}] for code, fields in orjson.loads(events.encode(ANSWER))),
        ["z", {"anything": [1]}],
        ["d", {"text": "after", "new": {}}],
    ]
    assert events.decode(orjson.dumps(rows)) == [*ANSWER, Delta(""), Delta("after")]
