"""Erasure deletes all of a person's words in Redis and PostgreSQL; private answers are not served to others."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django_redis import get_redis_connection

from chat.pipeline import sharing
from tests.conftest import ChatClient
from tests.support import document_files
from tests.support.polling import eventually

pytestmark = pytest.mark.django_db(transaction=True)

CANARY = "Zorglubine"
COMMON = "Comment demander l'AEEH ?"
UNUSUAL = "Bonjour, un café crème ?"
PERSONAL = [
    f"Mon fils {CANARY} peut-il avoir l'AEEH ?",
    "Mon fils né le 3 mai 2015 peut-il avoir l'AEEH ?",
    "Mon dossier 44210087 est-il complet pour l'AEEH ?",
    "Mon fils Martin a-t-il droit à l'AEEH ?",
    "Son papi le harcèle quand il rentre du judo, et l'AEEH ?",
]


def stored_texts() -> Iterator[str]:
    """Every key and value in Redis, unpacked, and every row of every table."""
    redis: Any = get_redis_connection("default")
    for key in redis.scan_iter("*"):
        yield key.decode(errors="replace")
        yield from (text.decode(errors="replace") for text in values_of(redis, key))
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            yield from (f"{table}: {row}" for (row,) in cursor.fetchall())


def values_of(redis: Any, key: bytes) -> Iterator[bytes]:
    match redis.type(key):
        case b"string":
            value = redis.get(key) or b""
            yield zlib.decompress(value[1:]) if value[:1] == b"z" else value
        case b"hash":
            for pair in redis.hgetall(key).items():
                yield from pair
        case b"zset":
            yield from redis.zrange(key, 0, -1)
        case b"set":
            yield from redis.smembers(key)
        case b"list":
            yield from redis.lrange(key, 0, -1)
        case b"stream":
            for _, fields in redis.xrange(key):
                for pair in fields.items():
                    yield from pair


def with_canary() -> list[str]:
    return [text[:200] for text in stored_texts() if CANARY.lower() in text.lower()]


def test_nothing_of_a_persons_words_is_left(visitor, ai):
    question = f"Mon fils {CANARY} a-t-il droit à l'AEEH ?"
    answer = visitor.ask(question).json()
    b"".join(visitor.stream(f"{CANARY} et la PCH ?"))
    visitor.ask(f"Et pour {CANARY} ?", conversationId=answer["conversationId"])
    body = {"model": "x", "messages": [{"role": "user", "content": f"{CANARY} à l'école ?"}]}
    visitor.post_json("/v1/chat/completions", body)
    rating = {"messageId": answer["messageId"], "rating": "down", "comment": f"Pas pour {CANARY}"}
    visitor.post_json("/api/chat/feedback", rating)
    letter = SimpleUploadedFile(f"{CANARY}.txt", f"{document_files.LETTER}\n{CANARY}".encode())
    kept = {"file": letter, "documentType": "mdph", "keep": "true", "conversationId": answer["conversationId"]}
    assert visitor.post("/api/chat/analyze-document", kept).json()["saved"]
    visitor.ask("Et si je ne suis pas d'accord ?", conversationId=answer["conversationId"])
    eventually(lambda: len(with_canary()) >= 3)
    assert visitor.delete("/api/me").status_code == 200
    assert with_canary() == []


@pytest.mark.parametrize("question", PERSONAL)
def test_the_answer_to_a_first_question_in_a_persons_own_words_is_private(visitor, another_visitor, ai, question):
    assert visitor.ask(question).json()["origin"] == "ai"
    assert visitor.ask(question).json()["origin"] == "cache"
    assert another_visitor.ask(question).json()["origin"] == "ai"


def test_a_question_in_the_words_of_the_knowledge_base_is_shared_at_once(visitor, another_visitor, ai):
    assert visitor.ask(COMMON).json()["origin"] == "ai"
    assert another_visitor.ask(COMMON).json()["origin"] == "cache"


def origins_for(addresses: Iterable[str]) -> list[str]:
    """The origins of the answers to an unusual question of a new visitor at each address, one after the other."""
    people = [ChatClient(raise_request_exception=False, REMOTE_ADDR=address) for address in addresses]
    return [person.ask(UNUSUAL).json()["origin"] for person in people]


def test_what_several_people_ask_is_shared(visitor, ai):
    origins = origins_for(f"192.0.2.{number}" for number in range(sharing.SEVERAL + 1))
    assert origins == ["ai"] * sharing.SEVERAL + ["cache"]


@pytest.mark.parametrize("addresses", [["192.0.2.1"] * 6, [f"2001:db8:1:{number}::1" for number in range(6)]])
def test_one_network_with_many_cookies_makes_no_question_common(visitor, ai, addresses):
    assert origins_for(addresses) == ["ai"] * 6
    assert origins_for(["192.0.2.7", "192.0.2.8", "192.0.2.9"]) == ["ai", "ai", "cache"]


def test_one_person_on_many_networks_makes_no_question_common(visitor, another_visitor, ai):
    for number in range(6):
        visitor.post_json("/api/chat/message", {"message": UNUSUAL}, REMOTE_ADDR=f"192.0.2.{number}")
    assert another_visitor.ask(UNUSUAL).json()["origin"] == "ai"
