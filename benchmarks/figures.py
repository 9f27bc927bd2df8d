"""The figures last measured, kept so that each part can be measured anew alone and the document written from all."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from chat.drill.parts import ROOT

FILE = ROOT / "docs" / "performance.json"
Figures = dict[str, Any]


def load(file: Path = FILE) -> Figures:
    """All parts measured so far, by their names; empty before the first."""
    return json.loads(file.read_text()) if file.exists() else {}


def save(part: str, measured: Any, file: Path = FILE) -> None:
    """Put one part's figures in the place of its last ones."""
    known = load(file) | {part: {"when": _now(), "machine": machine(), "figures": measured}}
    file.write_text(json.dumps(known, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def machine() -> str:
    memory = psutil.virtual_memory().total / 2**30
    return f"{psutil.cpu_count()} cores ({_processor()}), {memory:.0f} GB, load {os.getloadavg()[0]:.1f} at the end"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _now() -> str:
    return datetime.now(UTC).date().isoformat()
