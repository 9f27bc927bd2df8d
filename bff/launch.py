"""`make run`: everything that chat-bff needs, started together, stopped together.

Runs the Procfile, without the parts that the environment gives an address for. Ctrl-C stops all of it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import urllib.request
from pathlib import Path

import honcho.environ
from honcho.manager import Manager

from bff.embedded import HOST, VAR, ai_service_port, redis_port
from bff.ports import is_taken

PROCFILE = Path(__file__).resolve().parent.parent / "Procfile"
# Given this address, that part is not ours to start.
GIVEN_BY = {"redis": "REDIS_URL", "ai": "AI_SERVICE_URL"}
READY_WITHIN_SECONDS = 120


def main() -> None:
    env = _environment()
    port = int(env["PORT"])
    parts = [name for name in _procfile() if not env.get(GIVEN_BY.get(name, ""))]
    _refuse_taken_ports({"web": port, "ai": ai_service_port(port), "redis": redis_port(port)}, parts)
    manager = Manager()
    for name in parts:
        manager.add_process(name, _procfile()[name], env=env)
    threading.Thread(target=_announce, args=(port,), daemon=True).start()
    manager.loop()
    # The first one to end takes the others with it: a Ctrl-C is an end as it should be.
    sys.exit(0 if manager.returncode in (0, -2, 130) else manager.returncode)


def _environment() -> dict[str, str]:
    """What development wants, unless the environment or .env says otherwise."""
    env = {
        "DEBUG": "1",
        "PORT": "8000",
        "DRAIN_SECONDS": "0",
        "LOG_FORMAT": "console",
        "LOG_LEVEL": "info",
        "PROMETHEUS_MULTIPROC_DIR": str(VAR / "metrics"),
        "PYTHONUNBUFFERED": "1",
    }
    dotenv = PROCFILE.parent / ".env"
    env |= honcho.environ.parse(dotenv.read_text()) if dotenv.exists() else {}
    env |= os.environ
    env["AI_SERVICE_PORT"] = str(ai_service_port(int(env["PORT"])))
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    return env


def _procfile() -> dict[str, str]:
    processes: dict[str, str] = honcho.environ.parse_procfile(PROCFILE.read_text()).processes
    return processes


def _refuse_taken_ports(ports: dict[str, int], parts: list[str]) -> None:
    for name in parts:
        if is_taken(HOST, ports[name]):
            sys.exit(f"Port {ports[name]} ({name}) is taken: stop what listens there, or choose another with PORT=….")


def _announce(port: int) -> None:
    """The last line that is printed: where to go."""
    address = f"http://{HOST}:{port}"
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=2):  # noqa: S310 our own loopback address
                break
        except OSError:
            time.sleep(0.2)
    else:
        return
    print(f"\n  chat-bff is ready: {address}   (admin: {address}/admin/, stop with Ctrl-C)\n", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
