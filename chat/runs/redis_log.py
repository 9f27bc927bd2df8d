"""Runs as all processes of the fleet see them, in Redis. Every key expires.

bff:run:{run}          stream   the log of a run: `p` the writer's process id, `n` index of the first event, `e` encoded
                                events; or `x` a reader that unsubscribed. An entry without events claims the run: from
                                it on `p` leads, and entries of other processes are ignored
bff:flight:{key}       string   single flight: the leader of this question, "{process} {run}"; the key has a hash tag
bff:process:{process}  string   lease: the process is alive; one lease covers all the runs it leads
bff:wishes:{process}   set      commands to a leader: "{run} " stop; "{run} {reader}" unsubscribe this reader;
                                "{run} +" another process reads it
bff:reading:{run}      string   lease: a reader of another process reads this run
bff:runs-of:{scope}    set      "{run}": the logs of one caller's private answers
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, NamedTuple

from django.conf import settings

from chat.core import events
from chat.core.events import Event, Finish
from chat.runs.run import Run
from chat.storage.answer_keys import answer_key, on_one_shard
from observability import unexpected_errors
from observability.redis_trips import Command, Script, with_source
from observability.shared_redis import SharedRedis, shared_redis

LEASE_SECONDS = 3  # a dead process is detected this late at most
READER_LEASE_SECONDS = 5  # several times the interval at which a mirror announces its readers
# Longer than any answer; released at its end, and ignored once its process is dead.
FLIGHT_SECONDS = max(120, int(settings.AI_DEADLINE_CHAT) + 60)
LOG_TTL_SECONDS = 600  # time for which an answer can be read from its log
LOG_MAX_ENTRIES = 20_000
TAIL_BLOCK_SECONDS = 1.0
TAIL_OUTAGE_SECONDS = 2.0  # a shorter outage of Redis does not end a mirror: the log is still there afterwards
NO_EVENTS = b"[]"
STOP, REMOTE_READER = "", "+"  # commands; any other command is the reader to unsubscribe

# A pool with longer timeouts: tailing blocks.
tail_redis = SharedRedis("runs", blocks=True)

# Lead a question that has no leader, or whose leader ARGV[3] is dead.
_acquire = Script("""
local leader = redis.call('GET', KEYS[1])
if not leader or leader == ARGV[3] then
  leader = ARGV[1]
  redis.call('SET', KEYS[1], leader, 'EX', ARGV[2])
end
return {leader, redis.call('EXISTS', KEYS[2])}
""")
# Claim a run unless its log has an entry after ARGV[1], the last one that the claimant ARGV[2] has read: the leader may
# have written again, or another process may have claimed the run.
_claim = Script("""
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if last and last[1] ~= ARGV[1] then return 0 end
redis.call('XADD', KEYS[1], '*', 'p', ARGV[2], 'n', 0, 'e', '[]')
return 1
""")
_hand_over = Script(
    "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end"
)
_release = Script("if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end")


class FlightHolder(NamedTuple):
    """The leader of a question, and whether the answer cache had an answer, fresh or stale, at that moment."""

    process_id: str
    run_id: str
    has_cached_answer: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log: a batch of events, a claim, or the id of a reader that unsubscribed.

    `stream_id` is the entry's id in the Redis stream; `first` is the index of the batch's first event.
    """

    stream_id: str
    process_id: str
    first: int
    encoded: bytes
    unsubscribed: str

    @property
    def events(self) -> list[Event]:
        """The events, decoded at each access. Raises as `events.decode`."""
        return events.decode(self.encoded)

    @property
    def is_claim(self) -> bool:
        """Whether `process_id` leads the run from here on."""
        return self.encoded == NO_EVENTS and not self.unsubscribed


def acquire(single_flight_key: str, process_id: str, run_id: str) -> FlightHolder | None:
    """Become the leader of a question, unless another live process is. Returns the leader; None without Redis.

    A leader's lease and the log of its run are written before it leads, so that every process can find them.
    """
    own, log, dead = f"{process_id} {run_id}", f"bff:run:{run_id}", ""
    lease: Command = ("SET", f"bff:process:{process_id}", "", "EX", LEASE_SECONDS)
    new_log: Command = ("XADD", log, "*", "p", process_id, "n", 0, "e", NO_EVENTS)
    while True:
        keys = [_flight_key(single_flight_key), answer_key(single_flight_key)]
        acquire_it = _acquire(keys, own, FLIGHT_SECONDS, dead)
        replies = shared_redis.send(lease, new_log, ("EXPIRE", log, LOG_TTL_SECONDS), acquire_it)
        if replies is None:
            return None
        leader, has_cached_answer = replies[-1][0].decode(), bool(replies[-1][1])
        leader_process, _, leader_run = leader.partition(" ")
        holder = FlightHolder(leader_process, leader_run, has_cached_answer)
        if leader == own:
            return holder
        if is_alive(leader_process):
            shared_redis.post(("DEL", log))  # this process follows
            return holder
        dead = leader


