"""What counts as a client's disconnect, on the connection itself."""

from __future__ import annotations

import os
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.test import RequestFactory

from chat.encoders.client_disconnect import POLL_SECONDS, watch_connection

SEVERAL_CHECKS = 4 * POLL_SECONDS


@pytest.fixture
def connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client's end and the server's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    with client, server:
        yield client, server


@contextmanager
def watched(server: socket.socket) -> Iterator[threading.Event]:
    """The event is set when the server's end is found disconnected."""
    request, is_gone = RequestFactory().get("/"), threading.Event()
    request.META["gunicorn.socket"] = server
    with watch_connection(request, is_gone.set):
        yield is_gone


@contextmanager
def no_free_descriptors() -> Iterator[None]:
    """Whatever opens a file in this process fails with EMFILE."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_a_client_is_not_gone_because_the_worker_has_no_free_descriptor(connection):
    client, server = connection
    with watched(server) as is_gone:
        with no_free_descriptors():
            assert not is_gone.wait(SEVERAL_CHECKS)
        client.close()
        assert is_gone.wait(SEVERAL_CHECKS)


def test_a_client_that_has_sent_more_is_there_until_it_leaves(connection):
    client, server = connection
    client.sendall(b"GET / HTTP/1.1\r\n\r\n")
    with watched(server) as is_gone:
        assert not is_gone.wait(SEVERAL_CHECKS)
        client.close()
        assert is_gone.wait(SEVERAL_CHECKS)


def test_a_reset_is_a_disconnect(connection):
    client, server = connection
    with watched(server) as is_gone:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        client.close()
        assert is_gone.wait(SEVERAL_CHECKS)
