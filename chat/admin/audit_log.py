"""Operators' actions, written to Django's admin log."""

from __future__ import annotations

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest


def record(request: HttpRequest, model: type[Model], object_id: str, name: str, message: str) -> None:
    """Write one log entry. `message` is in the operator's language and holds no conversation content."""
    LogEntry.objects.create(
        user_id=request.user.pk,  # type: ignore[misc]  # admin views require a login
        content_type=ContentType.objects.get_for_model(model),
        object_id=object_id,
        object_repr=name,
        action_flag=CHANGE,
        change_message=message,
    )
