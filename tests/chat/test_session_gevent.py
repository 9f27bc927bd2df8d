"""The same in greenlets, as under gunicorn."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.chat.session_parts import answer

UNDER_GEVENT = """
from gevent import monkey; monkey.patch_all()
import sys, time, gevent
from django.conf import settings
settings.configure(
    AI_SERVICE_URL=sys.argv[1], AI_SERVICE_API_KEY="", AI_ATTEMPTS=3, AI_MAX_CONCURRENCY=100, AI_CONNECT_TIMEOUT=2.0,
    AI_DEADLINE_CHAT=30.0, AI_DEADLINE_ANALYZE=60.0, AI_READ_TIMEOUT_CHAT=30.0, AI_READ_TIMEOUT_ANALYZE=60.0,
)
from chat.upstream.errors import AIError
from chat.upstream.line import Deadline
from tests.chat.session_parts import a_breaker, a_question, a_session, said

breaker = a_breaker()
asking = a_session(breaker)
answers = gevent.joinall([gevent.spawn(lambda: list(asking.perform(a_question()))) for _ in range(50)], timeout=10)
assert all(said(answer.value) == "Bonjour" for answer in answers), answers
answering = asking.perform(a_question("hang"))
reader = gevent.spawn(list, answering)
gevent.sleep(0.1)
began = time.monotonic()
answering.close()
assert reader.get(timeout=1) == []
assert time.monotonic() - began < 0.5
assert breaker.snapshot().calls == 50, breaker.snapshot()
began = time.monotonic()
try:
    list(asking.perform(a_question("hang"), deadline=Deadline.after(0.3)))
except AIError as error:
    assert error.code == "deadline", error.code
assert 0.3 <= time.monotonic() - began < 1.3
print("well")
"""


def test_all_of_it_holds_under_gevent_too(serve):
    def behave(connection: Any) -> None:
        if b"hang" not in server.requests[-1]:
            connection.sendall(answer("Bonjour"))

    server = serve(behave)
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", UNDER_GEVENT, server.address],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["well"], done.stderr
