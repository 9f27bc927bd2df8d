"""Redis trips: commands written at once and their replies read at once, on connections of redis-py's own pool.

    replies = trips.send(("GET", key), increment([other_key], 60))

Commands without a caller that waits for the reply are posted: the next trip of the process takes them along.

redis-py makes the connections – address, TLS, password, Sentinel, timeouts, checks – and its errors are those raised
here. Its methods for commands take 60 to 110 µs a trip instead of 15, for taking a connection, timing the command and
interpreting replies: half a millisecond of a message. A traced process, in which each command is a span, uses the
client's own pipeline. redis_cluster.py sends each command of a trip to its shard.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha1
from time import monotonic, sleep
from typing import Any
from weakref import WeakKeyDictionary

from hiredis import pack_command
from redis import Redis, RedisError
from redis.exceptions import NoScriptError, ResponseError

from observability import tracing

# A connection that was idle for longer goes through the pool, which checks whether the server has closed it.
CHECKED_SECONDS = 0.05

# A posted command waits this long for a trip that takes it along, then makes one of its own.
POST_SECONDS = 0.005

Argument = str | bytes | int | float
Command = tuple[Argument, ...]

_pack: Callable[[Command], bytes] = pack_command  # type: ignore[assignment]  # typed for commands of one word

_sources: dict[Argument, str] = {}


class Script:
    """A Lua script. Commands name it by its digest; Redis gets the source only when it does not know it."""

    def __init__(self, source: str) -> None:
        self._digest = sha1(source.encode(), usedforsecurity=False).hexdigest()
        _sources[self._digest] = source

    def __call__(self, keys: Sequence[str], *arguments: Argument) -> Command:
        """The command that calls it."""
        return ("EVALSHA", self._digest, len(keys), *keys, *arguments)


class _Shared:
    """What all trips through one connection pool share."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, in a forked process: connections and posted commands are its parent's."""
        self.idle: list[tuple[Any, float]] = []  # connections taken from the pool, idle since
        self.posted: deque[Command] = deque()
        self.is_flush_due = False

    def release_idle(self, pool: Any) -> None:
        """Give the idle connections back to their pool, which checks each before it is used again."""
        with suppress(IndexError):
            while True:
                pool.release(self.idle.pop()[0])


_shared: WeakKeyDictionary[Any, _Shared] = WeakKeyDictionary()  # by pool


class RedisTrips:
    """Sends commands through one client. All methods raise `redis.RedisError`; any thread may call them."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._pool = client.connection_pool
        self._shared = _shared.setdefault(self._pool, _Shared())

    def send(self, *commands: Command) -> list[Any]:
        """The reply to each command, from one trip. Raises the first error among them, after all were executed.

        Replies are as Redis sends them.
        """
        replies = self.replies(commands)
        raise_first(replies)
        return replies

    def replies(self, commands: Sequence[Command]) -> list[Any]:
        """The same, with the errors that Redis replied with among the replies."""
        posted, replies = self._trip(commands)
        replies = self._with_sources([*posted, *commands], replies)
        raise_first(replies[: len(posted)])  # a server that refuses one write refuses others
        return replies[len(posted) :]

    def post(self, *commands: Command) -> None:
        """Execute commands without waiting. They are lost if Redis is unavailable.

        The next trip takes them along, before its own commands, and raises an error among their replies.
        """
        if not commands:
            return
        if tracing.is_started():
            self.send(*commands)  # in the span of their own request
            return
        self._shared.posted.extend(commands)
        if not self._shared.is_flush_due:
            self._shared.is_flush_due = True
            threading.Thread(target=self._flush, name="redis-posts").start()  # no daemon: the process waits for it

    def close_idle(self) -> None:
        """Close the idle connections of the pool. The server then has places left for those that are needed."""
        self._shared.release_idle(self._pool)
        self._pool.disconnect(inuse_connections=False)

    def one_key_on_each_shard(self, key: str) -> list[str]:
        """The key: a single server has one shard."""
        return [key]

    def _flush(self) -> None:
        sleep(POST_SECONDS)
        self._shared.is_flush_due = False
        if self._shared.posted:
            with suppress(RedisError, OSError):  # the next caller finds out, too
                self.replies([])

    def _take_posted(self) -> list[Command]:
        posted, taken = self._shared.posted, []
        while posted:
            with suppress(IndexError):  # another thread was quicker
                taken.append(posted.popleft())
        return taken

    def _with_sources(self, commands: Sequence[Command], replies: list[Any]) -> list[Any]:
        """The replies, those to scripts that Redis did not know after sending their sources."""
        if not any(isinstance(reply, NoScriptError) for reply in replies):  # all but the first since Redis started
            return replies
        return [
            self.replies([with_source(command)])[0] if isinstance(reply, NoScriptError) else reply
            for command, reply in zip(commands, replies, strict=True)
        ]

    def _trip(self, commands: Sequence[Command]) -> tuple[list[Command], list[Any]]:
        """The posted commands that were taken along, and all replies, theirs first. Errors are among the replies."""
        if not tracing.is_started():
            return self._exchange(commands)
        pipeline: Any = self._client.pipeline(transaction=False)
        pipeline.response_callbacks = {}  # they would reshape replies
        for command in commands:
            pipeline.execute_command(*command)
        return [], pipeline.execute(raise_on_error=False)

    def _exchange(self, commands: Sequence[Command]) -> tuple[list[Command], list[Any]]:
        connection = self._take()
        try:
            posted = self._take_posted()  # last, so that hardly any other trip can overtake them
            connection.send_packed_command([b"".join(map(_pack, [*posted, *commands]))])
            replies = [_read(connection) for _ in range(len(posted) + len(commands))]
        except BaseException:
            self._discard(connection)
            raise
        self._shared.idle.append((connection, monotonic()))
        return posted, replies

    def _take(self) -> Any:
        """A connection."""
        try:
            connection, since = self._shared.idle.pop()
        except IndexError:
            return self._pool.get_connection()
        if monotonic() - since < CHECKED_SECONDS and not connection.should_reconnect():
            return connection
        self._pool.release(connection)
        return self._pool.get_connection()

    def _discard(self, connection: Any) -> None:
        """Close a connection on which replies may still arrive. The pool checks the idle ones: they may be broken."""
        connection.disconnect()
        self._pool.release(connection)
        self._shared.release_idle(self._pool)


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


def with_source(command: Command) -> Command:
    """The same call, with the script itself, which Redis keeps from now on. A command that calls none is unchanged."""
    return ("EVAL", _sources[command[1]], *command[2:]) if command[0] == "EVALSHA" else command


def _forget_all() -> None:
    for shared in _shared.values():
        shared.forget()


os.register_at_fork(after_in_child=_forget_all)
