"""What each layer of a message costs: the same server again and again, each time without one of its layers.

The servers differ in one setting, `BENCH_WITHOUT` (lean_settings.py), stand side by side and take turns, so that each
round compares what ran within the same seconds.
"""

from __future__ import annotations

import random
import statistics
from collections import defaultdict

import psutil

from benchmarks import contenders, lean, load
from benchmarks.contenders import NEW, Door, asking
from benchmarks.fixed_ai import FixedAI
from benchmarks.messages import visit
from benchmarks.progress import tell

CLIENTS = 8
SECONDS = 1
WHOLE = ""


def measure(rounds: int) -> dict[str, float]:
    """CPU ms of an uncached, saved message: of the whole server under "", and what is saved without each layer."""
    with contenders.stage() as ai:
        doors = [door for layer in (WHOLE, *lean.LAYERS, lean.ALL) if (door := _open(ai, layer))]
        samples: dict[str, list[float]] = defaultdict(list)
        for door in doors:
            load.run(door.url, clients=8, seconds=1, token=contenders.token(), body=door.body)
        for number in range(rounds):
            tell(f"layers, round {number + 1} of {rounds}")
            random.shuffle(doors)  # what else the machine does must not always meet the same
            cpu = {door.key: visit(door, CLIENTS, SECONDS)[1] for door in doors}
            samples[WHOLE].append(cpu[WHOLE])
            for layer in cpu.keys() - {WHOLE}:
                samples[layer].append(cpu[WHOLE] - cpu[layer])
        return {layer: statistics.median(seen) for layer, seen in samples.items()}


def _open(ai: FixedAI, layer: str) -> Door | None:
    """None for a layer without which it does not start."""
    tell(f"starting chat-bff without {layer}" if layer else "starting the whole chat-bff")
    env = contenders.production(ai, DJANGO_SETTINGS_MODULE="benchmarks.lean_settings", BENCH_WITHOUT=layer)
    try:
        server = contenders.serve(1, **env)
    except (OSError, TimeoutError) as error:
        tell(f"it does not start without {layer}: {error}")
        return None
    return Door(layer, layer, f"{server.url}/api/chat/message", asking(NEW), psutil.Process(server.process.child.pid))
