"""Django system checks for settings that depend on each other or on installed programs."""

from __future__ import annotations

import shutil
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, register
from django.core.checks import Warning as CheckWarning

from chat.upstream import service


@register(Tags.compatibility)
def check_timeouts(**kwargs: Any) -> list[CheckMessage]:
    return [
        CheckWarning(
            f"{name} is longer than AI_DEADLINE_{operation}, which ends the call first.",
            hint=f"Set {name} to at most {deadline:g}.",
            id="chat.W001",
        )
        for name, timeout, operation, deadline in (
            ("AI_READ_TIMEOUT_CHAT", settings.AI_READ_TIMEOUT_CHAT, "CHAT", settings.AI_DEADLINE_CHAT),
            ("AI_FIRST_WORDS_SECONDS", settings.AI_FIRST_WORDS_SECONDS, "CHAT", settings.AI_DEADLINE_CHAT),
            ("AI_READ_TIMEOUT_ANALYZE", settings.AI_READ_TIMEOUT_ANALYZE, "ANALYZE", settings.AI_DEADLINE_ANALYZE),
        )
        if timeout > deadline
    ]


@register(Tags.compatibility)
def check_breaker_open_time(**kwargs: Any) -> list[CheckMessage]:
    if settings.BREAKER_OPEN_MAX_SECONDS >= settings.BREAKER_OPEN_SECONDS:
        return []
    return [
        Error(
            "BREAKER_OPEN_MAX_SECONDS is less than BREAKER_OPEN_SECONDS.",
            hint="The open time starts at BREAKER_OPEN_SECONDS and doubles up to BREAKER_OPEN_MAX_SECONDS.",
            id="chat.E001",
        )
    ]


@register(Tags.compatibility)
def check_breaker_redis_url(**kwargs: Any) -> list[CheckMessage]:
    if settings.BREAKER_REDIS_URL != settings.REDIS_URL:
        return []
    return [
        Error(
            "BREAKER_REDIS_URL equals REDIS_URL: both would share one connection pool and its timeouts.",
            hint="Leave BREAKER_REDIS_URL unset, or add ?client_name=breaker.",
            id="chat.E002",
        )
    ]


@register(Tags.security)
def check_authentication(**kwargs: Any) -> list[CheckMessage]:
    if settings.ALLOW_ANONYMOUS or settings.SUPABASE_URL or settings.SUPABASE_JWT_SECRET:
        return []
    return [
        CheckWarning(
            "Only programs with an API key are answered: anonymous visitors are not allowed, no token can be verified.",
            hint="For people set SUPABASE_URL or SUPABASE_JWT_SECRET, or ALLOW_ANONYMOUS=1.",
            id="chat.W004",
        )
    ]


@register(Tags.security)
def check_caller_tokens(**kwargs: Any) -> list[CheckMessage]:
    if settings.AI_SERVICE_AUTH != "caller" or settings.AI_SERVICE_PROTOCOL == "rag":
        return []
    return [
        Error(
            "AI_SERVICE_AUTH=caller would send people's access tokens to a service that isn't theirs.",
            hint="Use it with AI_SERVICE_PROTOCOL=rag alone, or leave AI_SERVICE_AUTH unset.",
            id="chat.E004",
        )
    ]


@register(Tags.security, deploy=True)
def check_publisher(**kwargs: Any) -> list[CheckMessage]:
    named = {
        "PUBLISHER_NAME": "name",
        "PUBLISHER_EMAIL": "email",
        "HOSTING_COMPANY": "hosting",
        "AI_COMPANY": "ai_company",
    }
    missing = [setting for setting, key in named.items() if not settings.PUBLISHER[key]]
    if not missing:
        return []
    return [
        CheckWarning(
            f"The pages on privacy and the publisher lack {', '.join(missing)}.",
            hint="People are entitled to know who publishes this service, who hosts it and who receives their words.",
            id="chat.W002",
        )
    ]


@register(Tags.compatibility, deploy=True)
def check_addresses(**kwargs: Any) -> list[CheckMessage]:
    if not settings.UNSET_ADDRESSES:
        return []
    return [
        CheckWarning(
            f"Not set: {', '.join(settings.UNSET_ADDRESSES)}.",
            hint="Only `make run` starts a Redis and an AI by itself; SQLite is one machine's alone.",
            id="chat.W003",
        )
    ]


@register(Tags.security, deploy=True)
def check_database_tls(**kwargs: Any) -> list[CheckMessage]:
    database = settings.DATABASES["default"]
    is_encrypted = database["OPTIONS"].get("sslmode") in {"require", "verify-ca", "verify-full"}
    if is_encrypted or not any(map(is_public, database.get("HOST", "").split(","))):
        return []
    return [
        CheckWarning(
            "The connections to PostgreSQL may be unencrypted: anybody between could read them.",
            hint="Add ?sslmode=require to DATABASE_URL, or verify-full with the server's certificate.",
            id="chat.W005",
        )
    ]


def is_public(host: str) -> bool:
    """Whether the host is not on this machine or in a private network, as far as its name tells."""
    try:
        return ip_address(host.strip("[]")).is_global
    except ValueError:  # a name; one without a dot is known in a private network alone, / begins the path of a socket
        return "." in host and not host.startswith("/") and not host.endswith((".internal", ".local"))


@register(Tags.compatibility)
def check_second_ai(**kwargs: Any) -> list[CheckMessage]:
    if not settings.AI_SERVICE_FALLBACK_URL:
        return []
    first, second = service.configured()
    if first.target != second.target:
        return []
    return [
        Error(
            "AI_SERVICE_FALLBACK_URL is the first AI service again, with the same protocol and model.",
            hint="Name another service or AI_SERVICE_FALLBACK_MODEL, or leave AI_SERVICE_FALLBACK_URL unset.",
            id="chat.E005",
        )
    ]


@register(Tags.compatibility)
def check_tesseract(**kwargs: Any) -> list[CheckMessage]:
    if shutil.which("tesseract"):
        return []
    return [
        Info(
            "tesseract is not installed: photographs and scanned letters are refused.",
            hint="Install it with its French model. On Debian: apt-get install tesseract-ocr-fra.",
            id="chat.I001",
        )
    ]
