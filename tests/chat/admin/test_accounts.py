"""Accounts: an operator who manages them can't extend rights; records of readings survive the reader's account."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import DatabaseError, connection, transaction
from django.test import Client

from chat.models import Conversation, Message, Reading

pytestmark = pytest.mark.django_db


def client_of(user: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def staff(name: str, *codenames: str) -> User:
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


@pytest.fixture
def manager() -> User:
    """A staff member with permissions for accounts and groups only."""
    codenames = [f"{verb}_{model}" for verb in ("view", "add", "change", "delete") for model in ("user", "group")]
    return staff("manager", *codenames)


def form_of(user: User, **changes: object) -> dict[str, object]:
    dates = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    return {"username": user.username, "is_active": "on", "is_staff": "on", **dates, **changes}


def save(client: Client, user: User, **changes: object) -> int:
    return client.post(f"/admin/auth/user/{user.pk}/change/", form_of(user, **changes)).status_code


def test_only_superusers_make_superusers(manager):
    other = staff("other")
    admin = client_of(User.objects.create_superuser("root"))
    for user in (manager, other):
        assert save(client_of(manager), user, is_superuser="on") == 302
        assert not User.objects.get(pk=user.pk).is_superuser
    assert save(admin, other, is_superuser="on") == 302
    assert User.objects.get(pk=other.pk).is_superuser


def test_nobody_else_grants_permissions_or_groups(manager):
    reading = Permission.objects.get(codename="read_content")
    role = Group.objects.get(name="operator")
    assert save(client_of(manager), manager, user_permissions=[reading.pk], groups=[role.pk]) == 302
    assert not User.objects.get(pk=manager.pk).has_perm("chat.read_content")
    assert not manager.groups.exists()
    page = client_of(manager).post(f"/admin/auth/group/{role.pk}/change/", {"name": "x", "permissions": [reading.pk]})
    assert page.status_code == 403
    assert client_of(manager).get("/admin/auth/group/add/").status_code == 403


def test_the_password_of_somebody_with_more_rights_is_not_theirs_to_change(manager):
    root, reader, colleague = User.objects.create_superuser("root"), staff("reader", "read_content"), staff("colleague")
    client = client_of(manager)
    for user, status in ((root, 403), (reader, 403), (colleague, 302)):
        path = f"/admin/auth/user/{user.pk}/password/"
        words = {"password1": "kV9-ui2-x0w-77", "password2": "kV9-ui2-x0w-77", "usable_password": "true"}
        assert client.post(path, words).status_code == status
        assert save(client, user, email="x@example.org") == status
    body = {"action": "delete_selected", "_selected_action": [root.pk, reader.pk], "post": "yes"}
    client.post("/admin/auth/user/", body)
    assert client.post(f"/admin/auth/user/{root.pk}/delete/", {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk__in=[root.pk, reader.pk]).count() == 2


def test_nor_is_that_of_a_deactivated_account_that_would_have_more_rights(manager):
    former, operator, newcomer = staff("former", "read_content"), staff("operator"), staff("newcomer")
    operator.groups.add(Group.objects.get(name="operator"))
    User.objects.filter(pk__in=[former.pk, operator.pk, newcomer.pk]).update(is_active=False)
    for user, status in ((former, 403), (operator, 403), (newcomer, 302)):
        assert save(client_of(manager), user) == status
        assert User.objects.get(pk=user.pk).is_active == (status == 302)


def test_a_reading_outlives_the_readers_account_and_the_conversation():
    conversation = Conversation.objects.create(owner="visitor-1", title="Mon fils Noé")
    Message.objects.create(conversation=conversation, role="user", text="Mon fils Noé")
    reader = staff("sacha", "view_conversation", "view_message", "read_content")
    client = client_of(reader)
    assert client.get("/admin/chat/conversation/").status_code == 200
    assert client.get(f"/admin/chat/conversation/{conversation.pk}/change/").status_code == 200
    reader.delete()
    Conversation.objects.all().delete()
    assert list(Reading.objects.order_by("id").values_list("reader_name", "what", "conversations")) == [
        ("sacha", "titles", [conversation.public_id]),
        ("sacha", "texts", [conversation.public_id]),
    ]


def test_who_may_not_read_leaves_no_reading():
    Conversation.objects.create(owner="visitor-1", title="Mon fils Noé")
    client_of(staff("sacha", "view_conversation", "view_message")).get("/admin/chat/conversation/")
    assert not Reading.objects.exists()


@pytest.mark.parametrize("change", [lambda rows: rows.update(reader_name="x"), lambda rows: rows.delete()])
def test_readings_are_never_changed_or_deleted(change):
    Reading.objects.create(reader_id="1", reader_name="sacha", what="titles")
    assert connection.vendor == "postgresql"
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        change(Reading.objects.all())


def test_the_desk_shows_readings_and_changes_none():
    row = Reading.objects.create(reader_id="1", reader_name="sacha", what="titles")
    root = client_of(User.objects.create_superuser("root"))
    assert "sacha" in root.get("/admin/chat/reading/").content.decode()
    assert root.post(f"/admin/chat/reading/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert root.get("/admin/chat/reading/add/").status_code == 403
