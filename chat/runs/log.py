"""Runs as the fleet sees them, in Redis. Every key expires by itself.

bff:run:{run}          stream   the log: `p` who leads, `n` number of the first event, `e` the encoded events,
                                    or `x` a reader who left
bff:flight:{key}       string   who answers this question now: "{process} {run}"
bff:process:{process}  string   a lease: this process lives; one renewal serves all the runs it leads
bff:wishes:{process}   set      "{run} ": end it; "{run} {reader}": this reader leaves; "{run} +": one far away reads
bff:reading:{run}      string   a lease: somebody on another instance reads this run
bff:runs-of:{scope}    set      "{run}": the logs of answers that are one caller's own
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from time import monotonic
from typing import Any, NamedTuple

from redis import Redis
from redis.commands.core import Script

from chat import events
from chat.events import Event, Finish
from chat.runs.run import Run
from chat.store import Store, answer_at
from chat.store import answers as shared

LEASE_SECONDS = 3  # a process that died is noticed this late at most
FLIGHT_SECONDS = 120  # longer than any deadline: it is released at the end, and void once its process has died
LOG_SECONDS = 600  # an answer can be read again for so long
LOG_MAX_ENTRIES = 20_000
TAIL_SECONDS = 1.0
HICCUP_SECONDS = 2.0  # an absence of Redis that a reader elsewhere had better wait out: what was said is not lost
END, READ_AFAR = "", "+"

# Tailing waits on purpose, so it has a pool with longer timeouts than everything else.
tailing = Store("runs")

_LEAD = """
local holder = redis.call('GET', KEYS[1])
if not holder or redis.call('EXISTS', ARGV[4] .. string.match(holder, '^%S+')) == 0 then
  holder = ARGV[1] .. ' ' .. ARGV[2]
  redis.call('SET', KEYS[1], holder, 'EX', ARGV[3])
  redis.call('SET', ARGV[4] .. ARGV[1], '', 'EX', ARGV[5])
end
return {holder, redis.call('EXISTS', KEYS[2])}
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end"


class Holder(NamedTuple):
    """Who answers a question, and whether an answer to it was kept, fresh or not, when that was asked."""

    process: str
    run: str
    has_kept_answer: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log: its place in the stream, and either a batch of events, `first` being the number of the
    first of them, or the name of a reader who left."""

    place: str
    first: int
    events: list[Event]
    left: str


@cache
def _script(source: str) -> Script:
    return Redis().register_script(source)


def holder_of(flight: str, process: str, run: str) -> Holder | None:
    """Who answers this question: whoever began first and lives; None when Redis is away."""
    keys = [f"bff:flight:{flight}", answer_at(flight)]
    arguments: list[str | int] = [process, run, FLIGHT_SECONDS, "bff:process:", LEASE_SECONDS]
    found: Any = shared.ask(lambda redis: _script(_LEAD)(keys, arguments, client=redis), None)
    if found is None:
        return None
    leader, _, run_id = found[0].decode().partition(" ")
    return Holder(leader, run_id, bool(found[1]))


def publish(process: str, runs: Iterable[tuple[Run, Sequence[Event]]]) -> bool:
    """Write what is new of each run, in one trip; of each that has ended what is to be kept; then free its question.

    False: Redis is away.
    """

    def write(redis: Redis) -> bool:
        pipe: Any = redis.pipeline(transaction=False)
        for run, new in runs:
            key = f"bff:run:{run.id}"
            fields = {"p": process, "n": run.published, "e": events.encode(new)}
            pipe.xadd(key, fields, maxlen=LOG_MAX_ENTRIES, approximate=True)
            pipe.expire(key, LOG_SECONDS)  # each time: whoever was forgotten meanwhile had the key deleted
            if run.published == 0 and (owner := run.owner):
                pipe.sadd(f"bff:runs-of:{owner}", run.id)
                pipe.expire(f"bff:runs-of:{owner}", LOG_SECONDS)
            if isinstance(finish := new[-1], Finish):
                for keep in run.last_writes(finish):
                    keep(pipe)
                pipe.eval(_RELEASE, 1, f"bff:flight:{run.flight}", f"{process} {run.id}")
        pipe.execute()
        return True

    return shared.ask(write, False)


def renew(process: str) -> None:
    """Say that this process lives."""
    shared.ask(lambda redis: redis.set(f"bff:process:{process}", "", ex=LEASE_SECONDS), None)


def wishes(process: str) -> list[tuple[str, str]]:
    """What other processes want of the runs that this one leads, each told once: the run, and END, READ_AFAR or the
    name of a reader who leaves.
    """
    found: Any = shared.ask(lambda redis: redis.spop(f"bff:wishes:{process}", 1000), [])  # type: ignore[arg-type, return-value]
    return [(run, wish) for run, _, wish in (entry.decode().partition(" ") for entry in found)]


def leader_of(run_id: str) -> str | None:
    """The process that writes or wrote this run; None when the fleet knows no such run."""
    entries: list[Any] = shared.ask(lambda redis: redis.xrange(f"bff:run:{run_id}", count=1), [])  # type: ignore[arg-type, return-value]
    return entries[0][1][b"p"].decode() if entries else None


def lives(process: str) -> bool:
    """False only when Redis says so; that Redis is away is for `tail` to find."""
    return bool(shared.ask(lambda redis: redis.exists(f"bff:process:{process}"), 1))


def tail(run_id: str, after: str, wait_seconds: float = TAIL_SECONDS) -> list[Entry] | None:
    """The log's entries behind `after`, waited for at most so long; None when Redis is away for more than a hiccup."""
    until = None
    while (found := _tail(run_id, after, wait_seconds)) is None:
        until = until or monotonic() + HICCUP_SECONDS
        if monotonic() >= until:
            return None
        tailing.wait(until - monotonic())
    return [
        Entry(place.decode(), int(fields[b"n"]), events.decode(fields[b"e"]), fields.get(b"x", b"").decode())
        for _, entries in found
        for place, fields in entries
    ]


