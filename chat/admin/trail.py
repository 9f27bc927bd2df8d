"""What people at the desk did, written into Django's own admin log."""

from __future__ import annotations

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest


def write_down(request: HttpRequest, model: type[Model], object_id: str, name: str, what: str) -> None:
    """One line, in the words of whoever did it. `what` holds no content of conversations."""
    LogEntry.objects.create(
        user_id=request.user.pk,  # type: ignore[misc]  # nobody anonymous gets here
        content_type=ContentType.objects.get_for_model(model),
        object_id=object_id,
        object_repr=name,
        action_flag=CHANGE,
        change_message=what,
    )
