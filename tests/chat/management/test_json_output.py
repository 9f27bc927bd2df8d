"""`--json`: a script reads stdout, so nothing else is written there."""

from __future__ import annotations

import json
import os

import pytest

from ai_service.control import StandIn
from tests.support.commands import manage
from tests.support.server import database_url


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
    completed = manage(*command, "--json", env=env)
    assert json.loads(completed.stdout), completed.stderr
