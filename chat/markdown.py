"""Markdown as HTML that is safe whatever the text."""

from __future__ import annotations

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_markdown = MarkdownIt("js-default").disable("image")  # nothing on the page is fetched from elsewhere


def as_html(text: str) -> SafeString:
    """The text rendered, and then cleaned of everything that could run or lead to anything but a page or a phone."""
    return mark_safe(nh3.clean(_markdown.render(text), url_schemes={"http", "https", "tel"}))  # noqa: S308 cleaned here
