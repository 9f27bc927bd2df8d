"""What a person sees who types the README's commands: plain curl, every frame as it is."""

from __future__ import annotations

import json
import shutil
import subprocess
import time

import pytest

from ai_service.control import StandIn
from tests.missing import missing

pytestmark = pytest.mark.django_db(transaction=True)


def curl(*arguments: str) -> tuple[dict[str, str], str]:
    """The response's headers, with `status`, and its body."""
    program = shutil.which("curl") or missing("curl is not installed (Debian's package curl)")
    done = subprocess.run([program, "-siN", *arguments], capture_output=True, text=True, timeout=60, check=True)
    head, _, body = done.stdout.partition("\n\n")
    status, *lines = head.splitlines()
    return {"status": status.split()[1]} | dict(line.lower().split(": ", 1) for line in lines), body


@pytest.fixture
def ask(instances, token):
    def post(path: str, body: dict, *options: str) -> tuple[dict[str, str], str]:
        sent = ["-H", "Content-Type: application/json", "-H", f"Authorization: Bearer {token}", "-d", json.dumps(body)]
        return curl(instances[0].url + path, *sent, *options)

    return post


def test_curl_sees_frames_that_any_reader_of_server_sent_events_understands(ask, ai: StandIn):
    head, body = ask("/api/chat/stream", {"message": "Qu'est-ce que l'AEEH ?"})
    assert head["status"] == "200"
    assert head["content-type"] == "text/event-stream; charset=utf-8"
    assert head["x-vercel-ai-ui-message-stream"] == "v1"
    assert head["cache-control"] == "no-cache"
    frames = body.rstrip("\n").split("\n\n")
    assert frames[-1] == "data: [DONE]"
    for frame in frames[:-1]:
        fields = [line.partition(": ")[0] for line in frame.splitlines()]
        assert fields in (["data"], ["id", "data"], [""])  # the last is a comment: `: ping`


def test_curl_reads_words_as_they_are_said(ask, ai: StandIn):
    ai.pace(10)
    began = time.monotonic()
    question = {"message": "Comment préparer un dossier MDPH ?"}
    with pytest.raises(subprocess.CalledProcessError) as left:  # it gives up after a second, in the middle
        ask("/api/chat/stream", question, "--max-time", "1.5")
    assert '"text-delta"' in left.value.output
    assert time.monotonic() - began < 10


def test_curl_gets_the_openai_stream_to_its_end(ask, ai: StandIn):
    question = {"model": "any", "stream": True, "messages": [{"role": "user", "content": "Qu'est-ce que la PCH ?"}]}
    head, body = ask("/v1/chat/completions", question)
    assert head["content-type"] == "text/event-stream; charset=utf-8"
    assert body.endswith("data: [DONE]\n\n")
