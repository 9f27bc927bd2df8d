from __future__ import annotations

import ast
import json
import logging
import os
import re
import subprocess
import sys
import threading
import time
from uuid import UUID

import pytest
from django.db import OperationalError
from gunicorn.config import Config

from benchmarks.drill.environment import Clock
from observability import correlation, logs
from observability.logs import redaction
from observability.logs.gunicorn_logger import Logger
from tests.support.services import ROOT

log = logs.get_logger("chat.tests")
library = logging.getLogger("some.library")
trusted_library = logging.getLogger("psycopg.pool")


def test_our_lines_have_the_documented_keys_in_order(lines):
    correlation.set("c-1")
    log.info("Chat message sent", user_id="u-1", duration=234, endpoint="/api/chat/message")
    (line,) = lines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("timestamp"))
    assert line == {
        "level": "info",
        "message": "Chat message sent",
        "correlationId": "c-1",
        "logger": "chat.tests",
        "userId": "u-1",
        "duration": 234,
        "endpoint": "/api/chat/message",
    }
    assert list(line)[:3] == ["level", "message", "correlationId"]


def test_library_lines_have_the_same_shape(lines):
    correlation.set("c-1")
    library.warning("Connection pool is full, discarding connection no. %d", 7, extra={"prompt": "secret"})
    (line,) = lines()
    assert list(line) == ["timestamp", "level", "message", "correlationId", "logger"]
    assert line["message"] == "Connection pool is full, discarding connection no. 7"
    assert (line["level"], line["correlationId"], line["logger"]) == ("warning", "c-1", "some.library")


def test_only_numbers_are_filled_into_messages_of_libraries(lines):
    library.warning("Unknown time zone %r in row %d of %s, %.1f s", "mon fils Léo", 12, ["Léo"], 0.25)
    library.warning("%(what)s after %(tries)d tries", {"what": "mon fils Léo", "tries": 3})
    library.error(ValueError("mon fils Léo"))
    assert [line["message"] for line in lines()] == [
        "Unknown time zone '[withheld]' in row 12 of [withheld], 0.2 s",
        "[withheld] after 3 tries",
        "<ValueError>",
    ]


def test_messages_of_trusted_libraries_are_logged_in_full(lines):
    trusted_library.warning("error connecting in %r: %s", "pool-1", OSError("connection refused"))
    assert lines()[0]["message"] == "error connecting in 'pool-1': connection refused"


def test_suspicious_operations_are_logged_without_their_message(lines):
    logging.getLogger("django.security.SuspiciousFileOperation").error("Detected path traversal in 'mdph-leo.pdf'")
    (line,) = lines()
    assert (line["level"], line["message"]) == ("warning", "Request refused")
    assert line["logger"] == "django.security.SuspiciousFileOperation"


def test_debug_messages_of_libraries_are_dropped(lines):
    logging.getLogger("django.db.backends").debug("INSERT INTO chat_message VALUES ('a prompt')")
    log.debug("Ours")
    assert [line["message"] for line in lines()] == ["Ours"]


def test_an_exception_is_logged_without_local_variables_and_user_data(lines):
    def handle(prompt: str) -> None:
        try:
            int(prompt)
        except ValueError as error:
            raise OperationalError(f"server closed the connection\nDETAIL: ({prompt})") from error

    try:
        handle("mon fils Léo, 8 ans")
    except OperationalError:
        log.exception("Work failed", operation="chat")
    (line,) = lines()
    assert [(raised["type"], raised["message"]) for raised in line["exception"]] == [
        ("OperationalError", "server closed the connection"),
        ("ValueError", "[withheld]"),
    ]
    assert re.fullmatch(r"/.*/test_logs\.py:\d+ in handle", line["exception"][0]["frames"][-1])
    assert "Léo" not in json.dumps(line, ensure_ascii=False)


def test_an_exception_group_is_logged_with_its_members(lines):
    log.error("Several failed", exc_info=ExceptionGroup("two", [TypeError("a b"), KeyError("mon fils Léo")]))
    (line,) = lines()
    members = line["exception"][0]["exceptions"]
    assert [(raised["type"], raised["message"]) for (raised,) in members] == [
        ("TypeError", "a b"),
        ("KeyError", "[withheld]"),
    ]


def test_an_uncaught_exception_in_a_thread_is_logged(lines, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)  # in place of the test runner's
    logs._log_uncaught_exceptions()

    def work() -> None:
        raise ValueError("a b")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    (line,) = lines()
    assert (line["level"], line["message"]) == ("error", "Uncaught exception in a thread")
    assert line["exception"][0]["type"] == "ValueError"


def test_an_unknown_field_is_dropped_and_named(lines):
    log.info("Chat message sent", prompt="mon fils", answer="bonjour", status=200)
    (line,) = lines()
    assert line["droppedFields"] == ["answer", "prompt"]
    assert line["status"] == 200
    assert "mon fils" not in str(line)


