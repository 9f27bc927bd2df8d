"""What REDIS_URL may look like."""

from __future__ import annotations

import pytest
from environs import ValidationError

from bff import redis_addresses


@pytest.mark.parametrize(
    "address",
    [
        "redis://127.0.0.1:6379/0",
        "rediss://user:secret@redis.example.org:6380/1",
        "unix:///run/redis.sock",
        "redis+sentinel://one:26379,two:26379/service/0",
        "redis+sentinel://:secret@one,[::1]:26379/service?sentinel_password=other",
    ],
)
def test_an_address_that_we_understand(address):
    redis_addresses.check(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "127.0.0.1:6379",
        "http://127.0.0.1",
        "redis:",
        "redis+sentinel://one:26379",
        "redis+sentinel://one:x/service",
    ],
)
def test_an_address_that_we_do_not_understand_is_refused(address):
    with pytest.raises(ValidationError, match="Not like redis"):
        redis_addresses.check(address)


def test_sentinels_and_servers_have_passwords_of_their_own():
    made = redis_addresses.cache(
        "redis+sentinel://me:p%40ss@one,[::1]:5/main/3?client_name=runs&sentinel_password=other",
        timeout=0.1,
        max_connections=5,
    )
    options = made["OPTIONS"]
    assert made["LOCATION"] == "redis://main/3?client_name=runs"
    assert options["SENTINELS"] == [("one", 26379), ("::1", 5)]
    assert (options["USERNAME"], options["PASSWORD"]) == ("me", "p@ss")
    assert options["SENTINEL_KWARGS"]["password"] == "other"
