"""Starts chat-bff and its peers, and describes the endpoints at which they are measured."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import jwt
import psutil

from benchmarks.harness.fixed_ai import FixedAI
from tests.support.processes import HOST, ROOT, Process, free_port
from tests.support.server import Server

PEERS = "benchmarks.systems.peers"
PEERS_SOURCE = Path(__file__).with_name("peers")
PEERS_HOME = ROOT / "var" / "peers"  # installed packages, reused by later runs
NEW_QUESTION = "Comment demander l'AEEH, fois {n} ?"
CACHED_QUESTION = "Comment demander l'AEEH ?"
SECRET = "only-for-benchmarks-" + "x" * 44
# Peers get no settings of chat-bff: LiteLLM would use DATABASE_URL itself, and exit without Prisma.
PEER_ENV = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


_started: list[Process | Server] = []


class PeerUnavailable(Exception):
    """A peer can't be installed or started on this machine."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One kind of request to one system. Its CPU is that of `process` and its children; `processes` share one port.

    `own_headers` are those that only this system needs.
    """

    key: str
    name: str
    url: str
    body: str
    process: psutil.Process
    processes: int = 1
    own_headers: Mapping[str, str] = field(default_factory=dict)

    def headers(self) -> dict[str, str]:
        """The request's headers, with a token that is valid for an hour."""
        common = {"Authorization": f"Bearer {access_token()}", "X-Forwarded-Proto": "https"}
        return {**common, "Content-Type": "application/json", **self.own_headers}


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time of a process and its running children."""
    return sum(sum(member.cpu_times()[:2]) for member in _process_tree(process))


def memory_mb(process: psutil.Process) -> float:
    """Proportional set size (PSS) of a process and its children."""
    return sum(member.memory_full_info().pss for member in _process_tree(process)) / 1e6


def _process_tree(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def access_token() -> str:
    """A token that chat-bff and the Express peer accept."""
    claims = {"sub": "bench", "aud": "authenticated", "role": "authenticated", "exp": time.time() + 3600}
    return jwt.encode(claims, SECRET)


def production_settings(ai: FixedAI, **settings: str) -> dict[str, str]:
    """The settings of a measured chat-bff: as they ship, but for what must differ."""
    env = {"DEBUG": "0", "LOG_LEVEL": "info", "AI_SERVICE_URL": ai.url, "AI_SERVICE_MODEL": "bench"}
    env["REDIS_TIMEOUT_SECONDS"] = ""  # the default: that of the tests is ten times as long
    return {**env, "SUPABASE_JWT_SECRET": SECRET, **settings}


@contextmanager
def fixed_ai() -> Iterator[FixedAI]:
    """Run the AI service of all systems. Stops every system started within the block at its end."""
    with tempfile.TemporaryDirectory(prefix="chat-bff-bench-") as folder:
        try:
            ai = FixedAI(Path(folder))
            _started.append(ai)
            yield ai
        finally:
            while _started:
                _started.pop().stop()


def start_chat_bff(workers: int, **settings: str) -> Server:
    server = Server(workers, **settings)
    _started.append(server)
    return server


def chat_bff(ai: FixedAI, workers: int = 1) -> list[Endpoint]:
    """From the AI and from the cache, each with the history saved and, at the OpenAI endpoint, without."""
    server = start_chat_bff(workers, **production_settings(ai))
    return messages_of(server.url, psutil.Process(server.process.child.pid), workers)


def messages_of(url: str, process: psutil.Process, workers: int = 1) -> list[Endpoint]:
    """The endpoints of a running chat-bff."""
    message, openai = f"{url}/api/chat/message", f"{url}/v1/chat/completions"
    requests = (
        ("new", "chat-bff, from the AI, no history", openai, completion_body(NEW_QUESTION)),
        ("new-saved", "chat-bff, from the AI, history saved", message, message_body(NEW_QUESTION)),
        ("cached", "chat-bff, from the cache, no history", openai, completion_body(CACHED_QUESTION)),
        ("cached-saved", "chat-bff, from the cache, history saved", message, message_body(CACHED_QUESTION)),
    )
    return [Endpoint(*request, process, workers) for request in requests]


def nginx(ai: FixedAI) -> list[Endpoint]:
    process = psutil.Process(ai.child.pid)
    return [Endpoint("nginx", "nginx, bare proxy (limit)", ai.proxy_url, message_body(NEW_QUESTION), process)]


def bare_django(ai: FixedAI) -> list[Endpoint]:
    port = free_port()
    command = ("-m", "gunicorn", "-k", "gevent", "-b", f"{HOST}:{port}", f"{PEERS}.bare_django:application")
    process = _start(sys.executable, *command, port=port, env={"AI_SERVICE_URL": ai.url})
    return [Endpoint("django", "bare Django view (floor)", _message_url(port), message_body(NEW_QUESTION), process)]


def express(ai: FixedAI, processes: int = 1) -> list[Endpoint]:
    home = _npm_peer("express")
    port = free_port()
    env = {"PORT": str(port), "REDIS_URL": os.environ["REDIS_URL"], "AI_SERVICE_URL": ai.url, "SECRET_KEY": SECRET}
    env |= {"NODE_ENV": "production", "PROCESSES": str(processes)}
    script = "server.js" if processes == 1 else "cluster.js"
    process = _start("node", str(home / script), port=port, env=env)
    url = _message_url(port)
    requests = (
        ("express", "Express peer, from the AI", url, message_body(NEW_QUESTION)),
        ("express-cached", "Express peer, from its cache", url, message_body(CACHED_QUESTION)),
    )
    return [Endpoint(*request, process, processes) for request in requests]


def portkey(ai: FixedAI) -> list[Endpoint]:
    """A gateway that routes requests and passes answers on, without cache, limits, breaker or history."""
    script = _npm_peer("portkey") / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    port = free_port()
    process = _start("node", str(script), f"--port={port}", "--headless", port=port, env={"NODE_ENV": "production"})
    url = f"http://{HOST}:{port}/v1/chat/completions"
    headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": f"{ai.url}/plain/v1"}
    return [Endpoint("portkey", "Portkey's gateway", url, completion_body(NEW_QUESTION), process, own_headers=headers)]


def litellm(ai: FixedAI) -> list[Endpoint]:
    """Installs the peer into its own virtualenv: its requirements conflict with ours. The first run takes minutes."""
    home = PEERS_HOME / "litellm"
    if not (home / "bin" / "litellm").exists():
        _install(sys.executable, "-m", "venv", str(home), cwd=ROOT)
        _install(str(home / "bin" / "pip"), "install", "-q", "litellm[proxy]", "prometheus_client", cwd=ROOT)
    port = free_port()
    options = ("--config", str(PEERS_SOURCE / "litellm.yaml"), "--port", str(port), "--host", HOST)
    env = {"BENCH_API_BASE": f"{ai.url}/plain/v1", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    env["LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY"] = "true"  # it listens on loopback
    process = _start(str(home / "bin" / "litellm"), *options, port=port, env=env, start_timeout=120)
    url = f"http://{HOST}:{port}/v1/chat/completions"
    return [Endpoint("litellm", "LiteLLM proxy", url, completion_body(NEW_QUESTION), process)]


def message_body(text: str) -> str:
    """The request body of chat-bff's and the Express peer's message endpoint."""
    return json.dumps({"message": text}, ensure_ascii=False)


def completion_body(text: str) -> str:
    """The request body of an OpenAI completion."""
    return json.dumps({"model": "bench", "messages": [{"role": "user", "content": text}]}, ensure_ascii=False)


def _start(*command: str, port: int, env: Mapping[str, str], start_timeout: float = 20) -> psutil.Process:
    """Start a peer. Raises PeerUnavailable with the end of its output if it does not listen in time."""
    PEERS_HOME.mkdir(parents=True, exist_ok=True)
    output = PEERS_HOME / "last-output.log"
    output.unlink(missing_ok=True)
    try:
        peer = Process(*command, port=port, env={**PEER_ENV, **env}, start_timeout=start_timeout, output=output)
        _started.append(peer)
    except TimeoutError as error:
        last_output = output.read_text(errors="replace").strip()[-300:]
        raise PeerUnavailable(f"it did not start: {last_output}") from error
    return psutil.Process(peer.child.pid)


def _npm_peer(name: str) -> Path:
    """The folder of a peer, installed from its lock file if that has changed."""
    source, home = PEERS_SOURCE / name, PEERS_HOME / name
    lock = source / "package-lock.json"
    is_installed = (home / "node_modules").exists() and (home / lock.name).read_bytes() == lock.read_bytes()
    shutil.copytree(source, home, dirs_exist_ok=True)
    if not is_installed:
        _install("npm", "ci", "--omit=dev", "--silent", cwd=home)
    return home


def _install(*command: str, cwd: Path) -> None:
    try:
        subprocess.run(command, cwd=cwd, check=True, timeout=900, capture_output=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise PeerUnavailable(f"{command[0]} failed") from error


def _message_url(port: int) -> str:
    return f"http://{HOST}:{port}/api/chat/message"
