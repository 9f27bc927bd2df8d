"""The client's address of a request, and the networks by which its requests are counted."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings

# Some proxies add the port: 192.0.2.1:4711, [2001:db8::1]:4711.
_WITH_PORT = re.compile(r"\"?(?:\[(?P<v6>[^\]]+)\](?::\d+)?|(?P<v4>[\d.]+):\d+)\"?")
# One connection gets a /64 and may use all its addresses; one customer often gets a /56 or a /48.
NETWORKS = (64, 48)


def client_address(environ: Mapping[str, Any]) -> str:
    """The address that the outermost trusted proxy saw. Entries further left are set by the client: not trusted.

    An invalid entry gives the connection's address, so that a client can't get a new one by malformed entries.
    """
    connection = str(environ.get("REMOTE_ADDR", ""))
    forwarded = str(environ.get("HTTP_X_FORWARDED_FOR", "")).split(",")
    if settings.TRUSTED_PROXIES and len(forwarded) >= settings.TRUSTED_PROXIES:
        return str(_parse(forwarded[-settings.TRUSTED_PROXIES]) or _parse(connection) or connection)
    return str(_parse(connection) or connection)


def networks_of(address: str) -> tuple[str, ...]:
    """The networks to count an address by, narrowest first: the IPv4 address itself, or the IPv6 /64 and /48."""
    parsed = _parse(address)
    if not isinstance(parsed, ipaddress.IPv6Address):
        return (address,)
    return tuple(str(ipaddress.IPv6Network((int(parsed), length), strict=False)) for length in NETWORKS)


@lru_cache(maxsize=1024)  # the same clients come again and again
def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    text = text.strip()
    if match := _WITH_PORT.fullmatch(text):
        text = match["v6"] or match["v4"]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