def claim(run: Run, run_log: LogReader, process_id: str) -> bool:
    """Become the leader of a run in place of a dead one. True without Redis, too: `publish` then claims the run.

    False if the log has entries that have not been read: the dead one's, or another process' claim.
    """
    log = f"bff:run:{run.id}"
    lease: Command = ("SET", f"bff:process:{process_id}", "", "EX", LEASE_SECONDS)
    replies = shared_redis.send(lease, _claim([log], run_log.stream_id, process_id), ("EXPIRE", log, LOG_TTL_SECONDS))
    if replies is not None and not replies[1]:
        return False
    owners = (f"{run_log.leader} {run.id}", f"{process_id} {run.id}")
    shared_redis.send(_hand_over([_flight_key(run.single_flight_key)], *owners, FLIGHT_SECONDS))
    return True


def publish(process_id: str, batches: Iterable[tuple[Run, Sequence[Event]]]) -> bool:
    """Append the new events of each run to its log, in one trip. False while Redis is unavailable.

    For a run that ends, also execute its final writes, then release its question.
    """
    commands = [command for run, new in batches for command in _commands_to_publish(process_id, run, new)]
    return shared_redis.send(*commands) is not None


def _commands_to_publish(process_id: str, run: Run, new: Sequence[Event]) -> Iterator[Command]:
    key, publication = f"bff:run:{run.id}", run.publication
    fields = ("p", process_id, "n", publication.count, "e", _encoded(new))
    if publication.entry_to_claim_after:
        # With its source: a Redis that does not know it, as after a failover, would execute the next command first.
        yield with_source(_claim([key], publication.entry_to_claim_after, process_id))
    yield "XADD", key, "MAXLEN", "~", LOG_MAX_ENTRIES, "*", *fields
    yield "EXPIRE", key, LOG_TTL_SECONDS  # every time: `forget` may have deleted the key meanwhile
    if publication.count == 0 and (owner := run.owner):
        yield "SADD", f"bff:runs-of:{owner}", run.id
        yield "EXPIRE", f"bff:runs-of:{owner}", LOG_TTL_SECONDS
    if isinstance(finish := new[-1], Finish):
        yield from publication.final_writes(finish)
        yield _release_question(run, process_id)


def is_unavailable() -> bool:
    """Whether Redis is unavailable as a whole. False if one shard of a cluster is."""
    return shared_redis.is_unavailable


def _encoded(new: Sequence[Event]) -> bytes:
    """The events as JSON; an interrupted end in place of events that can't be encoded, a fault of this program."""
    with unexpected_errors.survived("runs"):
        return events.encode(new)
    return events.encode([Finish("ai", ending="interrupted")])


def release(run: Run, process_id: str) -> None:
    """Give up the question of a run that this process leads, before the run has ended."""
    shared_redis.send(_release_question(run, process_id))


def _release_question(run: Run, process_id: str) -> Command:
    return _release([_flight_key(run.single_flight_key)], f"{process_id} {run.id}")


def renew_lease(process_id: str) -> None:
    shared_redis.send(("SET", f"bff:process:{process_id}", "", "EX", LEASE_SECONDS))


def take_commands(process_id: str) -> list[tuple[str, str]]:
    """Remove and return the commands for this leader: pairs of run id and command.

    A command is STOP, REMOTE_READER or the id of a reader to unsubscribe.
    """
    replies = shared_redis.send(("SPOP", f"bff:wishes:{process_id}", 1000))
    entries = (entry.decode().partition(" ") for entry in (replies[0] if replies else ()))
    return [(run_id, command) for run_id, _, command in entries]


def leader_of(run_id: str) -> str | None:
    """The process that leads the run, or led it last. None if the run has no log. Any entry may be the last claim."""
    replies = shared_redis.send(("XRANGE", f"bff:run:{run_id}", "-", "+"))
    if not (replies and replies[0]):
        return None
    run_log = LogReader(run_id, "")
    for stream_id, flat in replies[0]:
        run_log.accept(_entry(stream_id, flat))
    return run_log.leader


def is_alive(process_id: str) -> bool:
    """Whether the process has a lease. True while Redis is unavailable: `tail` detects that."""
    replies = shared_redis.send(("EXISTS", f"bff:process:{process_id}"))
    return replies is None or bool(replies[0])


def tail(run_id: str, after: str, wait_seconds: float = TAIL_BLOCK_SECONDS) -> list[Entry] | None:
    """Entries after the stream id `after`; blocks for at most `wait_seconds`.

    None if Redis stays unavailable for TAIL_OUTAGE_SECONDS.
    """
    deadline = None
    while (found := _read_stream(run_id, after, wait_seconds)) is None:
        deadline = deadline or monotonic() + TAIL_OUTAGE_SECONDS
        if monotonic() >= deadline:
            return None
        tail_redis.wait(deadline - monotonic())
    return [_entry(stream_id, flat) for stream_id, flat in found]


