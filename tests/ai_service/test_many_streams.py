from __future__ import annotations

import selectors
import time

from tests.ai_service.asking import open_call
from tests.waiting import eventually

STREAMS = 200


def test_two_hundred_streams_flow_at_their_pace_side_by_side(ai):
    ai.pace(50)
    begun = time.monotonic()
    with selectors.DefaultSelector() as selector:
        for _ in range(STREAMS):
            selector.register(open_call(ai), selectors.EVENT_READ, bytearray())
        most_open = ai.open_calls
        ended = read_all(selector)
    assert most_open > STREAMS / 2
    assert all(b"[DONE]" in text for text in ended)
    longest = max(text.count(b'"content":"') for text in ended) / 50
    assert time.monotonic() - begun < longest + 4
    eventually(lambda: ai.open_calls == 0)
    assert {call["ended"] for call in ai.requests} == {"complete"}


def read_all(selector: selectors.DefaultSelector) -> list[bytearray]:
    """What each connection received up to its stream's end."""
    ended = []
    while selector.get_map():
        for key, _ in selector.select(timeout=5):
            key.data.extend(key.fileobj.recv(65536))
            if key.data.endswith(b"0\r\n\r\n"):
                selector.unregister(key.fileobj)
                key.fileobj.close()
                ended.append(key.data)
    return ended
