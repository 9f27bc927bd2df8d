"""How the tables are emptied after each test that has committed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import connection, transaction

from chat.models import Conversation, Reading
from tests.support.factories import few_entries

pytestmark = pytest.mark.django_db(transaction=True)


def empty() -> None:
    call_command("flush", verbosity=0, interactive=False)


def test_all_rows_are_deleted_but_those_that_migrations_add():
    permissions = Permission.objects.count()
    user = User.objects.create_user("someone")
    group = Group.objects.create(name="some")
    user.groups.add(group)
    group.permissions.add(*Permission.objects.all())
    few_entries()
    Conversation.objects.create()
    Reading.objects.create()  # a trigger keeps its rows

    empty()

    filled = {model.__name__ for model in apps.get_models() if model._meta.managed and model._default_manager.exists()}
    assert filled == {"ContentType", "Permission"}
    assert Permission.objects.count() == permissions > 0


def test_the_rows_of_a_transaction_in_progress_are_deleted_as_well():
    written, may_commit = threading.Event(), threading.Event()

    def write() -> None:
        with closing(connection), transaction.atomic():
            Conversation.objects.create()
            written.set()
            may_commit.wait(30)

    def delete() -> None:
        with closing(connection):
            empty()

    with ThreadPoolExecutor(2) as threads:
        writer = threads.submit(write)
        written.wait(30)
        deletion = threads.submit(delete)
        with pytest.raises(TimeoutError):
            deletion.result(0.3)
        may_commit.set()
        writer.result()
        deletion.result()
    assert not Conversation.objects.exists()
