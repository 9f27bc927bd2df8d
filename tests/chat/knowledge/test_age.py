"""How old the facts of an entry are: in the search, in the versions of cached answers and for operators."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from chat import knowledge
from chat.knowledge.knowledge_base import KnowledgeBase
from chat.models import KnowledgeEntry
from observability import metrics

DAY = dt.date(2026, 11, 29)
TODAY = timezone.localdate()
YESTERDAY = TODAY - dt.timedelta(days=1)


def entry(**fields: Any) -> KnowledgeEntry:
    values = {"slug": "aeeh", "language": "fr", "title": "AEEH", "text": "L'AEEH.", "checked_on": TODAY, **fields}
    return KnowledgeEntry(questions=["aeeh ?"], source_name="Caf", source_url="https://caf.fr/aeeh", **values)


def test_facts_are_due_a_year_after_they_were_checked() -> None:
    checked = entry(checked_on=DAY)
    assert checked.due_on == dt.date(2027, 11, 29)
    assert not checked.is_overdue(dt.date(2027, 11, 28))
    assert checked.is_overdue(dt.date(2027, 11, 29))


def test_facts_are_due_on_the_day_after_their_last_valid_one() -> None:
    checked = entry(checked_on=DAY, valid_until=dt.date(2026, 12, 31))
    assert not checked.is_overdue(dt.date(2026, 12, 31))
    assert checked.is_overdue(dt.date(2027, 1, 1))


def test_a_late_last_day_does_not_spare_the_yearly_check() -> None:
    assert entry(checked_on=DAY, valid_until=dt.date(2040, 1, 1)).due_on == dt.date(2027, 11, 29)


def test_a_passage_and_its_source_say_how_old_they_are() -> None:
    [passage] = KnowledgeBase([entry(valid_until=YESTERDAY)]).search("aeeh", "fr", 1)
    assert (passage.as_of, passage.is_outdated) == (TODAY.isoformat(), True)
    assert passage.source("1").as_json() == {
        "id": "1", "title": "AEEH – Caf", "url": "https://caf.fr/aeeh", "asOf": TODAY.isoformat(), "outdated": True,
    }  # fmt: skip


def test_answers_given_before_an_entry_became_outdated_are_not_served_after_it() -> None:
    [fresh] = KnowledgeBase([entry(valid_until=TODAY)]).search("aeeh", "fr", 1)
    [late] = KnowledgeBase([entry(valid_until=YESTERDAY)]).search("aeeh", "fr", 1)
    assert fresh.revision == late.revision
    assert knowledge.version([fresh]) != knowledge.version([late])


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [entry(), entry(slug="aah", valid_until=YESTERDAY), entry(slug="pch", valid_until=TODAY)]
    knowledge_base = KnowledgeBase(entries)
    monkeypatch.setattr(knowledge, "current", lambda: knowledge_base)


def check(*arguments: str) -> str:
    out = io.StringIO()
    with pytest.raises(CommandError) as raised:
        call_command("check_knowledge", *arguments, stdout=out)
    assert raised.value.returncode == 1
    return out.getvalue()


@pytest.mark.usefixtures("base")
def test_the_command_fails_and_lists_what_is_overdue() -> None:
    lines = check().splitlines()
    assert lines[0].startswith(f"fr/aah: due on {TODAY}")
    assert lines[1:] == ["1 of 3 entries are due"]


@pytest.mark.usefixtures("base")
def test_the_command_looks_ahead_and_prints_json() -> None:
    report = json.loads(check("--days", "1", "--json"))
    assert [each["entry"] for each in report["due"]] == ["fr/aah", "fr/pch"]
    assert report["due"][0]["validUntil"] == YESTERDAY.isoformat()


@pytest.mark.usefixtures("base")
def test_a_scrape_counts_what_is_overdue(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.apps import apps

    apps.get_app_config("chat").update_gauges()  # type: ignore[attr-defined]
    assert metrics.KNOWLEDGE_OVERDUE._value.get() == 1
