"""CPU of each layer of a message: the same server, each time without one layer.

The servers differ in one setting, `BENCH_WITHOUT` (stripped_settings.py). All run at the same time and are measured in
turn, so that each round compares measurements of the same seconds.
"""

from __future__ import annotations

import random
import statistics
from collections import defaultdict

import psutil

from benchmarks.harness import wrk
from benchmarks.harness.fixed_ai import FixedAI
from benchmarks.harness.progress import print_progress
from benchmarks.scenarios.messages import run_load
from benchmarks.systems import endpoints, stripped_app
from benchmarks.systems.endpoints import NEW_QUESTION, Endpoint, message_body

CLIENTS = 8
SECONDS = 1
COMPLETE = ""


def measure(rounds: int) -> dict[str, float]:
    """CPU ms of an uncached, saved message: of the complete server under "", and saved by removing each layer."""
    with endpoints.fixed_ai() as ai:
        layers = (COMPLETE, *stripped_app.LAYERS, stripped_app.ALL)
        measured = [endpoint for layer in layers if (endpoint := _start_without(ai, layer))]
        samples: dict[str, list[float]] = defaultdict(list)
        for endpoint in measured:
            wrk.run(endpoint.url, clients=CLIENTS, seconds=1, headers=endpoint.headers(), body=endpoint.body)
        for number in range(rounds):
            print_progress(f"layers, round {number + 1} of {rounds}")
            random.shuffle(measured)  # periodic load of the machine must not affect always the same endpoint
            cpu = {endpoint.key: run_load(endpoint, CLIENTS, SECONDS)[1] for endpoint in measured}
            samples[COMPLETE].append(cpu[COMPLETE])
            for layer in cpu.keys() - {COMPLETE}:
                samples[layer].append(cpu[COMPLETE] - cpu[layer])
        return {layer: statistics.median(values) for layer, values in samples.items()}


def _start_without(ai: FixedAI, layer: str) -> Endpoint | None:
    """None if the server does not start without this layer."""
    print_progress(f"starting chat-bff without {layer}" if layer else "starting the complete chat-bff")
    env = endpoints.production_settings(
        ai, DJANGO_SETTINGS_MODULE="benchmarks.systems.stripped_settings", BENCH_WITHOUT=layer
    )
    try:
        server = endpoints.start_chat_bff(1, **env)
    except (OSError, TimeoutError) as error:
        print_progress(f"it does not start without {layer}: {error}")
        return None
    process = psutil.Process(server.process.child.pid)
    return Endpoint(layer, layer, f"{server.url}/api/chat/message", message_body(NEW_QUESTION), process)
