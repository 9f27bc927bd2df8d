"""Replies of real services and proxies: the text that is read from each, and its ending.

Whatever is not known to be a whole answer ends otherwise than with `stop`: only `stop` is kept in the cache.
"""

from __future__ import annotations

import pytest

from chat.core.events import Delta, Finish, Usage
from chat.upstream.protocols import openai
from chat.upstream.request import CallError, ResponseBody
from tests.chat.upstream.scenarios import DIALECTS, DONE, frame, words


def read(*pieces: bytes, model: str = "a model") -> tuple[str, str]:
    """The text, and the ending or the code of the error."""
    text = ""
    try:
        for event in openai.read(ResponseBody(iter(pieces)), model):
            if isinstance(event, Delta):
                text += event.text
            elif isinstance(event, Finish):
                return text, event.ending
    except CallError as error:
        return text, error.code
    raise AssertionError("neither an end nor an error")


WHOLE = [
    "stop", "STOP", "eos", "eos_token", "end_turn", "stop_sequence", "COMPLETE", " Stop ",
]  # fmt: skip
NOT_WHOLE = {
    "length": ["length", "max_tokens", "MAX_TOKENS", "model_length", "max_output_tokens", "model_context_window_exceeded"],
    "filtered": ["content_filter", "SAFETY", "RECITATION", "PROHIBITED_CONTENT", "SPII", "guardrail_intervened", "sensitive"],
    "refused": ["refusal"],
    "interrupted": ["error", "abort", "network_error", "tool_calls", "function_call", "unknown", "OTHER", "MALFORMED_FUNCTION_CALL",
                    "cancelled", "timeout", "load", "a word of tomorrow"],
}  # fmt: skip


@pytest.mark.parametrize("reason", WHOLE)
def test_a_known_stop_makes_a_whole_answer(reason):
    assert read(words("Oui."), words("", reason), DONE) == ("Oui.", "stop")


@pytest.mark.parametrize(
    ("ending", "reason"), [(ending, reason) for ending, some in NOT_WHOLE.items() for reason in some]
)
def test_any_other_reason_makes_an_answer_that_is_not_whole(ending, reason):
    assert read(words("Oui.", reason), DONE) == ("Oui.", ending)


@pytest.mark.parametrize("name", DIALECTS)
def test_a_reply_is_read_as_what_it_is(name):
    _, pieces, text, ending = DIALECTS[name]
    assert read(*pieces, model=name) == (text, ending)


@pytest.mark.parametrize("name", DIALECTS)
def test_a_reply_reads_the_same_byte_by_byte(name):
    _, pieces, text, ending = DIALECTS[name]
    reply = b"".join(pieces)
    size = 1 + len(reply) // 5000  # bytes, of a long reply more than one
    slices = [reply[start : start + size] for start in range(0, len(reply), size)]
    # The other model is not known to begin in a thought.
    assert read(*slices, model=f"{name}, slowly") == (text, ending)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 12.0, "completion_tokens": 3.7}, Usage(12, 3)),
        ({"input_tokens": 900, "output_tokens": 300}, Usage(900, 300)),
        ({"prompt_tokens": 0, "completion_tokens": 0, "input_tokens": 900, "output_tokens": 300}, Usage(900, 300)),
        ({"prompt_tokens": None, "completion_tokens": 4}, None),
        ({"prompt_tokens": 900, "completion_tokens": 0}, None),
        ({"prompt_tokens": 0, "completion_tokens": 0}, None),
        ({"prompt_tokens": 12, "completion_tokens": 0.5}, None),
        ({"prompt_tokens": True, "completion_tokens": True}, None),
        ({"total_tokens": 1200}, None),
        ({"prompt_tokens": "many"}, None),
        ({"prompt_tokens": -1}, None),
        ({"prompt_tokens": 12, "completion_tokens": 1e20}, None),
        ({"prompt_tokens": 2**64 - 1, "completion_tokens": 3}, None),
        ({"prompt_tokens": 10**400, "completion_tokens": 3}, None),
        ([1], None),
    ],
)
def test_a_usage_counts_only_if_both_its_numbers_can_be_true_and_costs_no_answer(usage, expected):
    *_, finish = openai.read(ResponseBody(iter([words("Oui", "stop") + frame(choices=[], usage=usage), DONE])))
    assert finish == Finish("ai", "stop", usage=expected)


def test_a_usage_of_zeros_does_not_replace_an_earlier_one():
    counts = [{"prompt_tokens": 12, "completion_tokens": 3}, {"prompt_tokens": 0, "completion_tokens": 0}]
    usages = b"".join(frame(choices=[], usage=usage) for usage in counts)
    *_, finish = openai.read(ResponseBody(iter([words("Oui", "stop") + usages, DONE])))
    assert finish == Finish("ai", "stop", usage=Usage(12, 3))


def test_a_model_that_leaves_out_the_first_tag_is_remembered():
    reply = [words("Je réfléchis à la question."), words("</think>Oui"), words("", "stop"), DONE]
    first, ending = read(*reply, model="forgetful")
    assert first.endswith("Oui")
    assert ending == "interrupted"  # a thought was shown: this answer is not to be kept
    assert read(*reply, model="forgetful") == ("Oui", "stop")


def test_an_answer_that_quotes_a_closing_tag_withholds_the_words_of_one_later_answer_at_most():
    read(words("Une pensée finit par </think>, tout simplement."), words("", "stop"), DONE, model="quoted")
    reply = [words("Bonjour. "), words("Voici la démarche."), words("", "stop"), DONE]
    assert read(*reply, model="quoted") == ("Bonjour. Voici la démarche.", "stop")
    events = openai.read(ResponseBody(iter(reply)), "quoted")
    assert next(events) == Delta("Bonjour. ")


def test_once_the_answer_is_complete_its_end_is_not_waited_for_long():
    waits: list[float] = []
    reply = ResponseBody(iter([words("Oui"), words("", "stop"), DONE]), waits.append)
    assert list(openai.read(reply))[-1] == Finish("ai", "stop")
    assert waits == [ResponseBody.END_SECONDS]
