"""`{% reference %}`: the short form of the correlation id, for error pages that may be rendered without any context."""

from __future__ import annotations

from django import template

from observability import correlation

register = template.Library()


@register.simple_tag
def reference() -> str:
    """The short correlation id of this request."""
    return correlation.short(correlation.current())
