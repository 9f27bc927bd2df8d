"""`select.poll` in a gevent worker: in a process of its own, for gevent patches the whole of it."""

from __future__ import annotations

import subprocess
import sys

UNDER_GEVENT = """
from gevent import monkey; monkey.patch_all()
from bff import polling; polling.install()
import gevent, select, socket, time

ours, theirs = socket.socketpair()
turns = []
gevent.spawn(lambda: turns.append("another's"))
poll = select.poll()
poll.register(ours, select.POLLIN)
assert poll.poll(0) == []
theirs.send(b"x")
assert poll.poll(0) == [(ours.fileno(), select.POLLIN)]
assert not turns, "looking gave the turn away"
ours.recv(1)

began = time.monotonic()
gevent.spawn_later(0.1, theirs.send, b"y")
assert poll.poll(5000) == [(ours.fileno(), select.POLLIN)]
assert time.monotonic() - began < 1 and turns, "waiting did not let the others go on"

poll.modify(ours, select.POLLOUT)
assert poll.poll(0) == [(ours.fileno(), select.POLLOUT)]
poll.unregister(ours)
assert poll.poll(0) == []
poll.register(ours, select.POLLIN)
ours.recv(1)
theirs.close()
assert poll.poll(0)[0][1] & select.POLLIN, "a connection that was closed looks as if it could be used"
print("well")
"""


def test_it_looks_at_once_and_waits_for_others():
    done = subprocess.run([sys.executable, "-c", UNDER_GEVENT], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.strip() == "well", done.stderr
