"""A real Prometheus with the configuration of docs/prometheus/, scraping every second."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.support.polling import eventually
from tests.support.requirements import skip_or_fail
from tests.support.services import HOST, ROOT, Process, free_port

DOCS = ROOT / "docs" / "prometheus"


def find_command(command: str) -> str:
    """The path of the command; skips the test if it is not installed."""
    return shutil.which(command) or skip_or_fail(f"{command} is not installed (Debian's package prometheus)")


def promtool(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [find_command("promtool"), *arguments], input=stdin, capture_output=True, text=True, check=False, timeout=100
    )


def names_in(expression: str) -> set[str]:
    """The metrics and recording rules that a query uses."""
    return set(re.findall(r"\b(?:bff|django|process|python)[_:][\w:]+|\bup\b", expression))


class Prometheus(Process):
    """A Prometheus process that scrapes and evaluates rules every second."""

    def __init__(self, folder: Path, targets: Sequence[str], token: str) -> None:
        executable, port = find_command("prometheus"), free_port()
        self.url = f"http://{HOST}:{port}/api/v1"
        configuration = yaml.safe_load((DOCS / "prometheus.yml").read_text())
        configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        configuration["rule_files"] = [str(DOCS / name) for name in configuration["rule_files"]]
        (job,) = configuration["scrape_configs"]
        job["static_configs"][0]["targets"] = list(targets)
        job["authorization"] = {"credentials": token}
        (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        super().__init__(
            executable,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={HOST}:{port}",
            port=port,
            output=folder / "prometheus.log",
        )
        eventually(lambda: requests.get(f"http://{HOST}:{port}/-/ready", timeout=5).ok, 30)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The current value of each series: `{metric, value}`."""
        return self._get("query", query=expression)["result"]

    def query_range(self, expression: str, start: float, end: float, step: float = 1) -> list[dict[str, Any]]:
        """The values of each series over time: `{metric, values}`."""
        return self._get("query_range", query=expression, start=start, end=end, step=step)["result"]

    def rules(self) -> list[dict[str, Any]]:
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def names(self) -> set[str]:
        return set(self._get("label/__name__/values"))

    def _get(self, path: str, **parameters: Any) -> Any:
        reply = requests.get(f"{self.url}/{path}", params=parameters, timeout=30).json()
        assert reply["status"] == "success", reply
        return reply["data"]
