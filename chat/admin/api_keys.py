"""API keys: create (the key is shown once), list and revoke. Never deleted: their use stays traceable."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.admin.pages import page
from chat.history import api_keys
from chat.models import ApiKey
from observability import logs

log = logs.get_logger(__name__)


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # takes none at run time
    list_display = ["name", "key_prefix", "in_force", "created_at", "last_used_on", "expires_at"]
    ordering = ["-created_at"]
    actions = ["revoke"]

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        return ("name", "expires_at", "daily_answers", *self.get_readonly_fields(request, obj))

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        existing_key_fields = ("key_prefix", "in_force", "created_at", "last_used_on", "revoked_at")
        return existing_key_fields if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if not change:
            created, request.new_api_key = api_keys.create(obj.name, obj.expires_at)  # type: ignore[attr-defined]
            obj.prefix, obj.digest = created.prefix, created.digest
        super().save_model(request, obj, form, change)
        log.info("API key changed" if change else "API key made", user_id=str(request.user.pk), code=obj.prefix)

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """Show the key once. Rendered directly, because a redirect would have to store the key in between."""
        context = {
            "title": _("The new API key"),
            "api_key": obj,
            "key": request.new_api_key,  # type: ignore[attr-defined]
        }
        return page(self, request, "shown_once", context)

    @admin.action(description=_("Revoke the selected keys"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for row in queryset.filter(revoked_at=None):
            ApiKey.objects.filter(pk=row.pk).update(revoked_at=timezone.now())
            self.log_change(request, row, str(_("Revoked.")))
            log.info("API key revoked", user_id=str(request.user.pk), code=row.prefix)
        self.message_user(request, _("Revoked. They are refused everywhere within a few seconds."))

    @admin.display(description=_("begins with"), ordering="prefix")
    def key_prefix(self, obj: ApiKey) -> str:
        return f"{obj.prefix}…"

    @admin.display(description=_("in force"), boolean=True)
    def in_force(self, obj: ApiKey) -> bool:
        return obj.is_in_force
