"""The page that asks staff for a code, sets an app up, or removes it: which of them, the session decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import django_otp
import segno
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device

from bff.identity import admin_login
from chat.history import second_factors
from observability import logs

log = logs.get_logger(__name__)

KEY = "second_factor_key"  # in the session: the secret of an app that is being set up


class CodeForm(forms.Form):
    """Calls `accepts` with the code unless too many codes were tried; what it returns is in `accepted`."""

    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}),
    )

    def __init__(self, request: HttpRequest, accepts: Callable[[str], Any]) -> None:
        super().__init__(request.POST or None)
        self.request, self.accepts = request, accepts
        self.accepted: Any = None

    def clean(self) -> dict[str, Any]:
        admin_login.count_attempt(self.request, "code", self.request.user.get_username())
        fields = self.cleaned_data
        if "password" in self.fields and not self.request.user.check_password(fields.get("password", "")):
            raise self._refusal(_("The password is not right."))
        self.accepted = self.accepts(fields.get("code", ""))
        if not self.accepted:
            raise self._refusal(_("The code is not right, or it was used before. Wait for the next one."))
        return fields

    def _refusal(self, text: Any) -> ValidationError:
        admin_login.record_failure("second_factor", self.request.user.get_username())
        return ValidationError(text, code="second_factor")


class PasswordAndCodeForm(CodeForm):
    """Asks for the password, too: an open session alone is not enough to change how its owner logs in."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ("password", "code")


class SecondFactorPage:
    """One request by a person who has shown their password."""

    def __init__(self, request: HttpRequest, context: Mapping[str, Any]) -> None:
        self.request, self.user, self.context = request, request.user, context

    def respond(self) -> HttpResponse:
        if not second_factors.is_enrolled(self.user):
            return self._set_up()
        return self._manage() if second_factors.is_verified(self.user, self.request.session) else self._ask()

    def _ask(self) -> HttpResponse:
        form = CodeForm(self.request, lambda code: second_factors.device_for(self.user, code))
        if not form.is_valid():
            return self._page("ask", form)
        self._verify_session(form.accepted)
        log.info("Admin code accepted", user_id=str(self.user.pk))
        return redirect("admin:index")

    def _set_up(self) -> HttpResponse:
        key = self.request.session.setdefault(KEY, second_factors.new_key())
        form = PasswordAndCodeForm(self.request, lambda code: second_factors.enrol(self.user, key, code))
        if not form.is_valid():
            address = second_factors.address_of(self.user, key)
            return self._page("set_up", form, qr_code=_qr_code(address), secret=_secret_in(address))
        device, codes = form.accepted
        del self.request.session[KEY]
        self._verify_session(device)
        log.info("Second factor set up", user_id=str(self.user.pk))
        return self._page("recovery_codes", form, codes=codes)

    def _manage(self) -> HttpResponse:
        form = PasswordAndCodeForm(self.request, lambda code: second_factors.device_for(self.user, code))
        if not form.is_valid():
            return self._page("manage", form, codes_left=second_factors.recovery_codes_left(self.user))
        second_factors.remove(self.user)
        log.info("Second factor removed", user_id=str(self.user.pk))
        messages.success(self.request, _("The second factor is removed."))
        return redirect("admin:second_factor")

    def _verify_session(self, device: Device) -> None:
        self.request.session.cycle_key()
        django_otp.login(self.request, device)

    def _page(self, step: str, form: CodeForm, **more: Any) -> HttpResponse:
        own = {"available_apps": [], "title": _("Second factor"), "step": step, "form": form}
        return render(self.request, "admin/second_factor.html", {**self.context, **own, **more})


def _qr_code(address: str) -> SafeString:
    """SVG in the page: the secret leaves this machine for the person's browser alone."""
    drawing = segno.make(address, error="m").svg_inline(scale=5, dark="#000", light="#fff")
    return mark_safe(drawing)  # noqa: S308 segno wrote it; the address is in its squares only


def _secret_in(address: str) -> str:
    """The secret as people type it when they can't scan: in groups of four."""
    secret = address.partition("secret=")[2].partition("&")[0]
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
