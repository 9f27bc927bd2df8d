"""The admin: with a login whose attempts are limited, and second factors of staff if ADMIN_TOTP has them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, path, reverse
from django.views.decorators.cache import never_cache

from bff.identity.admin_login import LoginForm
from bff.identity.second_factor_page import SecondFactorPage
from chat.history import second_factors


class StaffSite(AdminSite):
    login_form = LoginForm

    def has_permission(self, request: HttpRequest) -> bool:
        """A session that lacks the second factor can only log out."""
        return super().has_permission(request) and (
            second_factors.suffices(request.user, request.session) or request.path == reverse("admin:logout")
        )

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Every refused page leads here: a user who has entered the password is asked for the second factor."""
        if super().has_permission(request) and not second_factors.suffices(request.user, request.session):
            return redirect("admin:second_factor")
        return super().login(request, extra_context)

    def second_factor(self, request: HttpRequest) -> HttpResponse:
        if settings.ADMIN_TOTP == "off" or not super().has_permission(request):
            return redirect_to_login(reverse("admin:index"), reverse("admin:login"))
        return SecondFactorPage(request, self.each_context(request)).respond()

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [
            path("second-factor/", never_cache(self.second_factor), name="second_factor"),
            *super().get_urls(),
        ]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return super().each_context(request) | {"has_second_factors": settings.ADMIN_TOTP != "off"}
