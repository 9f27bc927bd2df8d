"""`select.poll` under gevent, in a separate process because gevent patches the whole process."""

from __future__ import annotations

import subprocess
import sys

UNDER_GEVENT = """
from gevent import monkey; monkey.patch_all()
from bff.server import gevent_poll; gevent_poll.install()
import gevent, select, socket, time

ours, theirs = socket.socketpair()
turns = []
gevent.spawn(lambda: turns.append("other greenlet"))
poll = select.poll()
poll.register(ours, select.POLLIN)
assert poll.poll(0) == []
theirs.send(b"x")
assert poll.poll(0) == [(ours.fileno(), select.POLLIN)]
assert not turns, "a poll without timeout switched greenlets"
ours.recv(1)

began = time.monotonic()
gevent.spawn_later(0.1, theirs.send, b"y")
assert poll.poll(5000) == [(ours.fileno(), select.POLLIN)]
assert time.monotonic() - began < 4 and turns, "waiting did not switch greenlets"

poll.modify(ours, select.POLLOUT)
assert poll.poll(0) == [(ours.fileno(), select.POLLOUT)]
poll.unregister(ours)
assert poll.poll(0) == []
poll.register(ours, select.POLLIN)
ours.recv(1)
theirs.close()
assert poll.poll(0)[0][1] & select.POLLIN, "a closed connection was not reported as readable"
print("ok")
"""


def test_poll_returns_immediately_with_timeout_0_and_otherwise_lets_other_greenlets_run():
    process = subprocess.run(
        [sys.executable, "-c", UNDER_GEVENT], capture_output=True, text=True, timeout=30, check=False
    )
    assert process.stdout.strip() == "ok", process.stderr
