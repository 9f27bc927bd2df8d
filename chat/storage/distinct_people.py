"""Counts the people of different networks who did the same thing.

Redis holds one small hash for each thing: pseudonyms of people, each with that of their network. One person, or all
people of one network, count once, because a visitor gets a new identity by deleting a cookie.
"""

from __future__ import annotations

from typing import NamedTuple

from observability.pseudonyms import pseudonym
from observability.redis_trips import Command, Script
from observability.shared_redis import shared_redis

# Returns the number of people, at most ARGV[3], and whether this one is new among them or beyond them.
_add = Script("""
local person, network, most, lifetime = unpack(ARGV)
local networks = redis.call('HVALS', KEYS[1])
if redis.call('HEXISTS', KEYS[1], person) == 1 then return {#networks, 0} end
for _, counted in ipairs(networks) do
  if counted == network then return {#networks, 0} end
end
if #networks >= tonumber(most) then return {#networks, 1} end
redis.call('HSET', KEYS[1], person, network)
redis.call('EXPIRE', KEYS[1], lifetime)
return {#networks + 1, 1}
""")


class Counted(NamedTuple):
    """The number of people so far, and whether the last one counts."""

    people: int
    is_new: bool


class DistinctPeople:
    """The people counted for one purpose: their pseudonyms differ from those of other purposes."""

    def __init__(self, purpose: str) -> None:
        self._purpose = purpose

    def add(self, key: str, person: str, network: str, *, most: int, lifetime: int) -> Counted | None:
        """Count a person, for `lifetime` seconds; None while Redis is unavailable. No more than `most` are stored."""
        replies = shared_redis.send(self.command_to_add(key, person, network, most=most, lifetime=lifetime))
        return Counted(replies[0][0], bool(replies[0][1])) if replies else None

    def command_to_add(self, key: str, person: str, network: str, *, most: int, lifetime: int) -> Command:
        """The command of `add`; the reply begins with the number of people so far."""
        return _add([key], self.pseudonym(person), self.pseudonym(network), most, lifetime)

    def remove(self, key: str, person: str) -> None:
        shared_redis.send(("HDEL", key, self.pseudonym(person)))

    def pseudonym(self, *parts: str) -> str:
        return pseudonym(self._purpose, *parts)
