"""The session in greenlets, as under gunicorn."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.fake_upstream import stream_response

UNDER_GEVENT = """
from gevent import monkey; monkey.patch_all()
import socket, sys, time, gevent
from django.conf import settings
settings.configure(
    AI_SERVICE_URL=sys.argv[1], AI_SERVICE_API_KEY="", AI_MAX_ATTEMPTS=3, AI_MAX_CONCURRENCY=100,
    AI_CONNECT_TIMEOUT=2.0, AI_FIRST_WORDS_SECONDS=12.0, AI_DEADLINE_CHAT=30.0, AI_DEADLINE_ANALYZE=60.0,
    AI_READ_TIMEOUT_CHAT=30.0, AI_READ_TIMEOUT_ANALYZE=60.0, AI_POOL_IDLE_SECONDS=50.0,
    AI_SERVICE_PROTOCOL="openai", AI_SERVICE_MODEL="stand-in", AI_SERVICE_FALLBACK_URL="",
    AI_MAX_OUTPUT_TOKENS=0,
    AI_STALE_SECONDS=0.3, SECRET_KEY="only-for-tests",
    CACHES={"breaker": {"LOCATION": "redis://127.0.0.1:1"}},
)
from chat.upstream.errors import AIError
from chat.upstream.http.cancel_scope import Deadline
from tests.support.fake_upstream import make_breaker, make_request, make_session, joined_text

breaker = make_breaker()
ai_session = make_session(breaker)
answers = gevent.joinall([gevent.spawn(lambda: list(ai_session.stream(make_request()))) for _ in range(50)], timeout=10)
assert all(joined_text(answer.value) == "Bonjour" for answer in answers), answers
assert joined_text(ai_session.stream(make_request("silent if reused"))) == "Bonjour"
stream = ai_session.stream(make_request("hang"))
reader = gevent.spawn(list, stream)
gevent.sleep(0.1)
stream.close()
assert reader.get(timeout=5) == []
assert breaker.snapshot().calls == 51, breaker.snapshot()
def code_of(session, deadline):
    try:
        list(session.stream(make_request("hang"), deadline=deadline))
    except AIError as error:
        return error.code

started_at = time.monotonic()
assert code_of(ai_session, Deadline.after(0.3)) == "deadline"
assert 0.3 <= time.monotonic() - started_at < 5

settings.AI_SERVICE_URL, settings.AI_CONNECT_TIMEOUT, settings.AI_MAX_ATTEMPTS = "http://ai.example", 0.5, 1
socket.getaddrinfo = lambda *_, **__: gevent.sleep(3)
started_at = time.monotonic()
assert code_of(make_session(breaker), Deadline.after(10)) == "connection"
assert 0.5 <= time.monotonic() - started_at < 2
print("passed")
"""


WITHOUT_WAITING = """
from gevent import monkey; monkey.patch_all()
import sys, gevent
from django.conf import settings
settings.configure(CACHES={"breaker": {"LOCATION": "redis://127.0.0.1:1"}})
from chat.upstream.slots import Slots
from tests.support.fake_upstream import make_breaker

others, slots, permit = [], Slots(1), make_breaker().acquire()
gevent.spawn(others.append, "ran")
assert [slots.take(), slots.take()] == [True, False]
slots.release()
assert slots.take()
permit.success(0.1)
assert others == []
print("passed")
"""


def test_what_a_call_does_without_waiting_lets_no_other_greenlet_run_first() -> None:
    root = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-c", WITHOUT_WAITING]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert "passed" in result.stdout, result.stderr


def test_calls_cancellation_and_deadlines_work_under_gevent(serve):
    used: list[Any] = []

    def handler(connection: Any) -> None:
        is_silent = b"silent if reused" in server.requests[-1] and connection in used
        used.append(connection)
        if b"hang" not in server.requests[-1] and not is_silent:
            connection.sendall(stream_response("Bonjour"))

    server = serve(handler)
    root = Path(__file__).resolve().parents[3]
    completed = subprocess.run(
        [sys.executable, "-c", UNDER_GEVENT, server.address],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert completed.stdout.splitlines()[-1:] == ["passed"], completed.stderr
