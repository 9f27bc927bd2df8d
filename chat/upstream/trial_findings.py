"""Turns a trial of an AI service into findings for the operator, with the setting that corrects each problem."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from django.conf import settings

from chat.upstream.error_explanations import explain
from chat.upstream.http.transport import StatusError
from chat.upstream.request import LENGTH_LIMITS, CallError
from chat.upstream.service import AIService
from chat.upstream.service_trial import Trial

SHARE_OF_PROMPT = 0.5  # a service that counts less than this of a prompt's tokens has cut it
FIRST_WORDS_LIMITS = ("AI_FIRST_WORDS_SECONDS", "BREAKER_SLOW_CALL_SECONDS")
ROOM_FOR_SLOWNESS = 2  # a limit is this many times what was measured

Level = Literal["ok", "note", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`problem`: people get no complete answers like this. `advice` is what to set or do; empty if nothing."""

    level: Level
    text: str
    advice: str = ""


def of_answer(service: AIService, trial: Trial) -> Iterator[Finding]:
    """Of a trial with a short question."""
    if trial.error:
        yield Finding("problem", *explain(service, trial, trial.error))
        return
    yield Finding("ok", f"Answers within {trial.seconds:.1f} s.")
    yield from _speed(trial)
    if service.protocol == "openai":
        yield from (_stream(trial), _ending(trial), _usage(trial))
    elif trial.finish and trial.finish.degraded:
        yield Finding(
            "problem", "It reports trouble with status 200: such answers are shown with a remark, never cached."
        )
    if trial.thinks:
        yield Finding("note", "Its model thinks before it answers. Thoughts are removed; people wait meanwhile.")
    refused = trial.refused_options
    if settings.AI_MAX_OUTPUT_TOKENS and refused.issuperset(LENGTH_LIMITS):
        text = f"It refuses {_joined(refused)}: AI_MAX_OUTPUT_TOKENS has no effect."
        yield Finding("note", text, "Limit the length of its answers there.")
    elif refused:
        yield Finding("note", f"It refuses {_joined(refused)}. Every process learns that by itself: nothing to set.")


def _joined(options: Iterable[str]) -> str:
    return ", ".join(sorted(options))


def of_long_prompt(service: AIService, trial: Trial) -> Finding:
    """Of a trial with a prompt as long as AI_CONTEXT_TOKENS allows, after a short one was answered."""
    asked = f"A prompt of {settings.AI_CONTEXT_TOKENS} tokens (AI_CONTEXT_TOKENS)"
    lower = "Set AI_CONTEXT_TOKENS to the model's context less the room for its answer, or give the model more context."
    if trial.error:
        if _may_be_about_length(trial.error):
            return Finding("problem", f"{asked} is refused.", lower)
        return Finding("problem", *explain(service, trial, trial.error))
    usage = trial.finish.usage if trial.finish else None
    if usage and 0 < usage.prompt_tokens < SHARE_OF_PROMPT * trial.prompt_tokens:
        return Finding("problem", f"{asked} is cut in silence: it counts {usage.prompt_tokens} tokens of it.", lower)
    counted = f" It counts {usage.prompt_tokens} tokens." if usage else ""
    return Finding("ok", f"{asked} is answered, with first words after {trial.first_words:.1f} s.{counted}")


def _may_be_about_length(error: CallError) -> bool:
    if isinstance(error, StatusError):
        return error.fault != "operator" and error.status != 429
    return error.code in {"connection", "cut", "empty", "error_object"}  # llama-cpp-python drops the connection


def _speed(trial: Trial) -> Iterator[Finding]:
    """The time to the first words, and the limits that leave too little room for it."""
    assert trial.first_words is not None
    yield Finding("ok", f"First words after {trial.first_words:.2f} s.")
    room = math.ceil(ROOM_FOR_SLOWNESS * trial.first_words)
    limits = {name: getattr(settings, name) for name in FIRST_WORDS_LIMITS}
    proposed = {name: room for name, limit in limits.items() if limit < room}
    if not proposed:
        return
    if room >= settings.AI_DEADLINE_CHAT:
        proposed |= {"AI_READ_TIMEOUT_CHAT": room, "AI_DEADLINE_CHAT": 2 * room}
    level: Level = "problem" if trial.first_words > min(limits.values()) else "note"
    advice = ", ".join(f"{name}={seconds}" for name, seconds in proposed.items())
    yield Finding(level, "Its first words come late for the limits in force.", f"Set {advice}.")


def _stream(trial: Trial) -> Finding:
    if trial.is_streamed:
        return Finding("ok", "Streams its answer.")
    return Finding("note", "It doesn't stream: people wait for the whole answer.")


def _ending(trial: Trial) -> Finding:
    assert trial.finish is not None
    match trial.finish.ending:
        case "stop":
            return Finding("ok", f"Says how an answer ended: {trial.reason!r}.")
        case "length":
            return Finding(
                "note", f"Its length limit cut even this short answer ({trial.reason!r}).", "Raise its limit."
            )
        case "filtered" | "refused" as ending:
            return Finding("note", f"It {ending} a greeting ({trial.reason!r}).")
    said = f"says {trial.reason!r}" if trial.reason else "doesn't say"
    return Finding(
        "problem",
        f"It {said} how its answer ended: people are told that each answer is incomplete, and none is cached.",
        "Look for its setting of finish_reason, or put a proxy such as LiteLLM before it.",
    )


def _usage(trial: Trial) -> Finding:
    if trial.finish and (usage := trial.finish.usage):
        return Finding("ok", f"Counts tokens: {usage.prompt_tokens} in, {usage.completion_tokens} out.")
    return Finding(
        "note", "It counts no tokens: bff_ai_tokens_total leaves its answers out, and budgets of tokens estimate them."
    )
