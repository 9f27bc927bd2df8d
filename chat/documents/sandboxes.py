"""Starts sandbox processes: they are forked by a server (sandbox/fork_server.py), of which each worker has one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from io import FileIO
from time import monotonic

from django.conf import settings

from chat.documents.errors import DocumentError
from observability import logs

log = logs.get_logger(__name__)

ORDER_SECONDS = 2.0  # a server that takes no order for so long is replaced


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox process. Closed, it is killed a moment later, with all that it has started.

    `document` is written and closed, and `output` read to its end; both are pipes.
    """

    document: FileIO
    output: FileIO
    _server: socket.socket

    def exit_code(self, deadline: float) -> int:
        """Wait for its end (negative: the signal). Raises TimeoutError at `deadline` (monotonic), DocumentError."""
        self._server.settimeout(max(0.001, deadline - monotonic()))
        answer = self._server.recv(16)
        if not answer:  # the server has died, or could not fork
            raise DocumentError("interrupted")
        return int(answer)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()
        self.document.close()
        self.output.close()


class _ForkServer:
    """The server of this process. It starts with the first document, and again if it has died.

    It ends with this process, which closes the control socket in doing so.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def fork(self) -> Sandbox:
        with ExitStack() as ours, ExitStack() as theirs:
            its_document, document = _pipe(theirs, ours)
            output, its_output = _pipe(ours, theirs)
            server, its_server = map(ExitStack.enter_context, (ours, theirs), socket.socketpair())
            self._order([its_document.fileno(), its_output.fileno(), its_server.fileno()])
            ours.pop_all()
            return Sandbox(document, output, server)

    def stop(self) -> None:
        """End the server, and its sandboxes with it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._control is not None:
            self._control.close()
        self._control = self._process = None

    def _order(self, files: list[int]) -> None:
        with self._lock:
            if self._control is not None:
                with suppress(OSError):
                    socket.send_fds(self._control, [b"+"], files)
                    return
                log.warning("Fork server ended")
                self.stop()
            self._control = self._start()
            socket.send_fds(self._control, [b"+"], files)

    def _start(self) -> socket.socket:
        control, server_end = socket.socketpair()
        control.settimeout(ORDER_SECONDS)
        with server_end:
            self._process = subprocess.Popen(
                [sys.executable, "-B", "-s", "-P", "-m", "chat.documents.sandbox"],
                stdin=server_end.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
                env=_environment(),
            )
        return control


def _pipe(reader: ExitStack, writer: ExitStack) -> tuple[FileIO, FileIO]:
    """Both ends of a pipe, each closed by its stack."""
    read, write = os.pipe()
    return reader.enter_context(FileIO(read)), writer.enter_context(FileIO(write, "wb"))


def _environment() -> dict[str, str]:
    """Only what the sandbox needs: the variables of this process include secrets."""
    inherited = {name: os.environ[name] for name in ("PATH", "TESSDATA_PREFIX") if name in os.environ}
    # One thread: tesseract would use all cores, and the stack of each thread counts as memory.
    return inherited | {"LANG": "C.UTF-8", "PYTHONPATH": str(settings.BASE_DIR), "OMP_THREAD_LIMIT": "1"}


_fork_server = _ForkServer()
fork = _fork_server.fork
stop = _fork_server.stop
