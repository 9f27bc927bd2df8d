from __future__ import annotations

import selectors
import socket

from tests.ai_service.client import open_call
from tests.support.polling import eventually

STREAMS = 200


def test_two_hundred_concurrent_streams_are_complete(ai):
    ai.pace(50)
    with selectors.DefaultSelector() as selector:
        for _ in range(STREAMS):
            selector.register(open_call(ai), selectors.EVENT_READ, bytearray())
        most_open = ai.open_calls
        ended = read_all(selector)
    assert most_open > STREAMS / 2
    assert all(b"[DONE]" in text for text in ended)
    eventually(lambda: ai.open_calls == 0)
    assert {call["ended"] for call in ai.requests} == {"complete"}


def read_all(selector: selectors.DefaultSelector) -> list[bytearray]:
    """What each connection received up to its stream's end."""
    ended = []
    while selector.get_map():
        for key, _ in selector.select(timeout=5):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            key.data.extend(connection.recv(65536))
            if key.data.endswith(b"0\r\n\r\n"):
                selector.unregister(connection)
                connection.close()
                ended.append(key.data)
    return ended
