"""The desk: an index for its list of degraded answers, and a role for each kind of work done there."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

from chat.online_migrations import AddIndexOnline

SEEING = ["view_circuitbreaker", "view_conversation", "view_message", "view_knowledgeentry"]
ROLES = {
    "viewer": SEEING,
    "operator": [*SEEING, "drive_circuitbreaker"],
    "editor": ["view_circuitbreaker", "view_knowledgeentry", "add_knowledgeentry", "change_knowledgeentry"],
}
# No role has `read_content`: the permission to read messages is granted to single accounts.


def make_roles(apps: Any, schema_editor: Any) -> None:
    """Create or update the groups; permissions added by hand stay."""
    database = schema_editor.connection.alias
    groups = apps.get_model("auth", "Group").objects.using(database)
    for role, codenames in ROLES.items():
        group, _ = groups.get_or_create(name=role)
        group.permissions.add(*(_permission(apps, database, codename) for codename in codenames))


def _permission(apps: Any, database: str, codename: str) -> Any:
    """The permission; on a new database Django makes them after the last migration only, and then finds this one."""
    kinds = apps.get_model("contenttypes", "ContentType").objects.using(database)
    permissions = apps.get_model("auth", "Permission").objects.using(database)
    kind, _ = kinds.get_or_create(app_label="chat", model=codename.partition("_")[2])
    return permissions.get_or_create(codename=codename, content_type=kind, defaults={"name": _name(codename)})[0]


def _name(codename: str) -> str:
    names = {"drive_circuitbreaker": "Can force and reset circuit breakers"}
    verb, _, model = codename.partition("_")
    models = {"circuitbreaker": "circuit breaker", "knowledgeentry": "knowledge entry"}
    return names.get(codename, f"Can {verb} {models.get(model, model)}")


class Migration(migrations.Migration):

    atomic = False  # for the index
    dependencies = [
        ('chat', '0003_receipts'),
        ('auth', '0012_alter_user_first_name_max_length'),
        ('contenttypes', '0002_remove_content_type_name'),
    ]

    operations = [
        AddIndexOnline(
            model_name='message',
            index=models.Index(condition=models.Q(('degraded__isnull', False)), fields=['-created_at'], name='degraded_answers'),
        ),
        migrations.RunPython(make_roles, migrations.RunPython.noop, atomic=True, elidable=False),
    ]
