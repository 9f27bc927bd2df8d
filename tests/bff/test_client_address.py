"""The client's address, and the networks that it is counted by."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from bff.client_address import client_address, networks_of


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "1.1.1.1", "127.0.0.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (2, "1.1.1.1", "127.0.0.1"),
        (1, "1.1.1.1:4711", "1.1.1.1"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, '"[2001:DB8:0:0::1]"', "2001:db8::1"),
        (1, "2001:db8::1%eth0", "2001:db8::1"),
        (1, "::ffff:1.1.1.1", "1.1.1.1"),
        (1, "unknown", "127.0.0.1"),
        (1, "made up 17", "127.0.0.1"),
        (1, "", "127.0.0.1"),
    ],
)
def test_only_trusted_proxies_set_the_client_address(settings, proxies, forwarded, address):
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", headers={"X-Forwarded-For": forwarded})
    assert client_address(request.META) == address


@pytest.mark.parametrize(
    ("address", "networks"),
    [
        ("192.0.2.1", ("192.0.2.1",)),
        ("2001:db8:1:2:3:4:5:6", ("2001:db8:1:2::/64", "2001:db8:1::/48")),
        ("", ("",)),  # a Unix socket has no address
    ],
)
def test_an_ipv6_address_is_counted_by_its_networks(address, networks):
    assert networks_of(address) == networks
