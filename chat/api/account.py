"""Endpoints for a caller's personal data: export and deletion."""

from __future__ import annotations

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Router

from chat.api import schemas
from chat.history import personal_data
from chat.pipeline import conversation_control
from observability import routes
from observability.caller import caller_of

router = Router(tags=["me"], by_alias=True)


@router.get("/export", summary="Export one's own data", response=schemas.ExportOut)
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Export everything that is stored about the caller as one JSON document."""
    headers = {"Content-Disposition": 'attachment; filename="chat-bff.json"'}
    return StreamingHttpResponse(
        personal_data.export(caller_of(request).id), content_type="application/json", headers=headers
    )


@routes.traits(ends_visitor=True)
@router.delete("", summary="Delete one's own data", response=schemas.ErasedOut)
def erase(request: HttpRequest) -> dict[str, int]:
    """Delete everything that is stored about the caller, and about the unclaimed visitor of the request's cookie.

    503 if some data could not be deleted; the client should retry.
    """
    caller = caller_of(request)
    return {"deleted": conversation_control.erase_person(caller.id, caller.visitor)}
