"""A log of the message texts that staff have read: an append-only table, for superusers and staff with permission."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib import admin
from django.http import HttpRequest

from chat.admin.read_only import ReadOnly
from chat.models import Reading


def record_reading(request: HttpRequest, what: Reading.What, conversations: Iterable[str]) -> None:
    """Store that this person is shown texts of these conversations, given by their public ids."""
    user = request.user
    Reading.objects.create(
        reader_id=str(user.pk), reader_name=user.get_username(), what=what, conversations=list(conversations)
    )


@admin.register(Reading)
class ReadingAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # takes none at run time
    list_display = ["read_at", "reader_name", "what", "conversation_count"]
    list_filter = ["read_at", "what"]
    search_fields = ["=reader_name", "=reader_id"]
    list_per_page = 50
    show_full_result_count = False

    @admin.display(description=Reading._meta.get_field("conversations").verbose_name)
    def conversation_count(self, obj: Reading) -> int:
        return len(obj.conversations)