def test_every_field_that_our_code_logs_is_known():
    for package in ("bff", "chat", "health", "observability"):
        for file in (ROOT / package).rglob("*.py"):
            for call in ast.walk(ast.parse(file.read_text())):
                if isinstance(call, ast.Call) and _is_log_call(call):
                    fields = {keyword.arg: None for keyword in call.keywords if keyword.arg not in (None, "exc_info")}
                    assert "droppedFields" not in redaction.filter_fields(fields), f"{file}:{call.lineno}"


def _is_log_call(call: ast.Call) -> bool:
    """`log.info("Event", …)`, `logs.get_logger("name").info("Event", …)`, or a local name for one of a logger's
    methods: `emit("Event", …)`.
    """
    match call:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="log"))):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Attribute(attr="get_logger")))):
            return True
        case ast.Call(func=ast.Name(id="emit"), args=[ast.Constant()]):
            return True
        case _:
            return False


def test_an_object_in_a_field_is_logged_as_its_type(lines):
    class Question:
        def __str__(self) -> str:
            return "mon fils"

    log.info("Odd", kind=Question(), reason=["a", Question()], runId=UUID(int=1), count=None)
    (line,) = lines()
    assert line["kind"] == "<Question>"
    assert line["reason"] == ["a", "<Question>"]
    assert line["runId"] == str(UUID(int=1))
    assert line["count"] is None


