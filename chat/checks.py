"""Rules between settings, as Django system checks: each says what is wrong and how to mend it."""

from __future__ import annotations

import shutil
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, register
from django.core.checks import Warning as Caution


@register(Tags.compatibility)
def timeouts_fit_their_deadlines(**kwargs: Any) -> list[CheckMessage]:
    return [
        Caution(
            f"AI_READ_TIMEOUT_{name} is longer than AI_DEADLINE_{name}, which ends the call first.",
            hint=f"Set AI_READ_TIMEOUT_{name} to at most {deadline:g}.",
            id="chat.W001",
        )
        for name, timeout, deadline in (
            ("CHAT", settings.AI_READ_TIMEOUT_CHAT, settings.AI_DEADLINE_CHAT),
            ("ANALYZE", settings.AI_READ_TIMEOUT_ANALYZE, settings.AI_DEADLINE_ANALYZE),
        )
        if timeout > deadline
    ]


@register(Tags.compatibility)
def open_time_can_grow(**kwargs: Any) -> list[CheckMessage]:
    if settings.BREAKER_OPEN_MAX_SECONDS >= settings.BREAKER_OPEN_SECONDS:
        return []
    return [
        Error(
            "BREAKER_OPEN_MAX_SECONDS is less than BREAKER_OPEN_SECONDS.",
            hint="The open time starts with the one and doubles up to the other.",
            id="chat.E001",
        )
    ]


@register(Tags.compatibility)
def breaker_has_its_own_pool(**kwargs: Any) -> list[CheckMessage]:
    if settings.BREAKER_REDIS_URL != settings.REDIS_URL:
        return []
    return [
        Error(
            "BREAKER_REDIS_URL equals REDIS_URL: both would share one pool, and its timeouts.",
            hint="Leave BREAKER_REDIS_URL unset, or add ?client_name=breaker.",
            id="chat.E002",
        )
    ]


@register(Tags.security)
def somebody_can_call(**kwargs: Any) -> list[CheckMessage]:
    if settings.ALLOW_ANONYMOUS or settings.SUPABASE_URL or settings.SUPABASE_JWT_SECRET:
        return []
    return [
        Error(
            "Nobody can call: visitors are not allowed and no token can be verified.",
            hint="Set SUPABASE_URL or SUPABASE_JWT_SECRET, or ALLOW_ANONYMOUS=1.",
            id="chat.E003",
        )
    ]


@register(Tags.compatibility)
def pictures_can_be_read(**kwargs: Any) -> list[CheckMessage]:
    if shutil.which("tesseract"):
        return []
    return [
        Info(
            "tesseract is not installed: photographs and scans of letters are declined.",
            hint="Install it with its French model; on Debian: apt-get install tesseract-ocr-fra.",
            id="chat.I001",
        )
    ]