def _entry(stream_id: bytes, flat: list[bytes]) -> Entry:
    """The entry whose fields Redis has sent as a list of names and values."""
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    return Entry(
        stream_id.decode(),
        fields[b"p"].decode(),
        int(fields[b"n"]),
        fields[b"e"],
        fields.get(b"x", b"").decode(),
    )


class LogReader:
    """Reads the log of a run, without the entries of processes that do not lead it.

    These are a leader that has been replaced and does not know it yet, and a process that took the run over while it
    could not reach Redis. The log's first entry names its first leader: there is no claim if it began without Redis.
    """

    def __init__(self, run_id: str, leader: str) -> None:
        self.leader = leader
        self.stream_id = "0"  # the last entry read
        self._run_id = run_id

    def read(self) -> list[Entry] | None:
        """The next entries, as `tail`."""
        entries = tail(self._run_id, self.stream_id)
        return None if entries is None else [entry for entry in entries if self.accept(entry)]

    def accept(self, entry: Entry) -> bool:
        """Move on to this entry. False if its process does not lead the run: it is to be skipped."""
        is_first, self.stream_id = self.stream_id == "0", entry.stream_id
        if entry.unsubscribed:
            return True
        if is_first or entry.is_claim:
            self.leader = entry.process_id
        return entry.process_id == self.leader


def _read_stream(run_id: str, after: str, wait_seconds: float) -> list[Any] | None:
    """The entries of a log after the stream id `after`; None while Redis is unavailable."""
    key, block_ms = f"bff:run:{run_id}", int(wait_seconds * 1000)
    replies = tail_redis.send(("XREAD", "COUNT", 500, "BLOCK", block_ms, "STREAMS", key, after))
    return None if replies is None else (replies[0] or {}).get(key.encode(), [])


def delete_logs(run_ids: Iterable[str]) -> bool:
    """Delete the logs of these runs; False while Redis is unavailable.

    A run in progress may write to its log again; that log expires.
    """
    commands = [("DEL", f"bff:run:{run_id}") for run_id in run_ids]
    return not commands or shared_redis.send(*commands) is not None


def logged_runs(owner: str) -> list[str] | None:
    """The ids of the runs of one caller's private answers that may have logs; None while Redis is unavailable."""
    found = shared_redis.send(("SMEMBERS", f"bff:runs-of:{owner}"))
    return None if found is None else [run_id.decode() for run_id in found[0]]


def forget(owner: str) -> bool:
    """`delete_logs` of all of one caller's private answers."""
    found = logged_runs(owner)
    if found is None:
        return False
    return delete_logs(found) and shared_redis.send(("DEL", f"bff:runs-of:{owner}")) is not None


def request_stop(process_id: str, run_id: str) -> None:
    """Ask the leader to end this run."""
    _send_command(process_id, run_id, STOP)


def request_updates(process_id: str, run_id: str) -> None:
    """Ask the leader to publish this run at the short interval, because this process has a reader.

    Also announces a reader for 2 s, so that the leader does not cancel the run before `announce_reader` is called.
    """
    _send_command(process_id, run_id, REMOTE_READER, _announcement(run_id, seconds=2))


def announce_unsubscribe(run_id: str, reader: str) -> None:
    """Publish to every process with readers of this run that `reader` has unsubscribed."""
    if (leader := leader_of(run_id)) is None:
        return
    fields = ("p", leader, "n", 0, "e", NO_EVENTS, "x", reader)
    key = f"bff:run:{run_id}"
    shared_redis.send(("XADD", key, "*", *fields), ("EXPIRE", key, LOG_TTL_SECONDS))
    _send_command(leader, run_id, reader)


def _send_command(process_id: str, run_id: str, command: str, *others: Command) -> None:
    """Send a command to the leader, and `others` to Redis in the same trip."""
    key = f"bff:wishes:{process_id}"
    shared_redis.send(("SADD", key, f"{run_id} {command}"), ("EXPIRE", key, 60), *others)


def announce_reader(run_id: str) -> None:
    """Announce to the leader that this process reads the run; valid for READER_LEASE_SECONDS."""
    shared_redis.send(_announcement(run_id, READER_LEASE_SECONDS))


def _announcement(run_id: str, seconds: int) -> Command:
    return "SET", f"bff:reading:{run_id}", "", "EX", seconds


def has_remote_readers(run: Run) -> bool:
    """Whether another process reads this run. While Redis is unavailable, a process that has ever read it counts."""
    replies = shared_redis.send(("EXISTS", f"bff:reading:{run.id}"))
    return run.publication.has_had_remote_readers if replies is None else bool(replies[0])


def _flight_key(single_flight_key: str) -> str:
    return f"bff:flight:{on_one_shard(single_flight_key)}"
