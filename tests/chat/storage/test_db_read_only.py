"""A PostgreSQL that answers and refuses to write, such as a standby: `/readyz` says so, and answers are saved late."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from django.db import connection

from chat.history import api_keys
from chat.models import Message
from tests.support.polling import eventually
from tests.support.server import Server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def set_read_only(transactional_db) -> Iterator[Callable[[str], None]]:
    """`set_read_only("on")` is for all new connections, and ends the others. "off" ends none."""

    def set_to(value: str) -> None:
        with connection.cursor() as cursor:
            name = connection.ops.quote_name(connection.settings_dict["NAME"])
            cursor.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}")
        if value == "on":
            end_other_connections()

    yield set_to
    set_to("off")
    end_other_connections()  # of the pool of this process too: the next tests write


def end_other_connections() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture
def server(ai, few_entries) -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


def test_readiness_says_so_until_it_takes_writes_again(server: Server, set_read_only) -> None:
    def state() -> tuple[int, str, str | None]:
        reply = server.get("/readyz")
        database = reply.json()["dependencies"]["supabase"]
        return reply.status_code, database["status"], database.get("error")

    set_read_only("on")
    eventually(lambda: state() == (200, "degraded", "readonly"), seconds=15, every=0.5)
    set_read_only("off")
    eventually(lambda: state() == (200, "healthy", None), seconds=15, every=0.5)


def test_programs_with_a_key_are_answered(server: Server, set_read_only) -> None:
    row, key = api_keys.create("Programme")
    row.save()
    set_read_only("on")
    body = {"model": "any", "messages": [{"role": "user", "content": "Qu'est-ce que la MDPH ?"}]}
    reply = requests.post(
        f"{server.url}/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"}, timeout=20
    )
    assert (reply.status_code, bool(reply.json().get("choices"))) == (200, True)


def test_answers_are_saved_when_it_takes_writes_again_and_other_writes_are_refused(
    server: Server, set_read_only
) -> None:
    visitor = server.visitor()

    def ask(message: str) -> dict[str, Any]:
        answer: dict[str, Any] = visitor.post(f"{server.url}/api/chat/message", json={"message": message}).json()
        return answer

    saved = ask("Qu'est-ce que la MDPH ?")
    assert saved["saved"] is True
    set_read_only("on")
    unsaved = ask("Comment obtenir une AESH ?")
    assert (unsaved["origin"], unsaved["saved"]) == ("ai", False)
    rating = visitor.post(f"{server.url}/api/chat/feedback", json={"messageId": saved["messageId"], "rating": "up"})
    assert rating.status_code == 503
    set_read_only("off")
    eventually(Message.objects.filter(public_id=unsaved["messageId"]).exists, seconds=20, every=0.2)
