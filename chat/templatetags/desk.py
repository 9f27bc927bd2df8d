"""`{% at_a_glance as desk %}`: what the desk's first page shows to whoever looks."""

from __future__ import annotations

from typing import Any

from django import template

from chat.admin import desk

register = template.Library()


@register.simple_tag(takes_context=True)
def at_a_glance(context: template.Context) -> dict[str, Any]:
    return desk.at_a_glance(context["request"])
