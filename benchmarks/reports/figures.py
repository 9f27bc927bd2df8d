"""Stores the figures of the last measurement of each part in docs/performance.json."""

from __future__ import annotations

import json
import os
import platform
import sysconfig
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from tests.support.processes import ROOT

FILE = ROOT / "docs" / "performance.json"
Figures = dict[str, Any]


def load(file: Path = FILE) -> Figures:
    """All measured parts by name; empty if there is no file."""
    return json.loads(file.read_text()) if file.exists() else {}


def save(part: str, figures: Any, file: Path = FILE) -> None:
    """Replace the figures of one part."""
    stored = load(file) | {part: {"when": _now(), "machine": machine(), "figures": figures}}
    file.write_text(json.dumps(stored, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def machine() -> str:
    memory = psutil.virtual_memory().total / 2**30
    hardware = f"{psutil.cpu_count()} cores ({_processor()}), {memory:.0f} GB"
    return f"{hardware}, {_interpreter()}, load {os.getloadavg()[0]:.1f} at the end"


def _interpreter() -> str:
    """The Python that was measured; one built with optimisations takes about a tenth less CPU."""
    options = str(sysconfig.get_config_var("CONFIG_ARGS"))
    optimised = "--enable-optimizations" in options or "--with-lto" in options
    return f"Python {platform.python_version()} built {'with' if optimised else 'without'} optimisations"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _now() -> str:
    return datetime.now(UTC).date().isoformat()
