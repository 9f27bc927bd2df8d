"""The number by which the logs know what just happened, for pages that may be rendered without any context."""

from __future__ import annotations

from django import template

from observability import correlation

register = template.Library()


@register.simple_tag
def reference() -> str:
    """The correlation id of this request."""
    return correlation.current()
