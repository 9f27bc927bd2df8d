"""A Redis Cluster of three masters and three replicas on loopback."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from redis import Redis
from redis.crc import key_slot

from bff.dev.services import redis_executable
from tests.support.polling import eventually
from tests.support.processes import HOST, Process, free_port

SLOTS = 16384
# Milliseconds without an answer after which the others hold a node for dead; a replica takes over a second later.
NODE_TIMEOUT_MS = 500


class RedisCluster:
    """`url` is its address as the program takes it. Everything is stopped and removed by `stop`."""

    def __init__(self, masters: int = 3, *, replicas: bool = True, node_timeout_ms: int = NODE_TIMEOUT_MS) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="chat-bff-cluster-"))
        self._node_timeout_ms = node_timeout_ms
        self.nodes = [self._start_node() for _ in range(masters * (2 if replicas else 1))]
        addresses = [f"{HOST}:{node.port}" for node in self.nodes]
        self.url = f"redis+cluster://{','.join(addresses[:3])}/0"
        self.redis_cli("create", *addresses, "--cluster-replicas", "1" if replicas else "0", "--cluster-yes")
        eventually(self.is_ready, seconds=60)

    def _start_node(self) -> Process:
        port = free_port()
        folder = self.folder / str(port)
        folder.mkdir()
        options = {
            "port": port,
            "bind": HOST,
            "dir": folder,
            "save": "",
            "appendonly": "no",
            "cluster-enabled": "yes",
            "cluster-node-timeout": self._node_timeout_ms,
            "cluster-require-full-coverage": "no",
            "repl-diskless-sync": "yes",
            "repl-diskless-sync-delay": 0,
        }
        arguments = [argument for name, value in options.items() for argument in (f"--{name}", str(value))]
        return Process(redis_executable(), *arguments, port=port)

    def redis_cli(self, command: str, *arguments: str) -> str:
        """What `redis-cli --cluster` prints."""
        program = shutil.which("redis-cli") or str(Path(redis_executable()).with_name("redis-cli"))
        call = [program, "--cluster", command, *arguments]
        return subprocess.run(call, capture_output=True, text=True, timeout=120, check=True).stdout

    def client(self, node: Process) -> Redis:
        return Redis(HOST, node.port, decode_responses=True)

    def is_ready(self) -> bool:
        """Whether every node agrees that all slots are served, and every replica is in step with its master."""
        infos = [self.client(node).execute_command("CLUSTER INFO") for node in self.nodes]
        links = [self.client(node).info("replication").get("master_link_status", "up") for node in self.nodes]
        known = {len(self.client(node).execute_command("CLUSTER NODES")) for node in self.nodes}
        return (
            all(info["cluster_state"] == "ok" and info["cluster_slots_ok"] == str(SLOTS) for info in infos)
            and set(links) == {"up"}
            and known == {len(self.nodes)}
        )

    def masters(self) -> list[Process]:
        """The running masters."""
        return [node for node in self.running() if self.client(node).role()[0] == "master"]

    def running(self) -> list[Process]:
        return [node for node in self.nodes if node.child.poll() is None]

    def master_of(self, key: str) -> Process:
        """The running master of the key's slot."""
        return next(node for node in self.masters() if self._has(node, key_slot(key.encode())))

    def _has(self, node: Process, slot: int) -> bool:
        found = self.client(node).execute_command("CLUSTER NODES")
        own = next(each for each in found.values() if "myself" in each["flags"])
        return any(int(first) <= slot <= int(last[-1]) for first, *last in ([*part, part[-1]] for part in own["slots"]))

    def id_of(self, node: Process) -> str:
        return str(self.client(node).execute_command("CLUSTER MYID"))

    def move_slots(self, number: int, source: Process, target: Process) -> None:
        """Move slots with their keys from one master to another."""
        options = {"from": self.id_of(source), "to": self.id_of(target), "slots": str(number)}
        arguments = [argument for name, value in options.items() for argument in (f"--cluster-{name}", value)]
        self.redis_cli("reshard", f"{HOST}:{source.port}", *arguments, "--cluster-yes")

    def keys(self, pattern: str = "*") -> Iterator[str]:
        for node in self.masters():
            yield from self.client(node).scan_iter(pattern, count=1000)

    def stop(self) -> None:
        for node in self.nodes:
            node.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
