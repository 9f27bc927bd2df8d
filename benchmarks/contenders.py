"""Who takes part: chat-bff and its peers, each a group of processes and the door it is measured at."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.fixed_ai import FixedAI
from chat.drill.parts import HOST, ROOT, Process, free_port
from tests.server import Server

PEERS = Path(__file__).with_name("peers")
HOME = ROOT / "var" / "peers"  # what the peers install, kept between runs
NEW = "Comment demander l'AEEH, fois {n} ?"
KNOWN = "Comment demander l'AEEH ?"


class NotInstalled(Exception):
    """A peer's packages can't be had here."""


@dataclass(slots=True)
class Door:
    """One kind of request to one contender, and the loads measured at it, a round each; CPU in ms per request."""

    name: str
    url: str
    body: str
    process: psutil.Process
    cpu: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    per_second: list[float] = field(default_factory=list)


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time of a process and its living children, as the operating system accounts it."""
    return sum(sum(member.cpu_times()[:2]) for member in _family(process))


def memory_mb(process: psutil.Process) -> float:
    """What they hold for themselves, and their share of what they hold in common (PSS)."""
    return sum(member.memory_full_info().pss for member in _family(process)) / 1e6


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def ours(server: Server) -> list[Door]:
    """With the history in PostgreSQL, from the cache, and at OpenAI's door, which keeps none."""
    at = psutil.Process(server.process.child.pid)
    return [
        Door("chat-bff, from the AI, history saved", f"{server.url}/api/chat/message", _message(NEW), at),
        Door("chat-bff, from the cache, history saved", f"{server.url}/api/chat/message", _message(KNOWN), at),
        Door("chat-bff, from the AI, no history", f"{server.url}/v1/chat/completions", completion(NEW), at),
        Door("chat-bff, from the cache, no history", f"{server.url}/v1/chat/completions", completion(KNOWN), at),
    ]


def nginx(ai: FixedAI) -> list[Door]:
    return [Door("nginx, passing on (limit)", ai.proxy_url, _message(NEW), psutil.Process(ai.child.pid))]


def bare_django(ai: FixedAI) -> list[Door]:
    port = free_port()
    serve = ("-m", "gunicorn", "-k", "gevent", "-b", f"{HOST}:{port}", "benchmarks.peers.bare_django:application")
    started = Process(sys.executable, *serve, port=port, env={**os.environ, "AI_SERVICE_URL": ai.url})
    return [_door("bare Django view (floor)", port, NEW, started)]


def express(ai: FixedAI, redis_url: str, secret: str) -> list[Door]:
    """Installed by npm from the lock, once."""
    home = HOME / "express"
    shutil.copytree(PEERS / "express", home, dirs_exist_ok=True)
    _install("npm", "ci", "--omit=dev", "--silent", cwd=home)
    port = free_port()
    env = {**os.environ, "PORT": str(port), "REDIS_URL": redis_url, "AI_SERVICE_URL": ai.url, "SECRET_KEY": secret}
    started = Process("node", str(home / "server.js"), port=port, env={**env, "NODE_ENV": "production"})
    return [
        _door("Express peer, from the AI", port, NEW, started),
        _door("Express peer, from its cache", port, KNOWN, started),
    ]


def litellm(ai: FixedAI) -> list[Door]:
    """In a virtualenv of its own, for it wants other versions of what we use. Large: it takes minutes, once."""
    home = HOME / "litellm"
    if not (home / "bin" / "litellm").exists():
        _install(sys.executable, "-m", "venv", str(home), cwd=ROOT)
        _install(str(home / "bin" / "pip"), "install", "-q", "litellm[proxy]", "prometheus_client", cwd=ROOT)
    port = free_port()
    serve = ("--config", str(PEERS / "litellm.yaml"), "--port", str(port), "--host", HOST)
    env = {**os.environ, "BENCH_API_BASE": f"{ai.url}/plain/v1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    env["LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY"] = "true"  # it stands on loopback
    started = Process(str(home / "bin" / "litellm"), *serve, port=port, env=env, patience=120)
    return [Door("LiteLLM proxy", f"http://{HOST}:{port}/v1/chat/completions", completion(NEW), _root(started))]


def _message(text: str) -> str:
    return json.dumps({"message": text}, ensure_ascii=False)


def completion(text: str) -> str:
    """The body of an OpenAI completion."""
    return json.dumps({"model": "bench", "messages": [{"role": "user", "content": text}]}, ensure_ascii=False)


def _install(*command: str, cwd: Path) -> None:
    try:
        subprocess.run(command, cwd=cwd, check=True, timeout=900, capture_output=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotInstalled(f"{command[0]} failed") from error


def _door(name: str, port: int, text: str, started: Process) -> Door:
    return Door(name, f"http://{HOST}:{port}/api/chat/message", _message(text), _root(started))


def _root(started: Process) -> psutil.Process:
    return psutil.Process(started.child.pid)
