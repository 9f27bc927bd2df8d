"""Renders untrusted Markdown as safe HTML."""

from __future__ import annotations

from collections.abc import Container

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from chat.core import links, phone_numbers


def as_html(text: str, numbers: Container[str] = ()) -> SafeString:
    """The text as sanitised HTML: no scripts; links only to web pages and these telephone numbers (as
    `phone_numbers.dialled` gives them), that say where they lead.
    """
    html = nh3.clean(_markdown.render(text, {"numbers": numbers}), url_schemes={"http", "https", "tel", "sms"})
    return mark_safe(html)  # noqa: S308 sanitised


def _show_destinations(state: StateCore) -> None:
    """A markdown-it rule: forbidden links become plain text; allowed ones are followed by `links.destination`."""
    for block in state.tokens:
        if block.children is not None:
            block.children = _with_destinations(block.children, state.env["numbers"])


def _with_destinations(tokens: list[Token], numbers: Container[str]) -> list[Token]:
    # Links don't nest, so each ends at the next `link_close`.
    kept: list[Token] = []
    opening, words = None, ""
    for token in tokens:
        if token.type == "link_open":
            opening, words = token, ""
        address = str(opening.attrs["href"]) if opening is not None else ""
        words += token.content
        if not token.type.startswith("link_") or links.is_allowed(address, numbers):
            kept.append(token)
        if token.type == "link_close":
            if links.is_allowed(address, numbers) and (shown := links.destination(address, words)):
                kept.append(Token("text", "", 0, content=f" ({shown})"))
            opening = None
    return kept


def _link_phone_numbers(state: StateCore) -> None:
    """A markdown-it rule: the telephone numbers that may be called become links, outside others."""
    for block in state.tokens:
        depth = 0
        tokens: list[Token] = []
        for token in block.children or []:
            depth += token.nesting if token.type in {"link_open", "link_close"} else 0
            is_plain = token.type == "text" and not depth
            tokens += _with_links(token, state.env["numbers"]) if is_plain else [token]
        if block.children is not None:
            block.children = tokens


def _with_links(text: Token, numbers: Container[str]) -> list[Token]:
    tokens: list[Token] = []
    for piece, address in phone_numbers.split(text.content):
        content = Token("text", "", 0, content=piece)
        opening = Token("link_open", "a", 1, attrs={"href": address})
        is_link = address and phone_numbers.dialled(address) in numbers
        tokens += [opening, content, Token("link_close", "a", -1)] if is_link else [content]
    return tokens


_markdown = MarkdownIt("js-default").disable("image")  # pages must not load anything from other sites
_markdown.core.ruler.after("inline", "phone_numbers", _link_phone_numbers)
# Runs before the rule for telephone numbers.
_markdown.core.ruler.after("inline", "destinations", _show_destinations)
