"""Pages of the desk beside those that Django brings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.template.response import TemplateResponse


def page(of: ModelAdmin[Any], request: HttpRequest, name: str, context: Mapping[str, Any]) -> TemplateResponse:
    """`admin/chat/{model}/{name}.html`; its `context` begins with a `title`."""
    around = {**of.admin_site.each_context(request), "opts": of.opts}
    template = f"admin/{of.opts.app_label}/{of.opts.model_name}/{name}.html"
    return TemplateResponse(request, template, around | dict(context))
