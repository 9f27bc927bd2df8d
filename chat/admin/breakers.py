"""The circuit breakers on one page, live, with what an operator may order them to do."""

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

from chat.admin.breaker_cards import TITLES, all_cards, clock_time
from chat.admin.breaker_orders import ORDERS, Order, OrderForm, carry_out, summary
from chat.admin.pages import page
from chat.admin.read_only import ReadOnly
from chat.admin.trail import write_down
from chat.models import CircuitBreaker
from chat.upstream import breakers
from chat.upstream.breaker import StoreUnavailable


@admin.register(CircuitBreaker)
class BreakerAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # takes none at run time
    """There is no table behind it: the list is a page of its own, and nothing can be added, changed or deleted."""

    def get_urls(self) -> list[URLPattern]:
        guarded = self.admin_site.admin_view
        return [
            path("", guarded(self.changelist_view), name="chat_circuitbreaker_changelist"),
            path("state/", guarded(self.state_view), name="chat_circuitbreaker_state"),
            path("<slug:name>/<slug:verb>/", guarded(self.order_view), name="chat_circuitbreaker_order"),
        ]

    def has_view_permission(self, request: HttpRequest, obj: CircuitBreaker | None = None) -> bool:
        return super().has_view_permission(request, obj) or self.has_drive_permission(request)

    def has_drive_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("chat.drive_circuitbreaker")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Every breaker, a card each; the page renews itself from `state_view` where there is JavaScript."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **_state(),
            "title": capfirst(self.opts.verbose_name_plural),
            "orders": ORDERS.values() if self.has_drive_permission(request) else [],
        }
        return page(self, request, "page", context)

    def state_view(self, request: HttpRequest) -> JsonResponse:
        """What the page shows, as JSON: `{at, shared, cards[]}`."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        state = _state()
        return JsonResponse(state | {"cards": [asdict(card) for card in state["cards"]]})

    def order_view(self, request: HttpRequest, name: str, verb: str) -> HttpResponse:
        """Asks for the reason and says what will happen; once confirmed, makes it happen."""
        if not self.has_drive_permission(request):
            raise PermissionDenied
        if name not in breakers.NAMES or verb not in ORDERS:
            raise Http404
        order = ORDERS[verb]
        form = order.form(request.POST or None)
        if form.is_valid() and self._obeyed(request, name, order, form):
            return HttpResponseRedirect(reverse("admin:chat_circuitbreaker_changelist"))
        context = {
            "title": f"{order.title} – {TITLES[name]}",
            "order": order,
            "form": form,
        }
        return page(self, request, "order", context)

    def _obeyed(self, request: HttpRequest, name: str, order: Order, form: OrderForm) -> bool:
        """Carry the order out and write it down, both or neither."""
        what = summary(order, **form.cleaned_data)
        try:
            with transaction.atomic():
                write_down(request, CircuitBreaker, name, name, what)
                carry_out(order, breakers.get(name), who=request.user.get_username(), **form.cleaned_data)
        except StoreUnavailable:
            form.add_error(None, _("Redis is away, so nothing was changed. Try again in a moment."))
            return False
        messages.success(request, f"{TITLES[name]} – {what}")
        return True


def _state() -> dict[str, Any]:
    cards = all_cards()
    return {"at": clock_time(), "shared": all(card.shared for card in cards), "cards": cards}
