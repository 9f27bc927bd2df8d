"""`--json`: a script reads stdout, so nothing else is written there."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from ai_service.control import StandIn
from tests.support.server import database_url
from tests.support.services import ROOT


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "command",
    [
        ("check_knowledge",),
        ("check_ai",),
        ("evaluate_knowledge", "--file", "chat/knowledge/evaluation_sets/dev.yaml"),
        ("warm_cache", "--only", "aeeh"),
        ("breaker", "open", "chat", "--reason", "a drill"),
        ("health_check",),
    ],
    ids=lambda command: command[0],
)
def test_stdout_is_json(ai: StandIn, few_entries: None, command: tuple[str, ...]) -> None:
    env = {**os.environ, "DATABASE_URL": database_url()}
    arguments = [sys.executable, "manage.py", *command, "--json"]
    completed = subprocess.run(arguments, cwd=ROOT, env=env, capture_output=True, text=True, timeout=100, check=False)
    assert json.loads(completed.stdout), completed.stderr
