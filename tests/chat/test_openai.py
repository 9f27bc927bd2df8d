from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.events import Delta, Finish, Usage
from chat.upstream import openai
from chat.upstream.exchange import CallError, CutError, ProtocolError
from tests.chat.session_parts import said

STREAM = (
    ": keep-alive\r\n\r\n"
    'event: message\r\nid: 7\r\ndata: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\r\n\r\n'
    'data:{"choices":[{"index":0,"delta":{"content":"L’AEEH "}}],"usage":null}\n\n'
    ": keep-alive\n\n"
    'data: {"choices":[{"index":0,\ndata: "delta":{"content":"est là 👪"}}]}\n\n'
    'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    'data: {"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":4,"total_tokens":16}}\n\n'
    "data: [DONE]\n\n"
).encode()


def frame(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def delta(text: str, finish_reason: str | None = None) -> bytes:
    return frame(choices=[{"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}])


def read(*pieces: bytes) -> list[Any]:
    return list(openai.read(iter(pieces)))


def test_a_stream_reads_the_same_wherever_the_network_cuts_it():
    for cut in range(1, len(STREAM)):
        events = read(STREAM[:cut], STREAM[cut:])
        assert said(events) == "L’AEEH est là 👪"
        assert events[-1] == Finish("ai", "stop", usage=Usage(12, 4))


def test_a_stream_may_arrive_byte_by_byte():
    assert said(read(*(bytes([byte]) for byte in STREAM))) == "L’AEEH est là 👪"


def test_words_that_arrive_together_are_one_delta():
    assert read(delta("a") + delta("b"), delta("c") + b"data: [DONE]\n\n") == [Delta("ab"), Delta("c"), Finish("ai")]


def test_what_follows_the_end_is_not_heard():
    assert read(delta("a") + b"data: [DONE]\n\n" + delta("b")) == [Delta("a"), Finish("ai")]


def test_an_answer_at_the_length_limit_says_so():
    assert read(delta("a", "length"), b"data: [DONE]\n\n")[-1] == Finish("ai", "length")


@pytest.mark.parametrize("end", [delta("", "stop"), b"data: [DONE]\n\n"], ids=["finish_reason", "[DONE]"])
def test_either_end_will_do_and_usage_may_be_missing(end):
    assert read(delta("a"), end) == [Delta("a"), Finish("ai", "stop")]


def test_a_refusal_is_an_answer():
    assert (
        said(read(frame(choices=[{"delta": {"refusal": "Je ne peux pas."}}]), b"data: [DONE]\n\n")) == "Je ne peux pas."
    )


def test_an_end_without_a_word_of_it_is_a_cut():
    with pytest.raises(CutError):
        read(delta("a"))


def test_a_broken_connection_after_the_end_of_the_text_breaks_nothing():
    def pieces() -> Iterator[bytes]:
        yield delta("a", "stop")
        raise CutError

    assert list(openai.read(pieces())) == [Delta("a"), Finish("ai")]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (frame(error={"message": "overloaded", "type": "server_error"}), "error_object"),
        (b"<html>Bad gateway</html>\n", "not_a_stream"),
        (b"<html>Bad gateway</html>", "not_a_stream"),
        (b"data: {oops}\n\n", "not_json"),
        (b"data: [1, 2]\n\n", "wrong_type"),
        (frame(choices="none"), "wrong_type"),
        (frame(choices=[None]), "wrong_type"),
        (frame(choices=[{"delta": {"content": ["a"]}}]), "wrong_type"),
        (frame(choices=[], usage={"prompt_tokens": "many"}), "wrong_type"),
        (b"data: " + b"x" * 2_000_000, "too_large"),
        (b"data: x\n" * 2_000_000, "too_large"),
    ],
)
def test_what_is_not_the_protocol_is_refused_by_its_kind(bad, code):
    with pytest.raises(ProtocolError) as refused:
        read(bad)
    assert refused.value.code == code


def test_what_was_said_in_the_same_breath_as_garbage_is_not_lost():
    reader = openai.read(iter([delta("a") + delta("b") + b"data: oops\n\n"]))
    assert next(reader) == Delta("ab")
    with pytest.raises(ProtocolError):
        next(reader)


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_no_bytes_do_worse_than_an_error_of_ours(pieces):
    with suppress(CallError):
        read(*pieces)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "delta", "content", "usage", "finish_reason", "error", "prompt_tokens"]), inner
        )
    ),
)


@given(values, values)
def test_no_json_does_worse_than_an_error_of_ours(first, second):
    with suppress(CallError):
        read(frame(choices=[first]), frame(choices=[{"delta": second}], usage=first), frame(choices=second))


def test_a_call_asks_for_a_stream_with_usage():
    messages = [{"role": "user", "content": "Bonjour"}]
    exchange = openai.chat(messages, "small", "fr")
    assert (exchange.operation, exchange.path, exchange.language) == ("chat", "/v1/chat/completions", "fr")
    assert json.loads(exchange.body) == {
        "model": "small",
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert openai.analysis(messages, "small", "en").operation == "analyze"


def test_half_an_emoji_does_not_stop_a_question():
    body = openai.chat([{"role": "user", "content": "bonjour \ud83d"}], "small", "fr").body
    assert json.loads(body)["messages"][0]["content"] == "bonjour ?"
