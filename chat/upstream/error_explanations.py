"""Explains to the operator why a trial of an AI service failed, and which setting corrects it."""

from __future__ import annotations

import errno
import socket
import ssl

from chat.upstream.http.transport import StatusError
from chat.upstream.refusals import Cause
from chat.upstream.request import CallError
from chat.upstream.service import AIService
from chat.upstream.service_trial import Trial


def explain(service: AIService, trial: Trial, error: CallError) -> tuple[str, str]:
    """The cause, and the setting or action that corrects it."""
    if isinstance(error, StatusError):
        return _of_status(service, error)
    name = service.settings_prefix
    text, advice = {
        "connection": _of_connection(service, error.__cause__),
        "read_timeout": (f"No answer within {trial.seconds:.0f} s.", "It may be loading its model: try again."),
        "deadline": (f"No answer within {trial.seconds:.0f} s.", "It may be loading its model: try again."),
        "filtered": ("A content filter withholds the answer to a greeting.", "Look at the filter's settings there."),
        "empty": ("Its answer has no words.", f"Set another {name}_MODEL."),
        "cut": ("Its answer stops before its end.", "Look at the limits of the proxies in between."),
        "error_object": ("It reports an error with status 200.", "Its own log says which."),
    }.get(error.code, ("What it answers is not its protocol.", f"Set {name}_URL, or {name}_PROTOCOL."))
    if error.code == "empty" and trial.thinks:
        return "It thinks, and then says nothing.", "Let it write more tokens, or think less."
    return text, advice


def _of_status(service: AIService, error: StatusError) -> tuple[str, str]:
    name, status = service.settings_prefix, f"HTTP {error.status}"
    causes: dict[Cause, tuple[str, str]] = {
        "key": (
            f"It refuses our key ({status})." if service.api_key else f"It wants a key ({status}).",
            f"Set {name}_API_KEY, or give the key the right to this model.",
        ),
        "quota": (f"Its quota or credit is used up ({status}).", f"Top it up there, or set another {name}_API_KEY."),
        "address": (
            f"It knows no such address ({status}).",
            f"Set {name}_URL as the provider prints it: docs/providers.md has examples.",
        ),
        "model": (f'It has no model "{service.model}" ({status}).', f"Set {name}_MODEL."),
        "context": (
            f"Its context is too small for a greeting ({status}).",
            "Give the model 1000 tokens more than AI_MAX_OUTPUT_TOKENS.",
        ),
        "other": (
            f"It refuses a plain request ({status}).",
            f"Set {name}_PROTOCOL or {name}_URL; its own log says more.",
        ),
    }
    if error.cause == "other" and error.fault == "service":
        wait = f" It asks to wait {error.retry_after:.0f} s." if error.retry_after else ""
        return f"It is overloaded or failing ({status}).{wait}", "Try again; if it lasts, its operators know more."
    return causes[error.cause]


def _of_connection(service: AIService, cause: BaseException | None) -> tuple[str, str]:
    set_address = f"Set {service.settings_prefix}_URL."
    if isinstance(cause, ssl.SSLError):
        return "Its TLS certificate is not accepted.", f"{set_address} A certificate of your own: REQUESTS_CA_BUNDLE."
    if isinstance(cause, OSError) and cause.errno == errno.ETIMEDOUT:
        return "No connection within AI_CONNECT_TIMEOUT.", f"{set_address} Is a firewall in between?"
    if isinstance(cause, socket.gaierror):
        return "Its host is unknown.", set_address
    if isinstance(cause, ConnectionRefusedError):
        return "Its port is closed: nothing runs there.", f"Start it, or set {service.settings_prefix}_URL."
    return "It drops the connection before it answers.", "Its own log says why."
