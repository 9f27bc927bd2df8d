"""Template tags and filters of the admin."""

from __future__ import annotations

from typing import Any

from django import template

from chat.admin import dashboard
from chat.admin.provenance_words import in_words

register = template.Library()
register.filter("in_words", in_words)


@register.simple_tag(takes_context=True)
def dashboard_overview(context: template.Context) -> dict[str, Any]:
    """The sections of the admin's first page that the user may see."""
    return dashboard.overview(context["request"])
