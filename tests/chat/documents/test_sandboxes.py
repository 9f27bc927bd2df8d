"""The processes that read documents, and the server that forks them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

import psutil
import pytest

from chat.documents import reading, sandboxes
from chat.documents.errors import DocumentError
from tests.support import document_files, sandbox_processes
from tests.support.polling import eventually
from tests.support.processes import ROOT

LETTER = ("Merci de répondre avant le 4 mai 2026.\n" * 100).encode()
WORKER = """
import sys, time
from django.conf import settings
settings.configure(BASE_DIR={root!r})
from chat.documents import sandboxes
sandbox = sandboxes.fork()
print("forked", flush=True)
time.sleep(600)
"""
# A process ends, and its client goes away, before the server looks.
BOTH_AT_ONCE = """
import os, socket
from chat.documents.sandbox.fork_server import ForkServer
control, orders = socket.socketpair()
server = ForkServer(control, lambda: None)
client, its_client = socket.socketpair()
socket.send_fds(orders, [b"+"], [os.open(os.devnull, os.O_RDWR), os.open(os.devnull, os.O_RDWR), its_client.fileno()])
server._take_order()
its_client.close()
os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
client.close()
events = [key for key, _ in server._selector.select()]
assert len(events) == 2
for event in sorted(events, key=lambda event: event.data != server._report_ends):
    event.data()
orders.close()
server.serve()
"""
Fake = Callable[..., None]


def deadline() -> float:
    return time.monotonic() + 20


def the_server() -> psutil.Process:
    eventually(sandbox_processes.fork_servers)
    [server] = sandbox_processes.fork_servers()
    return server


def test_a_sandbox_has_no_file_of_another_document(fake_sandbox: Fake) -> None:
    fake_sandbox("print(sorted(os.listdir('/proc/self/fd')), flush=True); sys.stdin.read()")
    with sandboxes.fork() as one, sandboxes.fork() as other:
        for sandbox in (one, other):
            assert sandbox.output.read(100) == b"['0', '1', '2', '3']\n"  # 3 is the folder's own
            sandbox.document.close()
            assert sandbox.exit_code(deadline()) == 0


def test_the_exit_code_of_a_sandbox_tells_the_signal_that_ended_it(fake_sandbox: Fake) -> None:
    fake_sandbox("os.kill(os.getpid(), 9)")
    with sandboxes.fork() as sandbox:
        assert sandbox.exit_code(deadline()) == -9


def test_a_closed_sandbox_is_killed_with_what_it_has_started(fake_sandbox: Fake) -> None:
    fake_sandbox("import subprocess; subprocess.run(['sleep', '600'])")
    with sandboxes.fork():
        eventually(lambda: len(sandbox_processes.running()) == 2)
    eventually(lambda: not sandbox_processes.running())


def test_a_sandbox_that_is_not_awaited_leaves_no_zombie(fake_sandbox: Fake) -> None:
    fake_sandbox("pass")
    with sandboxes.fork() as sandbox:
        assert sandbox.output.read(1) == b""  # it has ended
        server = the_server()
    eventually(lambda: not server.children())


def test_the_server_survives_an_end_that_it_is_told_of_twice() -> None:
    subprocess.run([sys.executable, "-c", BOTH_AT_ONCE], cwd=ROOT, check=True, timeout=20)


def test_the_server_survives_the_end_of_a_process_that_it_has_not_forked(fake_sandbox: Fake) -> None:
    fake_sandbox("import ctypes; ctypes.CDLL(None).syscall(56, 0x8000 | 17, 0, 0, 0, 0)")  # clone, CLONE_PARENT
    for _ in range(2):
        with sandboxes.fork() as sandbox:
            assert sandbox.exit_code(deadline()) == 0
    assert len(sandbox_processes.fork_servers()) == 1


def test_after_a_crash_the_next_document_has_another_server(fake_sandbox: Fake) -> None:
    """The addresses of the crashed one, which its document may have found out, are not those of the next."""
    fake_sandbox("os.kill(os.getpid(), 11)")
    with sandboxes.fork() as sandbox:
        server = the_server()
        assert sandbox.exit_code(deadline()) == -11
    eventually(lambda: server.status() == psutil.STATUS_ZOMBIE)
    with sandboxes.fork() as sandbox:
        assert sandbox.exit_code(deadline()) == -11
    assert server not in sandbox_processes.fork_servers()


def test_a_service_that_stops_lets_its_documents_be_read(fake_sandbox: Fake) -> None:
    fake_sandbox("sys.stdin.read()")
    with sandboxes.fork() as sandbox:
        server = the_server()
        eventually(server.children)
        server.terminate()
        sandbox.document.close()
        assert sandbox.exit_code(deadline()) == 0


def test_a_suspended_server_is_replaced(fake_sandbox: Fake, monkeypatch) -> None:
    monkeypatch.setattr(sandboxes, "ORDER_SECONDS", 0.2)
    fake_sandbox("pass")
    with sandboxes.fork() as sandbox:
        assert sandbox.exit_code(deadline()) == 0
    server = the_server()
    server.suspend()
    with ExitStack() as waiting:
        eventually(lambda: waiting.enter_context(sandboxes.fork()) and not server.is_running())


def test_after_the_death_of_the_server_the_next_document_is_read(settings) -> None:
    assert "4 mai 2026" in reading.read(LETTER, document_files.SENDER).text
    server = the_server()
    server.kill()
    eventually(lambda: server.status() == psutil.STATUS_ZOMBIE)
    assert "4 mai 2026" in reading.read(LETTER, document_files.SENDER).text


def test_a_server_that_dies_meanwhile_is_reported_as_interrupted(fake_sandbox: Fake) -> None:
    fake_sandbox("os.kill(os.getppid(), 9); sys.stdin.read()")
    with pytest.raises(DocumentError) as raised:
        reading.read(LETTER, document_files.SENDER)
    assert raised.value.code == "interrupted"


def test_server_and_sandbox_end_with_their_worker() -> None:
    worker = psutil.Popen([sys.executable, "-c", WORKER.format(root=str(ROOT))], cwd=ROOT, stdout=-1)
    assert worker.stdout.readline() == b"forked\n"
    eventually(lambda: sandbox_processes.running(worker.pid))
    processes = sandbox_processes.fork_servers(worker.pid) + sandbox_processes.running(worker.pid)
    assert len(processes) == 2
    worker.kill()
    eventually(lambda: not any(process.is_running() for process in processes))
    with worker:
        assert worker.wait(5) == -9
