"""The doors to one's own data, as a whole: take it along, or have it deleted."""

from __future__ import annotations

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Router

from chat import personal_data, schemas
from chat.api import caller_of, deleted

router = Router(tags=["me"], by_alias=True)


@router.get("/export", response=schemas.ExportOut)
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Everything that is kept of the caller, as one JSON document."""
    headers = {"Content-Disposition": 'attachment; filename="chat-bff.json"'}
    return StreamingHttpResponse(
        personal_data.export(caller_of(request)), content_type="application/json", headers=headers
    )


@router.delete("", response=schemas.ResetOut)
def erase(request: HttpRequest) -> dict[str, int]:
    """Delete everything that is kept of the caller, and of an unclaimed visitor whose cookie they send.

    Where a part can't be reached, 503: asking again deletes it.
    """
    return deleted(personal_data.erase, caller_of(request), request.caller.visitor)  # type: ignore[attr-defined]
