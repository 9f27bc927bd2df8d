"""The codes in a stored provenance in the operator's words. A code that is not known is shown as it is."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

WORDS: dict[str, dict[str, Promise]] = {
    "cache": {
        "hit": _("found in the cache"),
        "stale": _("found, but out of date"),
        "miss": _("not in the cache"),
        "bypass": _("not asked: Redis was unavailable"),
    },
    "role": {
        "leader": _("this request asked the AI"),
        "follower": _("it joined the same question of somebody else"),
        "cached": _("the AI was not asked"),
    },
    "stage": {
        "search": _("search in the knowledge base"),
        "cache": _("cache"),
        "flight": _("start of the run"),
        "waits": _("waits"),
        "attempts": _("calls to the AI"),
        "total": _("in all"),
    },
    "breaker": {"closed": _("closed"), "half_open": _("half-open"), "open": _("open")},
    "outcome": {
        "ok": _("answered"),
        "under_way": _("not finished"),
        "client_left": _("the person left"),
        "timeout": _("too slow"),
    },
}


def in_words(code: str, kind: str) -> Promise | str:
    return WORDS[kind].get(code, code)
