"""`make audit`: fails if a locked package has a known vulnerability.

Packages that could not be audited are reported but do not fail the audit. pip-audit itself reports "no known
vulnerabilities" even if its source answered about no package at all.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

LOCK = "requirements-dev.lock"  # a superset of the others
TIMEOUT_SECONDS = 300


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
        audit = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)  # noqa: S603 - a fixed command
        packages = json.loads(audit.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError) as error:
        write(f"NOT AUDITED: the vulnerability source is unavailable ({type(error).__name__}).")
        return 0
    return report(packages)


def report(packages: list[dict[str, Any]]) -> int:
    """Print the vulnerabilities and the number of audited packages. 1 if there is a vulnerability, else 0."""
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    vulnerabilities = [(package, each) for package in packages for each in package.get("vulns", [])]
    for package, vulnerability in vulnerabilities:
        write(
            f"{package['name']} {package['version']}: {vulnerability['id']}, "
            f"fixed in {vulnerability['fix_versions'] or 'no version yet'}"
        )
    write(
        f"Audited {len(packages) - len(unknown)} of {len(packages)} packages; {len(vulnerabilities)} vulnerabilities."
    )
    if unknown:
        write(f"NOT AUDITED: the source did not answer about {len(unknown)} packages, the first being {unknown[0]}.")
    return 1 if vulnerabilities else 0


def write(line: str) -> None:
    print(line)  # noqa: T201 - a command


if __name__ == "__main__":
    sys.exit(main())
