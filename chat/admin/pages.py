"""Rendering of admin pages beyond Django's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.template.response import TemplateResponse


def page(model_admin: ModelAdmin[Any], request: HttpRequest, name: str, context: Mapping[str, Any]) -> TemplateResponse:
    """Render `admin/chat/{model}/{name}.html`. `context` must hold a `title`."""
    admin_context = {**model_admin.admin_site.each_context(request), "opts": model_admin.opts}
    template = f"admin/{model_admin.opts.app_label}/{model_admin.opts.model_name}/{name}.html"
    return TemplateResponse(request, template, admin_context | dict(context))
