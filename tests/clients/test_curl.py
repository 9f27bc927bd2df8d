"""The raw streams as curl receives them with the README's commands."""

from __future__ import annotations

import json
import shutil
import subprocess
import time

import pytest

from ai_service.control import StandIn
from tests.support.requirements import skip_or_fail

pytestmark = pytest.mark.django_db(transaction=True)


def curl(*arguments: str) -> tuple[dict[str, str], str]:
    """The response's headers, with `status`, and its body."""
    program = shutil.which("curl") or skip_or_fail("curl is not installed (Debian's package curl)")
    process = subprocess.run([program, "-siN", *arguments], capture_output=True, text=True, timeout=60, check=True)
    head, _, body = process.stdout.partition("\n\n")
    status, *lines = head.splitlines()
    return {"status": status.split()[1]} | dict(line.lower().split(": ", 1) for line in lines), body


@pytest.fixture
def ask(instances, token):
    def post(path: str, body: dict, *options: str) -> tuple[dict[str, str], str]:
        arguments = [
            "-H",
            "Content-Type: application/json",
            "-H",
            f"Authorization: Bearer {token}",
            "-d",
            json.dumps(body),
        ]
        return curl(instances[0].url + path, *arguments, *options)

    return post


def test_frames_are_valid_server_sent_events(ask, ai: StandIn):
    head, body = ask("/api/chat/stream", {"message": "Qu'est-ce que l'AEEH ?"})
    assert head["status"] == "200"
    assert head["content-type"] == "text/event-stream; charset=utf-8"
    assert head["x-vercel-ai-ui-message-stream"] == "v1"
    assert head["cache-control"] == "private, no-store"
    frames = body.rstrip("\n").split("\n\n")
    assert frames[-1] == "data: [DONE]"
    for frame in frames[:-1]:
        fields = [line.partition(": ")[0] for line in frame.splitlines()]
        assert fields in (["data"], ["id", "data"], [""])  # the last is a comment: `: ping`


def test_text_is_received_while_it_is_generated(ask, ai: StandIn):
    ai.pace(10)
    started_at = time.monotonic()
    question = {"message": "Comment préparer un dossier MDPH ?"}
    with pytest.raises(subprocess.CalledProcessError) as timeout:  # curl stops in the middle of the answer
        ask("/api/chat/stream", question, "--max-time", "1.5")
    assert '"text-delta"' in timeout.value.output
    assert time.monotonic() - started_at < 10


def test_the_openai_stream_is_complete(ask, ai: StandIn):
    question = {"model": "any", "stream": True, "messages": [{"role": "user", "content": "Qu'est-ce que la PCH ?"}]}
    head, body = ask("/v1/chat/completions", question)
    assert head["content-type"] == "text/event-stream; charset=utf-8"
    assert body.endswith("data: [DONE]\n\n")
