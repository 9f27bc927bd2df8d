"""Classifies HTTP errors of the service by closed lists; an error that is on none counts against the request alone.

The codes and phrases are those in use: OpenAI, Azure, Mistral, Gemini, Anthropic, OpenRouter, Groq, LiteLLM, vLLM.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from chat.upstream.request import OPTIONS

# service: an outage. operator: our key, address, model or quota. request: this request. filtered: its content.
Fault = Literal["service", "operator", "request", "filtered"]
# The setting to correct; `context` is a prompt longer than the model's context.
Cause = Literal["key", "address", "model", "quota", "context", "other"]

_TEMPORARY = frozenset([408, 425])
_CAUSES_OF_STATUS: dict[int, Cause] = {
    401: "key",
    402: "quota",
    403: "key",
    404: "address",
    405: "address",
    407: "key",
}
_OPERATOR_STATUSES = frozenset(_CAUSES_OF_STATUS)
# Causes by the error codes, and by the phrases in messages, that name them.
_CODES: dict[Cause, frozenset[str]] = {
    "context": frozenset(
        ["context_length_exceeded", "exceed_context_size_error", "context_window_exceeded", "prompt_too_long"]
    ),
    "quota": frozenset(
        """
        insufficient_quota insufficient_balance billing_error billing_not_active billing_hard_limit_reached
        budget_exceeded
        """.split()  # noqa: SIM905 more readable than a list
    ),
    "key": frozenset(
        """
        invalid_api_key api_key_invalid authentication_error permission_error permission_denied account_deactivated
        organization_restricted no_db_connection
        """.split()  # noqa: SIM905 as above; the last is LiteLLM's for an unknown key when it has no database
    ),
    "address": frozenset(["deploymentnotfound", "unsupported_api_version"]),
    "model": frozenset(
        """
        model_not_found model_not_available invalid_model unknown_model model_decommissioned model_terms_required
        operationnotsupported key_model_access_denied team_model_access_denied
        """.split()  # noqa: SIM905 as above
    ),
}
_PHRASES: dict[Cause, re.Pattern[str]] = {
    "context": re.compile(
        r"\bmaximum context length\b|\bcontext (size|window|length)\b|\b(prompt|input) is too long\b", re.IGNORECASE
    ),
    "quota": re.compile(r"\bcredit balance is too low\b|\bbudget has been exceeded\b", re.IGNORECASE),
    "key": re.compile(
        r"\b(invalid|incorrect|expired) api[ _-]?key\b|\bapi[ _-]?key (is )?(not valid|invalid|expired)\b"
        r"|\borganization must be verified\b|\buser location is not supported\b",
        re.IGNORECASE,
    ),
    "address": re.compile(r"\bapi version (is )?not supported\b", re.IGNORECASE),
    "model": re.compile(
        r"\b(invalid|unknown|incorrect|no such) model\b"
        r"|\bmodel\b.{0,120}\b(does not exist|doesn't exist|not found|not a valid model|is not available)\b"
        r"|\bnot a valid model\b",
        re.IGNORECASE,
    ),
}
_OPERATOR_CAUSES: tuple[Cause, ...] = ("quota", "key", "address", "model")
_OPERATOR_CODES = frozenset().union(*(_CODES[cause] for cause in _OPERATOR_CAUSES))
_FILTER_CODES = frozenset(
    """
    content_filter content_policy_violation responsibleaipolicyviolation moderation_blocked data_inspection_failed
    """.split()  # noqa: SIM905 as above
)
_CODE_FIELDS = frozenset(["code", "type", "param", "status", "reason"])
_MESSAGE_FIELDS = frozenset(["message", "msg", "detail", "error"])
_ECHOES = frozenset(["input", "body", "request", "messages"])  # fields in which some services repeat the request
_MESSAGE_LENGTH = 500
_MAX_DEPTH = 6


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an error response is about. `options` are the OPTIONS that it names."""

    fault: Fault
    cause: Cause
    options: Sequence[str]

    @classmethod
    def of(cls, status: int, body: bytes) -> Refusal:
        """Classify an error by its status (other than 2xx) and the beginning of its body."""
        found = list(_strings(_parse(body)))
        codes = {text.casefold() for field, text in found if field in _CODE_FIELDS}
        messages = [text[:_MESSAGE_LENGTH] for field, text in found if field in _MESSAGE_FIELDS]
        is_filtered = bool(codes & _FILTER_CODES) or any(field == "flagged_input" for field, _ in found)
        fault = "filtered" if is_filtered and 400 <= status < 500 else _fault(status, codes, messages)
        parameters = {text for field, text in found if field in {"param", "loc"}}
        return cls(fault, _cause(status, codes, messages), _options(parameters, messages))


def _fault(status: int, codes: Set[str], messages: Sequence[str]) -> Fault:
    if status < 400 or status in _OPERATOR_STATUSES:
        return "operator"
    if status >= 500 or status in _TEMPORARY:
        return "service"
    if codes & _OPERATOR_CODES or ("model" in codes and status != 429):
        return "operator"
    if status == 429:
        return "service"
    return "operator" if _named(messages, _OPERATOR_CAUSES) else "request"


def _cause(status: int, codes: Set[str], messages: Sequence[str]) -> Cause:
    """The cause that the error names in its codes, else in its message, else by its status."""
    for cause, named in _CODES.items():
        if codes & named:
            return cause
    if "model" in codes:
        return "model"
    return _named(messages, tuple(_PHRASES)) or _CAUSES_OF_STATUS.get(status, "address" if status < 400 else "other")


def _options(parameters: Set[str], messages: Sequence[str]) -> list[str]:
    """The OPTIONS that are among the parameters, else in a message."""
    words = {word for message in messages for word in re.findall(r"\w+", message)}
    return [option for option in OPTIONS if option in parameters] or [option for option in OPTIONS if option in words]


def _named(messages: Sequence[str], causes: Sequence[Cause]) -> Cause | None:
    """The first of these causes that a message names."""
    return next((cause for cause in causes if cause in _PHRASES and any(map(_PHRASES[cause].search, messages))), None)


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _strings(value: Any, field: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """The texts in a JSON value, each with the name of its field."""
    if isinstance(value, str):
        yield field, value
    elif depth < _MAX_DEPTH:
        items = (
            value.items()
            if isinstance(value, dict)
            else [(field, each) for each in value or ()]
            if isinstance(value, list)
            else ()
        )
        for name, each in items:
            if name not in _ECHOES:
                yield from _strings(each, name, depth + 1)
