"""EventSource, as browsers have it: it reads on by itself where it lost the connection."""

from __future__ import annotations

import pytest
import requests

from ai_service.control import StandIn
from tests.clients.conftest import Node
from tests.frames import parts_in, text_of
from tests.server import Server

pytestmark = pytest.mark.django_db(transaction=True)


def ask(instance: Server, token: str, conversation: str, question: str) -> requests.Response:
    """Begin an answer; it is there to be resumed once this returns."""
    body = {"id": conversation, "messages": [{"role": "user", "parts": [{"type": "text", "text": question}]}]}
    headers = {"Authorization": f"Bearer {token}"}
    return requests.post(f"{instance.url}/api/chat/stream", json=body, headers=headers, stream=True, timeout=30)


def test_event_source_connects_again_and_hears_each_part_once(node: Node, instances, token, conversation, ai: StandIn):
    ai.pace(20)
    here, there = instances
    with ask(here, token, conversation, "Comment préparer la rentrée scolaire ?") as first:
        url = f"{there.url}/api/chat/{conversation}/stream"
        heard = node("event_source.mjs", url=url, token=token, lose_after=6)
        whole = list(parts_in(first.iter_lines()))
    first_connection, second, *last = heard["connections"]
    assert (first_connection["status"], first_connection["last_event_id"]) == (200, None)
    assert (second["status"], second["last_event_id"]) == (200, heard["ids"][5])
    assert [connection["status"] for connection in last] == [204]  # it has it all: it stays away
    assert heard["closed_by"] == 204
    assert text_of(heard["parts"]) == text_of(whole)
    kinds = [part["type"] for part in heard["parts"]]
    assert [kinds.count(kind) for kind in ("start", "text-start", "text-end", "finish")] == [1, 1, 1, 1]
    assert heard["parts"][-1]["type"] == "finish"
