"""The admin's login: attempts (passwords and codes) are limited per account and network, and failures are logged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.core.exceptions import ValidationError
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.translation import ngettext

from bff.client_address import client_address, networks_of
from bff.ratelimit import Counted, Counters, Rate
from observability import logs, metrics
from observability.pseudonyms import pseudonym

log = logs.get_logger(__name__)

# Attempts, not failures: each costs a third of a second of CPU. The last one holds against guesses from everywhere, and
# is wide enough that a stranger does not easily lock an operator out.
LIMITS = {
    "account from a network": Rate.parse("10 per 15 minutes"),
    "network": Rate.parse("30 per 15 minutes"),
    "account": Rate.parse("100 per hour"),
}


class LoginForm(AdminAuthenticationForm):
    """Django's form. An attempt beyond a limit is refused before the password is checked."""

    def clean(self) -> dict[str, Any]:
        assert self.request is not None
        count_attempt(self.request, "login", str(self.data.get("username", "")))
        return super().clean()


def count_attempt(request: HttpRequest, what: Literal["login", "code"], name: str) -> None:
    """Count an attempt on the account of this name. Raises ValidationError beyond a limit."""
    account = _pseudonym(name)
    if seconds := _seconds_to_wait(request, what, account):
        metrics.LOGIN_FAILURES.labels("limited").inc()
        log.warning("Admin login refused", code="too_many_attempts", account=account)
        raise ValidationError(_too_many(seconds), code="too_many_attempts")


def record_failure(code: Literal["rejected", "second_factor"], name: str) -> None:
    """The name is logged as a pseudonym: people type e-mail addresses there, and passwords."""
    metrics.LOGIN_FAILURES.labels(code).inc()
    log.warning("Admin login failed", code=code, account=_pseudonym(name))


def _seconds_to_wait(request: HttpRequest, what: str, account: str) -> int:
    """0 if the attempt is within all limits."""
    counted = [("account", account)]
    for network in networks_of(client_address(request.META)):
        counted += [("network", network), ("account from a network", f"{account} {network}")]
    states = _counters().hit(*(Counted(f"{what} {policy}", LIMITS[policy], name) for policy, name in counted))
    return max((state.reset for state in states if state.remaining < 0), default=0)


def _too_many(seconds: int) -> str:
    minutes = math.ceil(seconds / 60)
    text = ngettext(
        "Too many attempts. Try again in {count} minute.", "Too many attempts. Try again in {count} minutes.", minutes
    )
    return text.format(count=minutes)


@receiver(user_login_failed)
def _log_failure(credentials: Mapping[str, Any], **kwargs: Any) -> None:
    record_failure("rejected", str(credentials.get("username", "")))


@receiver(user_logged_in)
def _log_success(user: Any, **kwargs: Any) -> None:
    log.info("Admin login", user_id=str(user.pk))


def _pseudonym(name: str) -> str:
    """The same for all spellings of a name, to find attempts on one account in the log."""
    return pseudonym("bff.admin_login", name.strip().casefold())[:12]


@cache
def _counters() -> Counters:
    return Counters()