def _tail(run_id: str, after: str, wait_seconds: float) -> Any:
    key = f"bff:run:{run_id}"
    return tailing.ask(lambda redis: redis.xread({key: after}, count=500, block=int(wait_seconds * 1000)) or [], None)


def forget(owner: str) -> bool:
    """Delete the logs of one caller's own answers; False when Redis is away.

    What an answer under way still writes expires by itself.
    """

    def purge(redis: Redis) -> bool:
        index = f"bff:runs-of:{owner}"
        runs: set[bytes] = redis.smembers(index)  # type: ignore[assignment]
        redis.delete(index, *(f"bff:run:{run.decode()}" for run in runs))
        return True

    return shared.ask(purge, False)


def ask_to_stop(process: str, run_id: str) -> None:
    """Have the process that leads this run end it."""
    _wish(process, run_id, END)


def ask_for_news(process: str, run_id: str) -> None:
    """Have the process that leads this run publish it as fast as it can: somebody is waiting.

    They are about to read: until they are announced it must not find the run unread.
    """
    _wish(process, run_id, READ_AFAR)


def tell_left(run_id: str, reader: str) -> None:
    """Let every process that has readers of this run know that this one leaves."""
    if (leader := leader_of(run_id)) is None:
        return
    fields: dict[Any, Any] = {"p": leader, "n": 0, "e": b"[]", "x": reader}

    def tell(redis: Redis) -> None:
        pipe: Any = redis.pipeline(transaction=False)
        pipe.xadd(f"bff:run:{run_id}", fields)
        pipe.expire(f"bff:run:{run_id}", LOG_SECONDS)
        pipe.execute()

    shared.ask(tell, None)
    _wish(leader, run_id, reader)


def _wish(process: str, run_id: str, wish: str) -> None:
    def request(redis: Redis) -> None:
        pipe: Any = redis.pipeline(transaction=False)
        pipe.sadd(f"bff:wishes:{process}", f"{run_id} {wish}")
        pipe.expire(f"bff:wishes:{process}", 60)
        if wish == READ_AFAR:
            pipe.set(f"bff:reading:{run_id}", "", ex=2)
        pipe.execute()

    shared.ask(request, None)


def announce_reader(run_id: str, seconds: int) -> None:
    shared.ask(lambda redis: redis.set(f"bff:reading:{run_id}", "", ex=seconds), None)


def is_read_elsewhere(run: Run) -> bool:
    """As far as one can know: while Redis is away, whoever has ever asked for its news is taken to be there still."""
    return shared.ask(lambda redis: bool(redis.exists(f"bff:reading:{run.id}")), run.is_read_afar)
