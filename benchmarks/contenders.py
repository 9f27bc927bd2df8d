"""Who takes part: chat-bff and its peers, each a group of processes and the doors it is measured at."""

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
from dataclasses import dataclass
from pathlib import Path

import jwt
import psutil

from benchmarks.fixed_ai import FixedAI
from chat.drill.parts import HOST, ROOT, Process, free_port
from tests.server import Server

PEERS = Path(__file__).with_name("peers")
HOME = ROOT / "var" / "peers"  # what the peers install, kept between runs
NEW = "Comment demander l'AEEH, fois {n} ?"
KNOWN = "Comment demander l'AEEH ?"
SECRET = "only-for-benchmarks-" + "x" * 44
# A peer is told what it needs and nothing of ours: LiteLLM takes a DATABASE_URL for its own, and ends without Prisma.
BARE = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


_started: list[Process | Server] = []


class NotInstalled(Exception):
    """A peer's packages can't be had here."""


@dataclass(frozen=True, slots=True)
class Door:
    """One kind of request to one contender. `processes` share one port; their CPU is `process` and its children's."""

    key: str
    name: str
    url: str
    body: str
    process: psutil.Process
    processes: int = 1


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time of a process and its living children, as the operating system accounts it."""
    return sum(sum(member.cpu_times()[:2]) for member in _family(process))


def memory_mb(process: psutil.Process) -> float:
    """What they hold for themselves, and their share of what they hold in common (PSS)."""
    return sum(member.memory_full_info().pss for member in _family(process)) / 1e6


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def token() -> str:
    """What a signed-in person shows; ours and Express check it."""
    return jwt.encode({"sub": "bench", "aud": "authenticated", "exp": time.time() + 3600}, SECRET)


def production(ai: FixedAI, **more: str) -> dict[str, str]:
    """The environment of a chat-bff that is measured."""
    env = {"DEBUG": "0", "LOG_LEVEL": "info", "AI_SERVICE_URL": ai.url, "AI_SERVICE_MODEL": "bench"}
    return {**env, "SUPABASE_JWT_SECRET": SECRET, **more}


@contextmanager
def stage() -> Iterator[FixedAI]:
    """The AI that all ask. Whoever is started meanwhile is stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="chat-bff-bench-") as folder:
        try:
            ai = FixedAI(Path(folder))
            _started.append(ai)
            yield ai
        finally:
            while _started:
                _started.pop().stop()


def serve(workers: int, **env: str) -> Server:
    """A chat-bff of its own."""
    _started.append(server := Server(workers, **env))
    return server


def ours(ai: FixedAI, workers: int = 1) -> list[Door]:
    """With the history in PostgreSQL, from the cache, and at OpenAI's door, which keeps none."""
    server = serve(workers, **production(ai))
    at = psutil.Process(server.process.child.pid)
    message, openai = f"{server.url}/api/chat/message", f"{server.url}/v1/chat/completions"
    return [
        Door("new", "chat-bff, from the AI, no history", openai, completion(NEW), at, workers),
        Door("new-saved", "chat-bff, from the AI, history saved", message, asking(NEW), at, workers),
        Door("kept", "chat-bff, from the cache, no history", openai, completion(KNOWN), at, workers),
        Door("kept-saved", "chat-bff, from the cache, history saved", message, asking(KNOWN), at, workers),
    ]


def nginx(ai: FixedAI) -> list[Door]:
    return [Door("nginx", "nginx, passing on (limit)", ai.proxy_url, asking(NEW), psutil.Process(ai.child.pid))]


def bare_django(ai: FixedAI) -> list[Door]:
    port = free_port()
    command = ("-m", "gunicorn", "-k", "gevent", "-b", f"{HOST}:{port}", "benchmarks.peers.bare_django:application")
    at = _start(sys.executable, *command, port=port, env={"AI_SERVICE_URL": ai.url})
    return [Door("django", "bare Django view (floor)", _message_at(port), asking(NEW), at)]


def express(ai: FixedAI, processes: int = 1) -> list[Door]:
    """Installed by npm from the lock, once."""
    home = HOME / "express"
    lock = PEERS / "express" / "package-lock.json"
    is_installed = (home / "node_modules").exists() and (home / lock.name).read_bytes() == lock.read_bytes()
    shutil.copytree(PEERS / "express", home, dirs_exist_ok=True)
    if not is_installed:
        _install("npm", "ci", "--omit=dev", "--silent", cwd=home)
    port = free_port()
    env = {"PORT": str(port), "REDIS_URL": os.environ["REDIS_URL"], "AI_SERVICE_URL": ai.url, "SECRET_KEY": SECRET}
    env |= {"NODE_ENV": "production", "PROCESSES": str(processes)}
    script = "server.js" if processes == 1 else "cluster.js"
    at = _start("node", str(home / script), port=port, env=env)
    url = _message_at(port)
    return [
        Door("express", "Express peer, from the AI", url, asking(NEW), at, processes),
        Door("express-kept", "Express peer, from its cache", url, asking(KNOWN), at, processes),
    ]


def litellm(ai: FixedAI) -> list[Door]:
    """In a virtualenv of its own, for it wants other versions of what we use. Large: it takes minutes, once."""
    home = HOME / "litellm"
    if not (home / "bin" / "litellm").exists():
        _install(sys.executable, "-m", "venv", str(home), cwd=ROOT)
        _install(str(home / "bin" / "pip"), "install", "-q", "litellm[proxy]", "prometheus_client", cwd=ROOT)
    port = free_port()
    options = ("--config", str(PEERS / "litellm.yaml"), "--port", str(port), "--host", HOST)
    env = {"BENCH_API_BASE": f"{ai.url}/plain/v1", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    env["LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY"] = "true"  # it stands on loopback
    at = _start(str(home / "bin" / "litellm"), *options, port=port, env=env, patience=120)
    url = f"http://{HOST}:{port}/v1/chat/completions"
    return [Door("litellm", "LiteLLM proxy", url, completion(NEW), at)]


def asking(text: str) -> str:
    """The body of a message in our own JSON, and in Express'."""
    return json.dumps({"message": text}, ensure_ascii=False)


def completion(text: str) -> str:
    """The body of an OpenAI completion."""
    return json.dumps({"model": "bench", "messages": [{"role": "user", "content": text}]}, ensure_ascii=False)


def _start(*command: str, port: int, env: Mapping[str, str], patience: float = 20) -> psutil.Process:
    """A peer, which may well refuse to start: then what it said last goes into the error."""
    HOME.mkdir(parents=True, exist_ok=True)
    output = HOME / "last-output.log"
    output.unlink(missing_ok=True)
    try:
        _started.append(peer := Process(*command, port=port, env={**BARE, **env}, patience=patience, output=output))
    except TimeoutError as error:
        said = output.read_text(errors="replace").strip()[-300:]
        raise NotInstalled(f"it did not start: {said}") from error
    return psutil.Process(peer.child.pid)


def _install(*command: str, cwd: Path) -> None:
    try:
        subprocess.run(command, cwd=cwd, check=True, timeout=900, capture_output=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotInstalled(f"{command[0]} failed") from error


def _message_at(port: int) -> str:
    return f"http://{HOST}:{port}/api/chat/message"
