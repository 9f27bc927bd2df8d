"""Whether something listens."""

from __future__ import annotations

import socket


def is_taken(host: str, port: int) -> bool:
    """Whether a connection to this address is accepted just now."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0
