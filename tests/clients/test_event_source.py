"""The browsers' EventSource: it reconnects by itself and resumes after the last event received."""

from __future__ import annotations

import pytest
import requests

from ai_service.control import StandIn
from tests.clients.conftest import Node
from tests.support.server import Server
from tests.support.sse import parse_parts, text_of

pytestmark = pytest.mark.django_db(transaction=True)


def ask(instance: Server, token: str, conversation: str, question: str) -> requests.Response:
    """Start an answer, which can be resumed once this returns."""
    body = {"id": conversation, "messages": [{"role": "user", "parts": [{"type": "text", "text": question}]}]}
    headers = {"Authorization": f"Bearer {token}"}
    return requests.post(f"{instance.url}/api/chat/stream", json=body, headers=headers, stream=True, timeout=30)


def test_event_source_reconnects_and_receives_each_part_once(node: Node, instances, token, conversation, ai: StandIn):
    ai.pace(20)
    here, there = instances
    with ask(here, token, conversation, "Comment préparer la rentrée scolaire ?") as first:
        url = f"{there.url}/api/chat/{conversation}/stream"
        received = node("event_source.mjs")(url=url, token=token, lose_after=6)
        whole = list(parse_parts(first.iter_lines()))
    first_connection, second, *last = received["connections"]
    assert (first_connection["status"], first_connection["last_event_id"]) == (200, None)
    assert second["status"] == 200
    assert second["last_event_id"] in received["ids"][5:]  # more than six may have come with the sixth
    assert [connection["status"] for connection in last] == [204]  # the answer is complete: no more reconnects
    assert received["closed_by"] == 204
    assert text_of(received["parts"]) == text_of(whole)
    kinds = [part["type"] for part in received["parts"]]
    assert [kinds.count(kind) for kind in ("start", "text-start", "text-end", "finish")] == [1, 1, 1, 1]
    assert received["parts"][-1]["type"] == "finish"
