"""Redis trips: commands written at once and their replies read at once, on connections of redis-py's own pool.

    replies = trips.send(("GET", key), increment([other_key], 60))

redis-py makes the connections – address, TLS, password, Sentinel, timeouts, checks – and its errors are those raised
here. Its methods for commands would cost a message half a millisecond more: 60 to 110 µs a trip instead of 15, most of
it for taking a connection, timing the command and interpreting replies. A traced process, in which each command is a
span, uses the client's own pipeline. redis_cluster.py sends each command of a trip to its shard.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha1
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

from redis import Redis
from redis.exceptions import ConnectionError, NoScriptError, ResponseError  # noqa: A004 redis-py's own

from observability import tracing

# A connection that was idle for longer goes through the pool, which checks whether the server has closed it.
CHECKED_SECONDS = 0.05

Argument = str | bytes | int | float
Command = tuple[Argument, ...]

_sources: dict[Argument, str] = {}
# The idle connections taken from each pool: connection, idle since, replies still to be read.
_idle: WeakKeyDictionary[Any, list[tuple[Any, float, int]]] = WeakKeyDictionary()


class Script:
    """A Lua script. Commands name it by its digest; Redis gets the source only when it does not know it."""

    def __init__(self, source: str) -> None:
        self._digest = sha1(source.encode(), usedforsecurity=False).hexdigest()
        _sources[self._digest] = source

    def __call__(self, keys: Sequence[str], *arguments: Argument) -> Command:
        """The command that calls it."""
        return ("EVALSHA", self._digest, len(keys), *keys, *arguments)


class RedisTrips:
    """Sends commands through one client. All methods raise `redis.RedisError`; any thread may call them.

    All that use one pool share its idle connections.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._pool = client.connection_pool
        self._idle = _idle.setdefault(self._pool, [])

    def send(self, *commands: Command) -> list[Any]:
        """The reply to each command, from one trip. Raises the first error among them, after all were executed.

        Replies are as Redis sends them, but a status such as OK may be True.
        """
        replies = self.replies(commands)
        raise_first(replies)
        return replies

    def replies(self, commands: Sequence[Command]) -> list[Any]:
        """The same, with the errors that Redis replied with among the replies."""
        replies = self._trip(commands)
        if any(isinstance(reply, NoScriptError) for reply in replies):  # the first calls since Redis started
            replies = [
                self._trip([_with_source(command)])[0] if isinstance(reply, NoScriptError) else reply
                for command, reply in zip(commands, replies, strict=True)
            ]
        return replies

    def post(self, *commands: Command) -> None:
        """Write the commands without waiting. The next trip on the connection reads the replies, and raises an error
        among them: a server that refuses one write refuses others. Not for a script that Redis may not know yet.
        """
        if self._is_traced:
            self.send(*commands)
        else:
            self._exchange(commands, reads_replies=False)

    @property
    def _is_traced(self) -> bool:
        return tracing.is_started()

    def _trip(self, commands: Sequence[Command]) -> list[Any]:
        """The replies, errors among them."""
        if not self._is_traced:
            return self._exchange(commands)
        pipeline: Any = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        replies: list[Any] = pipeline.execute(raise_on_error=False)
        return replies

    def _exchange(self, commands: Sequence[Command], *, reads_replies: bool = True) -> list[Any]:
        connection, earlier = self._take()
        try:
            connection.send_packed_command(connection.pack_commands(commands))
            replies = [_read(connection) for _ in commands] if reads_replies else []
        except BaseException:
            self._discard(connection)
            raise
        self._idle.append((connection, monotonic(), 0 if reads_replies else len(commands)))
        raise_first(earlier)
        return replies

    def _take(self) -> tuple[Any, list[Any]]:
        """A connection, and the replies to the commands that were posted on it."""
        try:
            connection, since, unread = self._idle.pop()
        except IndexError:
            return self._pool.get_connection(), []
        try:
            replies = [_read(connection) for _ in range(unread)]
        except BaseException as error:
            self._discard(connection)
            if isinstance(error, ConnectionError):  # closed by the server
                return self._pool.get_connection(), []
            raise
        if monotonic() - since < CHECKED_SECONDS and not connection.should_reconnect():
            return connection, replies
        self._pool.release(connection)
        return self._pool.get_connection(), replies

    def _discard(self, connection: Any) -> None:
        """Close a connection on which replies may still arrive, and idle ones with such replies.

        The other idle ones go through the pool, which checks whether they are broken, too. It would not notice a reply
        that arrives after its check.
        """
        connection.disconnect()
        self._pool.release(connection)
        with suppress(IndexError):
            while True:
                other, _, unread = self._idle.pop()
                if unread:
                    other.disconnect()
                self._pool.release(other)


def _read(connection: Any) -> Any:
    """One reply, or the error that Redis replied with. Raises other errors, after which the connection is closed."""
    try:
        return connection.read_response()
    except ResponseError as error:
        return error


def raise_first(replies: Sequence[Any]) -> None:
    for reply in replies:
        if isinstance(reply, ResponseError):
            raise reply


def _with_source(command: Command) -> Command:
    """The same call, with the script itself, which Redis keeps from now on."""
    return ("EVAL", _sources[command[1]], *command[2:])


def _forget_connections() -> None:
    """In a forked process: they belong to its parent."""
    for idle in _idle.values():
        idle.clear()


os.register_at_fork(after_in_child=_forget_connections)
