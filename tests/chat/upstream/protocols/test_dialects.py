"""Replies of real services and proxies: the text that is read from each, and its ending.

Whatever is not known to be a whole answer ends otherwise than with `stop`: only `stop` is kept in the cache.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from contextlib import suppress

import pytest

from chat.core.events import Delta, Finish, Usage
from chat.upstream.http.cancel_scope import CallCancelled
from chat.upstream.protocols import openai
from chat.upstream.protocols.thoughts import ThoughtFilter
from chat.upstream.request import CallError, IncompleteResponse, WrappedBody
from tests.chat.upstream.scenarios import DIALECTS, DONE, THOUGHT, frame, words
from tests.support.growth import assert_linear


def read(*pieces: bytes, model: str = "a model") -> tuple[str, str]:
    """The text, and the ending or the code of the error."""
    text = ""
    try:
        for event in openai.read(WrappedBody(iter(pieces)), model):
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
    *_, finish = openai.read(WrappedBody(iter([words("Oui", "stop") + frame(choices=[], usage=usage), DONE])))
    assert finish == Finish("ai", "stop", usage=expected)


def test_a_usage_of_zeros_does_not_replace_an_earlier_one():
    counts = [{"prompt_tokens": 12, "completion_tokens": 3}, {"prompt_tokens": 0, "completion_tokens": 0}]
    usages = b"".join(frame(choices=[], usage=usage) for usage in counts)
    *_, finish = openai.read(WrappedBody(iter([words("Oui", "stop") + usages, DONE])))
    assert finish == Finish("ai", "stop", usage=Usage(12, 3))


def test_a_model_that_leaves_out_the_first_tag_is_remembered():
    reply = [words("Je réfléchis à la question."), words("\n"), words("</think>\n\nOui"), words("", "stop"), DONE]
    for _ in range(3):
        first, ending = read(*reply, model="forgetful")
        assert first.endswith("Oui")
        assert ending == "interrupted"  # a thought was shown: this answer is not to be kept
    assert read(*reply, model="forgetful") == ("Oui", "stop")


@pytest.mark.parametrize(
    "others",
    [
        ["Voici :\n</think>\n"] * 2,
        ["Voici : </think> et voilà."] * 5,
        [
            "Voici :\n</think>\n",
            "Bonjour.",
            "Voici :\n</think>\n",
            "Bonjour.",
            "Voici :\n</think>\n",
            "<think>hm</think>Oui",
        ],
    ],
)
def test_what_others_had_a_model_quote_withholds_nobodys_answer(others, request):
    model = request.node.name
    for other in others:
        read(words(other), words("", "stop"), DONE, model=model)
    events = openai.read(WrappedBody(iter([words("Bonjour. "), words("Voici.")])), model)
    assert next(events) == Delta("Bonjour. ")


@pytest.mark.parametrize(
    "answer",
    [
        "D'accord. L’utilisation de la carte est gratuite.",
        "Bon, reprenons : pour l'utilisation de la PCH, gardez les factures.",
        "Voyons ensemble comment justifier l'utilisation de l'aide humaine.",
        "Je dois le préciser : l'utilisation du forfait est libre.",
        "L'utilisation de la carte est gratuite.",
        "D'accord. Pour chaque utilisateur, une carte ; l'utilisatrice la montre.",
        "First, log in. The user space shows your file.",
        "First, open the user's area on the CAF website.",
        "Let me help: on the MDPH site, click on 'the user account'.",
        "So, the question is whether the MDPH has answered.",
        "Okay, the question is whether you get the AEEH.",
        "First, the user is asked for a code. The user requests form is on the left.",
        "Alright: they are asking for a medical certificate.",
        "D'accord. L'utilisateur demande la carte sur le site, puis vous la recevez.",
    ],
)
def test_no_answer_is_lost_for_what_it_looks_like(answer):
    pieces = [words(word) for word in re.findall(r"\S+\s*", answer)]
    text, ending = read(*pieces, words("", "stop"), DONE)
    assert text == answer
    assert ending == ("interrupted" if "L'utilisateur demande" in answer else "stop")


@pytest.mark.parametrize(
    "thought",
    [
        "Okay, the user is asking about the AEEH. Let me think.",
        "Alright, so the user just mentioned a refusal.",
        "The user wants to know about the PCH.",
        "Hmm, the user seems to be asking about a school.",
        "First, I should look at the user's question.",
        "D'accord, l'utilisateur demande ce qu'est l'AEEH.",
        "Bon, l’utilisatrice souhaite contester un refus.",
        "Je dois répondre à la question de l'utilisateur.",
    ],
)
@pytest.mark.parametrize("end", ["", "\n</think>\n\n"])
def test_a_thought_is_not_shown_for_lack_of_its_tags(thought, end):
    pieces = [words(word) for word in re.findall(r"\S+\s*", thought + end)]
    reply = [*pieces, words("Oui" if end else "", "stop"), DONE]
    assert read(*reply, model=thought) == ("Oui" if end else "", "stop")


@pytest.mark.parametrize("error", [CallCancelled(), CallError("connection"), CallError("deadline")])
def test_a_thought_that_is_stopped_or_broken_off_is_not_shown(error):
    def reply() -> Iterator[bytes]:
        yield words(THOUGHT)
        raise error

    answer = openai.read(WrappedBody(reply()), "stopped")
    with pytest.raises(CallError) as raised:
        next(answer)
    assert raised.value is error


@pytest.mark.parametrize("thought", ["Les parents ont écrit à la MDPH, vous", "Hmm, ", THOUGHT])
def test_what_a_model_that_leaves_out_the_first_tag_is_cut_in_is_not_shown(thought, request):
    model = request.node.name
    for _ in range(openai.UNOPENED_THOUGHTS):
        read(words("Hmm.\n</think>\n\nOui"), words("", "stop"), DONE, model=model)
    assert read(words(thought, "length"), DONE, model=model) == ("", "length")
    with pytest.raises(IncompleteResponse):
        next(openai.read(WrappedBody(iter([words(thought)])), model))
    assert read(words("Oui, vous y avez droit.", "stop"), model=model) == ("Oui, vous y avez droit.", "stop")


def test_an_answer_without_a_reason_is_shown_of_a_model_that_used_to_leave_out_the_first_tag(request):
    model, answer = request.node.name, "Vous pouvez demander l'AEEH à la MDPH."
    for _ in range(openai.UNOPENED_THOUGHTS):
        read(words("Hmm.\n</think>\n\nOui"), words("", "stop"), DONE, model=model)
    assert read(words(answer), DONE, model=model) == (answer, "interrupted")
    assert read(words(THOUGHT), DONE, model=model)[0] == ""
    assert next(openai.read(WrappedBody(iter([words("Oui, vous y avez droit."), DONE])), model)) == Delta(
        "Oui, vous y avez droit."
    )


def test_words_before_a_closing_tag_that_nothing_opened_are_kept_unless_they_read_like_a_thought():
    answer = "La MDPH instruit le dossier. </think> Comptez quatre mois."
    body = json.dumps({"choices": [{"message": {"content": answer}, "finish_reason": "stop"}]}).encode()
    assert read(body) == (answer.replace("</think>", ""), "interrupted")
    assert read(words("</think>\n\nOui", "stop"), DONE) == ("Oui", "stop")
    assert read(words("<think>hm</think>O"), words("u</think>i", "stop"), DONE) == ("Oui", "interrupted")


@pytest.mark.parametrize("begin", ["", "<think>", "Okay, the user asks. ", "Bon, "])
@pytest.mark.parametrize("piece", ["réfl ", " ", "<", "a<|end|>", "<think>a</think>"])
@pytest.mark.parametrize("size", [5, 40_000])
def test_thoughts_are_left_out_in_linear_time(begin, piece, size):
    def read_in_pieces(text: str) -> None:
        thoughts = ThoughtFilter(begins_in_thought=not begin)
        for start in range(0, len(text), size):
            thoughts.feed(begin * (start == 0) + text[start : start + size])
        thoughts.close(is_whole=True)

    assert_linear(read_in_pieces, piece, 40_000)


def test_an_answer_that_quotes_a_closing_tag_withholds_the_words_of_one_later_answer_at_most():
    read(words("Une pensée finit par </think>, tout simplement."), words("", "stop"), DONE, model="quoted")
    reply = [words("Bonjour. "), words("Voici la démarche."), words("", "stop"), DONE]
    assert read(*reply, model="quoted") == ("Bonjour. Voici la démarche.", "stop")
    events = openai.read(WrappedBody(iter(reply)), "quoted")
    assert next(events) == Delta("Bonjour. ")


def test_the_end_is_expected_soon_only_while_nothing_contradicts_it():
    """A service that reports a stop on every chunk tells nothing by its first one."""
    soon, any_time = WrappedBody.END_SECONDS, math.inf

    def waits_of(*pieces: bytes) -> list[float]:
        waits: list[float] = []
        with suppress(CallError):
            list(openai.read(WrappedBody(iter(pieces), waits.append)))
        return waits

    assert waits_of(words("Oui, vous y avez droit. ", "stop"), words("Sauf si … ", "stop"), words("fin", "stop")) == []
    assert waits_of(words("Oui"), words(" !", "stop"), frame(choices=[], usage={})) == [soon]
    assert waits_of(words("Oui"), words("", "stop"), words("sauf si"), words(" … ", "stop")) == [soon, any_time]
    assert waits_of(words("", "stop"), words("Oui", "null"), words("", "stop")) == [soon, any_time]


def test_words_after_a_stop_contradict_it_whatever_reason_comes_with_them():
    assert read(words("O", "stop"), words("ui", "null"), DONE) == ("Oui", "interrupted")


def test_once_the_answer_is_complete_its_end_is_not_waited_for_long():
    waits: list[float] = []
    reply = WrappedBody(iter([words("Oui"), words("", "stop"), DONE]), waits.append)
    assert list(openai.read(reply))[-1] == Finish("ai", "stop")
    assert waits == [WrappedBody.END_SECONDS]
