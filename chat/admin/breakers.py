"""The circuit breakers on one live page, with the actions that an operator may take."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from chat.admin.audit_log import record
from chat.admin.breaker_actions import ACTIONS, Action, ActionForm, perform, summary
from chat.admin.breaker_presenters import all_breakers, clock_time, title_of
from chat.admin.pages import page
from chat.admin.read_only import ReadOnly
from chat.models import CircuitBreaker
from chat.upstream import breaker_registry
from chat.upstream.breaker import StoreUnavailable
from observability import routes


@admin.register(CircuitBreaker)
class BreakerAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # takes none at run time
    """Has no database table: the changelist is a custom page, and rows can't be added, changed or deleted."""

    def get_urls(self) -> list[URLPattern]:
        guarded = self.admin_site.admin_view
        return [
            path("", guarded(self.changelist_view), name="chat_circuitbreaker_changelist"),
            path("state/", guarded(self.state_view), name="chat_circuitbreaker_state"),
            path("<str:name>/<slug:verb>/", guarded(self.action_view), name="chat_circuitbreaker_action"),
        ]

    def has_view_permission(self, request: HttpRequest, obj: CircuitBreaker | None = None) -> bool:
        return super().has_view_permission(request, obj) or self.has_drive_permission(request)

    def has_drive_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("chat.drive_circuitbreaker")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """List all breakers. With JavaScript, the page refreshes itself from `state_view`."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **_state(),
            "title": capfirst(self.opts.verbose_name_plural),
            "breaker_actions": ACTIONS.values() if self.has_drive_permission(request) else [],
        }
        return page(self, request, "list", context)

    @routes.traits(is_quiet=True)
    def state_view(self, request: HttpRequest) -> JsonResponse:
        """The content of the page as JSON: `{at, shared, breakers[]}`."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        state = _state()
        return JsonResponse(state | {"breakers": [asdict(row) for row in state["breakers"]]})

    def action_view(self, request: HttpRequest, name: str, verb: str) -> HttpResponse:
        """GET: show the consequence and the form for the reason. POST: perform the action and return to the list."""
        if not self.has_drive_permission(request):
            raise PermissionDenied
        if name not in breaker_registry.names() or verb not in ACTIONS:
            raise Http404
        action = ACTIONS[verb]
        form = action.form(request.POST or None)
        if form.is_valid() and self._perform(request, name, action, form):
            return HttpResponseRedirect(reverse("admin:chat_circuitbreaker_changelist"))
        context = {
            "title": f"{action.title} – {title_of(name)}",
            "action": action,
            "form": form,
        }
        return page(self, request, "action", context)

    def _perform(self, request: HttpRequest, name: str, action: Action, form: ActionForm) -> bool:
        """Perform the action and log it, both or neither. On failure, add the error to the form and return False."""
        message = summary(action, **form.cleaned_data)
        try:
            with transaction.atomic():
                record(request, CircuitBreaker, name, name, message)
                perform(action, name, who=request.user.get_username(), **form.cleaned_data)
        except StoreUnavailable:
            form.add_error(None, _("Redis is unavailable, so nothing was changed. Try again in a moment."))
            return False
        messages.success(request, f"{title_of(name)} – {message}")
        return True


def _state() -> dict[str, Any]:
    rows = all_breakers()
    return {"at": clock_time(), "shared": all(row.shared for row in rows), "breakers": rows}
