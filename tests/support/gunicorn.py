"""What gunicorn reads from the program's configuration."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.support.services import ROOT


def gunicorn_setting(name: str, **env: str) -> str:
    """A setting of gunicorn, with the settings of this environment and `env`."""
    command = [sys.executable, "-m", "gunicorn", "--config", "bff/server/gunicorn.conf.py", "--print-config"]
    env = {**os.environ, **env}
    printed = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=True).stdout
    found = re.search(rf"^{name}\s*= (.+)$", printed, re.MULTILINE)
    assert found
    return found[1]