SECRETS = [
    ("Authorization: Bearer abc.DEF-1", "Authorization: [token]"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln is old", "[token] is old"),
    ("key sk-abcdefgh12345678 refused", "key [token] refused"),
    (f"key bff_{'aB-3_' * 8}xyz refused", "key [token] refused"),
    (
        "Error connecting to rediss://default:hunter2@cache:6379/0",
        "Error connecting to rediss://[credentials]@cache:6379/0",
    ),
    ("sent to marie.dupont+mdph@example.fr.", "sent to [email]."),
    ("call 06 12 34 56 78 now", "call [phone] now"),
    ("call 06.12.34.56.78 now", "call [phone] now"),
    ("call 06\u202f12\u202f34\u202f56\u202f78 now", "call [phone] now"),
    ("call +33612345678 now", "call [phone] now"),
    ("call +33 (0)6 12 34 56 78 now", "call [phone] now"),
    ("call 0033 6 12 34 56 78 now", "call [phone] now"),
    ("NIR 1 84 12 76 451 089 46.", "NIR [nir]."),
    ("NIR 184122A45108946.", "NIR [nir]."),
]


@pytest.mark.parametrize(("text", "redacted"), SECRETS)
def test_secrets_and_personal_data_are_redacted_in_every_text(lines, text, redacted):
    library.warning(text)
    trusted_library.warning("%s", text)
    log.info(text, reason=text, cause={"a": [text]})
    first, second, third = lines()
    assert first["message"] == second["message"] == third["message"] == redacted
    assert third["reason"] == redacted
    assert third["cause"] == {"a": [redacted]}


@pytest.mark.parametrize(
    "text",
    [
        "12345678-0612-4456-8890-123456789012",
        "12345678-0012-4456-8890-123456789012",  # 00 124456889 alone would be a foreign phone number
        "visitor-12345678-0012-4456-8890-123456789012",
        "Listening at: http://127.0.0.1:8000 (1234)",
        "2025-10-01T23:00:00.000Z",
        "10.112.113.114",
        "took 1234567 ms of 1700000000",
        "@decorator of sk-ip",
        "bff_build_info",
        "bff_http_requests_total",
        "bff_ai_time_to_first_chunk_seconds_bucket",  # the longest
        "bff_production_main_db",
        "task-abcdefgh12345678",
    ],
)
def test_harmless_text_is_not_redacted(lines, text):
    log.info("Kept", reason=text)
    assert lines()[0]["reason"] == text


def test_a_long_text_is_truncated(lines):
    library.warning("x" * 100_000)
    library.warning("x" * 985 + " call 06 12 34 56 78")
    endless, personal = lines()
    assert len(endless["message"]) == 1000
    assert personal["message"].endswith("call [phone]")


@pytest.mark.parametrize("value", ["lone surrogate: \ud83d", 2**70, float("nan"), "line\nbreak\u2028", "\x00\x1b[31m"])
def test_any_value_is_logged_as_one_line_of_valid_json(capsys, value):
    log.info("Odd", bytes=value)
    (text,) = capsys.readouterr().out.splitlines() if "\u2028" not in str(value) else [capsys.readouterr().out]
    assert json.loads(text)["message"] == "Odd"


def test_a_malformed_record_of_a_library_is_still_logged(lines):
    library.warning("%d of %d", "one")
    (line,) = lines()
    assert (line["level"], line["message"]) == ("warning", "A log record was malformed")
    assert line["logger"] == "some.library"


def test_the_level_rules_the_records_of_gunicorn_and_psycopg_too(lines):
    logs.configure(level="error", format="json", file="")
    try:
        Logger(Config())
        for name in ("gunicorn.error", "psycopg", "psycopg.pool", "some.library"):
            logging.getLogger(name).warning("Quiet")
            logging.getLogger(name).error("Heard")
    finally:
        logs.configure(level="debug", format="json", file="")
    assert [line["message"] for line in lines()] == ["Heard"] * 4


def test_the_console_format_redacts_as_the_json_format_does(capsys):
    logs.configure(level="debug", format="console", file="")
    try:
        try:
            int("mon fils Léo")
        except ValueError:
            log.exception("Work failed", duration=12, prompt="mon fils", reason="06 12 34 56 78 \ud83d")
    finally:
        logs.configure(level="debug", format="json", file="")
    out = capsys.readouterr().out
    assert "Work failed" in out
    assert "duration=12" in out
    assert "ValueError: [withheld]" in out
    assert "test_logs.py" in out
    for secret in ("Léo", "mon fils", "06 12"):
        assert secret not in out


def run(code: str, *, timeout: float = 20) -> subprocess.CompletedProcess[str]:
    setup = "from observability import logs; logs.configure(level='info', format='json', file='');"
    return subprocess.run(
        [sys.executable, "-c", setup + code], capture_output=True, text=True, cwd=ROOT, timeout=timeout, check=False
    )


def test_an_uncaught_exception_is_logged_to_stdout():
    ended = run("raise ValueError('mon fils Léo')")
    line = json.loads(ended.stdout)
    assert ended.returncode == 1
    assert ended.stderr == ""
    assert (line["level"], line["message"]) == ("critical", "Uncaught exception")
    assert line["exception"][0]["message"] == "[withheld]"
    assert line["correlationId"].startswith("proc-")


def test_python_warnings_are_logged_with_text_only_if_about_code():
    output = run("import warnings; warnings.warn('old ways', FutureWarning); warnings.warn('mon fils Léo')").stdout
    code, other = map(json.loads, output.splitlines())
    assert (code["level"], code["logger"]) == ("warning", "py.warnings")
    assert code["message"] == "<string>:1: FutureWarning: old ways"
    assert other["message"] == "<string>:1: UserWarning: [withheld]"


def test_an_exception_in_a_finalizer_is_logged():
    code = "exec('class Odd:\\n def __del__(self): raise ValueError(\"mon fils Léo\")'); Odd()"
    ended = run(code)
    line = json.loads(ended.stdout)
    assert (line["level"], line["message"]) == ("error", "Exception where none can be raised")
    assert line["exception"][0]["message"] == "[withheld]"
    assert ended.stderr == ""


def test_a_closed_stdout_does_not_stop_the_program():
    worked = run("import os, sys; os.close(1); logs.get_logger('chat').info('x'); print('worked', file=sys.stderr)")
    assert "worked" in worked.stderr
    assert "Logging error" not in worked.stderr


WRITER = """
import sys, time
from observability import logs
logs.configure(level="info", format="json", file=sys.argv[1])
sys.stdout = open("/dev/null", "w")
log = logs.get_logger("chat.writer")
print("ready", file=sys.stderr, flush=True)
until = time.monotonic() + float(sys.stdin.readline())
written = 0
while time.monotonic() < until:
    log.info("Written", who=sys.argv[2], count=written, reason="x" * 300)
    written += 1
    time.sleep(0.002)
print(written, file=sys.stderr, flush=True)
"""


def test_four_processes_log_across_two_rotations_without_lost_torn_or_duplicate_lines(tmp_path):
    file, clock = tmp_path / "bff.log", Clock(tmp_path / "clock")
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(file), str(number)],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, **clock.env},
        )
        for number in range(4)
    ]  # fmt: skip
    for writer in writers:
        assert writer.stderr
        assert writer.stderr.readline() == "ready\n"
    for day in range(1, 20):
        file.with_name(f"bff.log.2025-01-{day:02}").write_text("old")
    assert int(file.with_name(".__bff.lock").read_text()) % 86400 == 0  # the next rotation is at midnight UTC
    for writer in writers:
        assert writer.stdin
        writer.stdin.write("3\n")
        writer.stdin.flush()
    for days in (1, 2):
        time.sleep(1)
        clock.shift(days * 86400)  # for all processes at the same time
    written = {str(number): int(writer.communicate(timeout=60)[1]) for number, writer in enumerate(writers)}

    parts = [part for part in file.parent.glob("bff.log*") if part.read_text() != "old"]
    assert len(parts) == 3  # the current file and two rotated ones
    found = [json.loads(line) for part in parts for line in part.read_text().splitlines()]
    for who, count in written.items():
        assert sorted(line["count"] for line in found if line["who"] == who) == list(range(count))
        assert count > 10
    assert len(list(file.parent.glob("bff.log.*"))) == 14
