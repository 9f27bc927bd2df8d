"""Runs wrk, a load generator that needs little CPU itself."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True, slots=True)
class WrkResult:
    """The result of one run. Times in milliseconds; `errors` counts responses other than 200."""

    requests: int
    seconds: float
    errors: int
    p50: float
    p95: float
    p99: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


def run(url: str, *, clients: int, seconds: int, headers: Mapping[str, str], body: str) -> WrkResult:
    """POST `body` for so many seconds; each `{n}` in it is replaced by a number unique to the request."""
    executable = shutil.which("wrk")
    if executable is None:
        raise FileNotFoundError("wrk is missing: apt-get install wrk")
    command = [
        executable,
        "-t1",
        f"-c{clients}",
        f"-d{seconds}s",
        "--timeout",
        "30s",
        *(argument for name, value in headers.items() for argument in ("-H", f"{name}: {value}")),
        "-s",
        str(SCRIPT),
        url,
        "--",
        body,
    ]
    completed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds + 60)
    return WrkResult(**json.loads(completed.stdout.rsplit("RESULT ", 1)[1]))
