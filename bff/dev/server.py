"""`make run`: starts and stops all processes of chat-bff together.

Runs the Procfile without the services whose address is set in the environment. Ctrl-C stops everything.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import time
import urllib.request
from pathlib import Path

import honcho.environ
from django.conf import settings
from honcho.manager import Manager

from bff.dev import running
from bff.dev.services import HOST, ROOT, VAR, ai_service_port, is_taken, redis_port
from bff.environment import Environment

PROCFILE = ROOT / "Procfile"
READY_WITHIN_SECONDS = 120


def main() -> None:
    os.environ.update(_defaults())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bff.settings")
    port = settings.PORT  # reads all settings: ends the program with a list of the wrong ones
    env = os.environ | {"AI_SERVICE_PORT": str(ai_service_port(port))}
    is_needed = {"redis": settings.USES_EMBEDDED_REDIS, "ai": settings.USES_STAND_IN, "web": True}
    names = [name for name in _procfile() if is_needed[name]]
    _exit_if_ports_are_taken({"web": port, "ai": ai_service_port(port), "redis": redis_port(port)}, names)
    # Not fork, as before Python 3.14: it would copy this process while a thread of it runs, which may hold locks.
    multiprocessing.set_start_method("forkserver")
    manager = Manager()
    for name in names:
        manager.add_process(name, _procfile()[name], env=env)
    threading.Thread(target=_print_address_when_ready, args=(port,), daemon=True).start()
    with running.noted(DEBUG=os.environ.get("DEBUG", "1"), PORT=str(port)):
        manager.loop()
    # When one process ends, honcho stops the others. A Ctrl-C counts as success.
    sys.exit(0 if manager.returncode in (0, -2, 130) else manager.returncode)


def _defaults() -> dict[str, str]:
    """Defaults for development, for settings that neither the environment nor .env has."""
    environment = Environment.load(ROOT / ".env")
    defaults = {
        "DEBUG": "1",
        "PORT": "8000",
        "DRAIN_SECONDS": "0",
        "LOG_FORMAT": "console",
        "LOG_LEVEL": "info",
        "PROMETHEUS_MULTIPROC_DIR": str(VAR / "metrics"),
        "PYTHONUNBUFFERED": "1",
    }
    path = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return {name: value for name, value in defaults.items() if not environment.is_set(name)} | path


def _procfile() -> dict[str, str]:
    processes: dict[str, str] = honcho.environ.parse_procfile(PROCFILE.read_text()).processes
    return processes


def _exit_if_ports_are_taken(ports: dict[str, int], names: list[str]) -> None:
    for name in names:
        if is_taken(HOST, ports[name]):
            sys.exit(f"Port {ports[name]} ({name}) is in use: stop the process there, or choose another with PORT=….")


def _print_address_when_ready(port: int) -> None:
    """Print the address once the server responds."""
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
