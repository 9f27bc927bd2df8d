"""Five hundred questions to a service that thinks, cuts, filters, refuses, fails or answers well, as chance has it."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from chat.core.question import Question
from chat.pipeline import question_answering
from chat.storage import answer_cache
from chat.upstream import breaker_registry, retry
from tests.chat.upstream.scenarios import DONE, frame, part, words
from tests.support.fake_upstream import CHUNKED, END, chunk, head

pytestmark = pytest.mark.django_db(transaction=True)

QUESTIONS = 500
SECRET = "pensée-secrète"
WORDS = "Vous pouvez demander l'aide à la MDPH 😀 avant la fin du mois [1] , sinon : <b>non</b> ; voilà .".split()  # noqa: SIM905


@dataclass(frozen=True)
class Reply:
    """What the service sends, the words in it that are an answer, and whether it says that they are whole."""

    data: bytes
    text: str
    is_whole: bool


def tagged(rng: random.Random) -> list[bytes]:
    opening, closing = rng.choice([("<think>", "</think>"), ("<thinking>", "</thinking>"), ("[THINK]", "[/THINK]"),
                                   ("◁think▷", "◁/think▷"), ("Okay, the user asks. ", "</think>")])  # fmt: skip
    thought = f"{opening}{SECRET} {SECRET}{closing}"
    cuts = sorted(rng.sample(range(1, len(thought)), rng.randint(0, 4)))
    return [words(thought[start:end]) for start, end in zip([0, *cuts], [*cuts, len(thought)], strict=True)]


def in_fields(rng: random.Random) -> list[bytes]:
    field = rng.choice(["reasoning_content", "reasoning", "thinking"])
    return [words(rng.choice([None, ""]), **{field: SECRET}) for _ in range(rng.randint(1, 3))]


def in_parts(rng: random.Random) -> list[bytes]:
    return [words([part("thinking", thinking=[part("text", text=SECRET)])])]


THOUGHTS: list[Callable[[random.Random], list[bytes]]] = [lambda rng: [], tagged, in_fields, in_parts]
NOT_WHOLE = [
    [words("", "length"), DONE],
    [words("", "content_filter"), DONE],
    [words("", "SAFETY"), DONE],
    [words("", "tool_calls"), DONE],
    [words("", "a word of tomorrow"), DONE],
    [words(None, refusal="Non."), words("", "stop"), DONE],
    [DONE],
    [],
    [b"event: error\ndata: {}\n\n", DONE],
    [frame(error={"message": SECRET}), DONE],
    [words("", "stop"), frame(error={"message": SECRET})],
    [words("<think>" + SECRET), words("", "length"), DONE],
]
WHOLE = [
    [words("", "stop"), DONE],
    [words("", "end_turn")],
    [words("", "STOP"), frame(choices=[], usage={"prompt_tokens": 1.5}), DONE],
]
REFUSALS = [(400, "request"), (500, "service"), (429, "service")]


def reply_of(rng: random.Random) -> Reply:
    if rng.random() < 0.08:
        status, message = rng.choice(REFUSALS)
        data = json.dumps({"error": {"message": SECRET, "type": message}}).encode()
        return Reply(head(f"{status} No", f"Content-Length: {len(data)}") + data, "", is_whole=False)
    is_whole = rng.random() < 0.4
    said = [f"{rng.choice(WORDS)} " for _ in range(rng.randint(1 if is_whole else 0, 12))]
    pieces = [*rng.choice(THOUGHTS)(rng), *map(words, said), *rng.choice(WHOLE if is_whole else NOT_WHOLE)]
    if not is_whole and not said and rng.random() < 0.5:
        pieces = rng.choice(THOUGHTS)(rng) + WHOLE[0]  # a thought alone
    body = b"".join(pieces)
    size = rng.choice([7, 50, 10_000])
    sent = CHUNKED + b"".join(chunk(body[start : start + size]) for start in range(0, len(body), size))
    return Reply(sent + END, "".join(said), is_whole)


@pytest.mark.timeout(120)
def test_only_whole_answers_are_kept_or_called_complete_and_nobody_reads_a_thought(serve, monkeypatch):
    monkeypatch.setattr(retry, "FIRST_WAIT_SECONDS", 0.0)
    rng, sent = random.Random(20261129), []

    def answer(connection: socket.socket) -> None:
        sent.append(reply_of(rng))
        connection.sendall(sent[-1].data)

    serve(answer)
    breaker_registry.get("chat").force("closed", who="a test", reason="half of the answers fail", seconds=None)
    whole = 0
    for number in range(QUESTIONS):
        stream = question_answering.answer(Question(f"Que veut dire zibou{number} ?", "fr", "somebody"))
        transcript = stream.read_to_end()
        kept, last, finish = answer_cache.get(stream.cache_key), sent[-1], transcript.finish
        assert finish is not None
        is_called_complete = finish.origin == "ai" and finish.ending == "stop" and finish.degraded is None
        assert is_called_complete == (kept is not None) == last.is_whole, last
        whole += last.is_whole
        if finish.origin == "ai" and last.is_whole:
            assert transcript.text == last.text
        assert SECRET not in transcript.text + "".join(notice.text for notice in transcript.notices), last
        assert is_called_complete or transcript.notices, last
    assert 0.2 * QUESTIONS < whole < 0.8 * QUESTIONS
