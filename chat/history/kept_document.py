"""A document that a person keeps in a conversation, so that later questions can be about it.

Stored in the JSON column `Message.document` of the question: `{fileName, text, facts, pages, pagesRead, unread}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from chat.core.clean_text import storable
from chat.documents.reading import Document
from observability import masking

# Of the text that are kept: about four full pages; its facts are kept whole. At least as much as a prompt has room for,
# which says whether it has the beginning alone.
MAX_CHARACTERS = 12_000


def kept(document: Document, file_name: str) -> dict[str, Any]:
    """What is stored: without identifiers of persons, as the AI has read it."""
    facts = asdict(document.facts)
    text = storable(document.text[:MAX_CHARACTERS])
    return {"fileName": storable(masking.mask(file_name)), "text": text, "facts": facts, **document.extent()}


def as_prompt_text(document: Mapping[str, Any]) -> str:
    """The facts, one a line, what was not read, and the text."""
    facts = document["facts"]
    dates = [f"{date['label']} : {date['iso'] or date['text']}" for date in facts["dates"]]
    # A reference may look like a telephone number, and those stored earlier may be other numbers of persons.
    others = [f"{kind} : {masking.mask(fact['text'])}" for kind in ("amounts", "references") for fact in facts[kind]]
    unread = [f"unread : {each['part']} {each['page'] or ''}".strip() for each in document["unread"]]
    return "\n".join([*dates, *others, *unread, "", document["text"]])


def as_json(document: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The fields of chat.api.schemas.KeptDocument."""
    if document is None:
        return None
    extent = {name: document[name] for name in ("pages", "pagesRead", "unread")}
    names = {"fileName": document["fileName"], "document": document["text"], "extractedData": document["facts"]}
    return names | extent
