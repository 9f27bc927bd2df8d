"""Endpoints for the list of the caller's conversations."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from chat.api import schemas
from chat.history import conversation_list
from observability.caller import caller_of
from observability.timestamps import iso

router = Router(tags=["chat"], by_alias=True)
PAGE_SIZE = 50


@router.get("", summary="List conversations", response=schemas.ConversationPage)
def list_conversations(request: HttpRequest, before: schemas.ListPosition | None = None) -> dict[str, Any]:
    """List the caller's conversations, latest first. `next` is the `before` of the next page."""
    return _page(request, before)


@router.post("/search", summary="Search conversations", response=schemas.ConversationPage)
def search_conversations(request: HttpRequest, body: schemas.SearchIn) -> dict[str, Any]:
    """List the conversations with this text in their title or in a message.

    The text is sent in a body, because proxies log URLs and it may be personal.
    """
    return _page(request, body.before, body.search)


@router.patch("/{conversation_id}", summary="Rename a conversation", response={204: None, 404: None})
def rename_conversation(request: HttpRequest, conversation_id: schemas.PublicId, body: schemas.TitleIn) -> HttpResponse:
    """Give a conversation another title than its first question."""
    conversation_list.rename(caller_of(request).id, conversation_id, body.title)
    return HttpResponse(status=204)


def _page(request: HttpRequest, before: str | None, search: str = "") -> dict[str, Any]:
    rows, following = conversation_list.page(caller_of(request).id, before, PAGE_SIZE, search)
    items = [{"id": row.public_id, "title": row.title, "updated_at": iso(row.updated_at.timestamp())} for row in rows]
    return {"items": items, "next": following}
