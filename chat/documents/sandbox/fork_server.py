"""Forks a sandbox for each document, from a process that has loaded the program but never reads a document itself.

Protocol: each byte on the control socket brings three files and makes one process. It reads its document from the first
file and writes to the second. The third is a socket: closed by the client, it ends the process and what that has
started; at the end of the process the client gets its exit code there.

The server ends when the control socket is closed, that is with its worker at the latest, and kills its processes. It
also ends when one has crashed, as soon as it has no other: those forked later would have the addresses that the file
may have found out. Its client then starts another server.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

MAX_FILES = 1 << 16
CRASHES = {-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGILL, -signal.SIGABRT, -signal.SIGSYS}
IGNORED = (signal.SIGINT, signal.SIGTERM)  # of a service that stops: the worker completes its documents


class ForkServer:
    """`work` is called in each new process, with the document as standard input and output."""

    def __init__(self, control: socket.socket, work: Callable[[], None]) -> None:
        self._control, self._work = control, work
        self._clients: dict[int, socket.socket] = {}  # by the id of their process
        self._has_crashed = False  # one of the processes
        self._selector = selectors.DefaultSelector()
        self._child_ended, child_ended = socket.socketpair()
        self._child_ended.setblocking(False)
        child_ended.setblocking(False)
        for ignored in IGNORED:
            signal.signal(ignored, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(child_ended.detach())
        self._selector.register(self._control, selectors.EVENT_READ, self._take_order)
        self._selector.register(self._child_ended, selectors.EVENT_READ, self._report_ends)

    def serve(self) -> None:
        """Until the control socket is closed, or after a crash."""
        try:
            while self._clients or not self._has_crashed:
                for key, _ in self._selector.select():
                    key.data()
        except EOFError:
            for pid in self._clients:
                _kill_group(pid)

    def _take_order(self) -> None:
        """Raises EOFError when the control socket is closed."""
        order, files, *_ = socket.recv_fds(self._control, 1, 3)
        if not order:
            raise EOFError
        document, output, client = files
        try:
            pid = os.fork()
        except OSError:  # no more processes
            os.close(client)
        else:
            if pid == 0:
                self._become_sandbox(document, output)
            self._watch(pid, socket.socket(fileno=client))
        os.close(document)
        os.close(output)

    def _become_sandbox(self, document: int, output: int) -> NoReturn:
        exit_code = 1
        try:
            os.setpgid(0, 0)
            signal.set_wakeup_fd(-1)
            for own in (signal.SIGCHLD, *IGNORED):
                signal.signal(own, signal.SIG_DFL)
            os.dup2(document, sys.stdin.fileno())
            os.dup2(output, sys.stdout.fileno())
            os.closerange(sys.stderr.fileno() + 1, MAX_FILES)  # those of other documents, too
            self._work()
            sys.stdout.flush()
            exit_code = 0
        finally:
            os._exit(exit_code)

    def _watch(self, pid: int, client: socket.socket) -> None:
        with suppress(OSError):  # it has ended already
            os.setpgid(pid, pid)  # as it does itself; one of the two is first
        self._clients[pid] = client
        self._selector.register(client, selectors.EVENT_READ, lambda: self._give_up(pid))

    def _give_up(self, pid: int) -> None:
        if pid in self._clients:  # else its end, of the same moment, has been reported
            self._selector.unregister(self._clients[pid])
            _kill_group(pid)

    def _report_ends(self) -> None:
        self._child_ended.recv(4096)
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                self._report(*ended)

    def _report(self, pid: int, status: int) -> None:
        if pid not in self._clients:  # a sandbox has made it a child of this process
            return
        exit_code = os.waitstatus_to_exitcode(status)
        self._has_crashed |= exit_code in CRASHES
        # The child processes that it has left. The group's id stays valid while the group has a member, and is not
        # reused at once.
        _kill_group(pid)
        with self._clients.pop(pid) as client:
            with suppress(KeyError):
                self._selector.unregister(client)
            with suppress(OSError):  # the client has gone
                client.send(str(exit_code).encode())


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS refuses a group of zombies
        os.killpg(pid, signal.SIGKILL)
