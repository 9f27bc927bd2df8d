from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.core.events import Delta, Finish, Usage
from chat.upstream.protocols import openai
from chat.upstream.protocols.plain_words import words_of
from chat.upstream.request import CallError, IncompleteResponse, ProtocolError, WrappedBody
from tests.support.fake_upstream import joined_text

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


def read(*chunks: bytes) -> list[Any]:
    return list(openai.read(WrappedBody(iter(chunks))))


def test_a_stream_is_decoded_alike_wherever_it_is_split():
    for cut in range(1, len(STREAM)):
        events = read(STREAM[:cut], STREAM[cut:])
        assert joined_text(events) == "L’AEEH est là 👪"
        assert events[-1] == Finish("ai", "stop", usage=Usage(12, 4))


def test_a_stream_is_decoded_byte_by_byte():
    assert joined_text(read(*(bytes([byte]) for byte in STREAM))) == "L’AEEH est là 👪"


def test_text_that_arrives_together_is_one_delta():
    assert read(delta("a") + delta("b"), delta("c", "stop") + b"data: [DONE]\n\n") == [
        Delta("ab"),
        Delta("c"),
        Finish("ai"),
    ]


def test_data_after_the_end_is_ignored():
    assert read(delta("a", "stop") + b"data: [DONE]\n\n" + delta("b")) == [Delta("a"), Finish("ai")]


def test_an_answer_at_the_length_limit_ends_with_length():
    assert read(delta("a", "length"), b"data: [DONE]\n\n")[-1] == Finish("ai", "length")


def test_a_finish_reason_is_enough_and_usage_may_be_missing():
    assert read(delta("a"), delta("", "stop")) == [Delta("a"), Finish("ai", "stop")]


def test_an_end_marker_without_a_finish_reason_does_not_make_the_answer_whole():
    assert read(delta("a"), b"data: [DONE]\n\n") == [Delta("a"), Finish("ai", "interrupted")]


def test_a_refusal_is_an_answer():
    assert (
        joined_text(read(frame(choices=[{"delta": {"refusal": "Je ne peux pas."}}]), b"data: [DONE]\n\n"))
        == "Je ne peux pas."
    )


def test_a_stream_without_an_end_marker_is_incomplete():
    with pytest.raises(IncompleteResponse):
        read(delta("a"))


def test_a_broken_connection_after_finish_reason_is_no_error():
    def chunks() -> Iterator[bytes]:
        yield delta("a", "stop")
        raise IncompleteResponse

    assert list(openai.read(WrappedBody(chunks()))) == [Delta("a"), Finish("ai")]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (frame(error={"message": "overloaded", "type": "server_error"}), "error_object"),
        (b"<html>Bad gateway</html>\n", "not_a_stream"),
        (b"<html>Bad gateway</html>", "not_a_stream"),
        (b"data: {oops}\n\n", "not_json"),
        (b"data: [1, 2]\n\n", "cut"),
        (frame(choices="none"), "wrong_type"),
        (frame(choices=[None]), "wrong_type"),
        (frame(choices=[{"delta": {"content": {"a": 1}}}]), "wrong_type"),
        (frame(choices=[{"delta": {"content": [1]}}]), "wrong_type"),
        (b"data: " + b"x" * 2_000_000, "too_large"),
        (b"data: x\n" * 2_000_000, "too_large"),
    ],
)
def test_malformed_data_is_refused_with_its_code(bad, code):
    with pytest.raises(CallError) as refused:
        read(bad)
    assert refused.value.code == code


def test_text_that_arrives_together_with_malformed_data_is_not_lost():
    reader = openai.read(WrappedBody(iter([delta("a") + delta("b"), b"data: " + b"x" * 2_000_000])))
    assert next(reader) == Delta("ab")
    with pytest.raises(ProtocolError):
        next(reader)


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_any_bytes_raise_a_call_error_at_most(chunks):
    with suppress(CallError):
        read(*chunks)


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
def test_any_json_raises_a_call_error_at_most(first, second):
    with suppress(CallError):
        read(frame(choices=[first]), frame(choices=[{"delta": second}], usage=first), frame(choices=second))


def test_a_request_asks_for_a_stream_with_usage_and_limits_its_length(settings):
    settings.AI_MAX_OUTPUT_TOKENS = 300
    messages = [{"role": "user", "content": "Bonjour"}]
    request = openai.chat(messages, "small", "fr")
    assert (request.operation, request.path, request.language) == ("chat", "/v1/chat/completions", "fr")
    assert json.loads(request.body) == {
        "model": "small",
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 300,
    }
    assert openai.analysis(messages, "small", "en").operation == "analyze"


def test_half_a_surrogate_pair_is_replaced_by_a_question_mark():
    body = openai.chat([{"role": "user", "content": "bonjour \ud83d"}], "small", "fr").body
    assert json.loads(body)["messages"][0]["content"] == "bonjour ?"


def plain(delta: Any = None, choice: Any = None, **fields: Any) -> bytes:
    given = {"index": 0, "delta": {"content": "mot", **(delta or {})}, "finish_reason": None, **(choice or {})}
    return frame(choices=[given], **fields)


@pytest.mark.parametrize(
    "chunk",
    [
        plain(),
        plain(usage=None),
        plain(usage=None, error=None, code=0, type=""),
        plain({"role": "assistant", "refusal": None, "tool_calls": []}),
        plain({"reasoning_content": None}),
        plain({}, {"stop_reason": None, "content_filter_results": {}}),
    ],
)
def test_what_is_empty_beside_the_words_costs_no_second_look(chunk):
    assert words_of(chunk, 0) == "mot"
    assert joined_text(read(delta("Un "), chunk, delta("", "stop"))) == "Un mot"


@pytest.mark.parametrize(
    "chunk",
    [
        plain(usage={"prompt_tokens": 3}),
        plain(error={"code": 500}),
        plain(type="error"),
        plain({"refusal": "Non."}),
        plain({"tool_calls": [{}]}),
        plain({"reasoning_content": "hm"}),
        plain({}, {"finish_reason": "stop"}),
        plain({}, {"error": {"code": 500}}),
    ],
)
def test_what_comes_beside_the_words_is_looked_at(chunk):
    assert words_of(chunk, 0) is None
