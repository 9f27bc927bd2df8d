"""`make audit`: known vulnerabilities of what both locks pin. Fails for those alone; what could not be asked is said.

pip-audit passes, and says "no known vulnerabilities", also where its source has answered about nothing at all.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

LOCK = "requirements-dev.lock"  # it holds what requirements.lock does, and the tools
SECONDS = 300


def main() -> int:
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--disable-pip",
        "--format=json",
        "--progress-spinner=off",
        "-r",
        LOCK,
    ]
    try:
        audit = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603 ours
        packages = json.loads(audit.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError) as error:
        say(f"NOT AUDITED: the vulnerability source could not be asked ({type(error).__name__}).")
        return 0
    return report(packages)


def report(packages: list[dict[str, Any]]) -> int:
    """What was found, and how much of it was looked at. 1 when something must be upgraded."""
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    holes = [(package, hole) for package in packages for hole in package.get("vulns", [])]
    for package, hole in holes:
        say(f"{package['name']} {package['version']}: {hole['id']}, mended in {hole['fix_versions'] or 'none yet'}")
    say(f"Audited {len(packages) - len(unknown)} of {len(packages)} packages; {len(holes)} vulnerabilities.")
    if unknown:
        say(f"NOT AUDITED: the source did not answer about {len(unknown)} packages, {unknown[0]} the first of them.")
    return 1 if holes else 0


def say(line: str) -> None:
    print(line)  # noqa: T201 a command


if __name__ == "__main__":
    sys.exit(main())
