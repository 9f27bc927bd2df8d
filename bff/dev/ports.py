"""Which ports are in use."""

from __future__ import annotations

import socket


def is_taken(host: str, port: int) -> bool:
    """Whether a process accepts connections at this address."""
    try:
        socket.create_connection((host, port), timeout=0.5).close()
    except OSError:
        return False
    return True
