"""Readings: an append-only table of the message texts that staff have read."""

from __future__ import annotations

from typing import Any

import django.utils.timezone
from django.db import migrations, models


# The trigger allows inserts only, also for clients with the database password.
APPEND_ONLY = """
CREATE FUNCTION chat_reading_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'chat_reading is append-only';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON chat_reading
  FOR EACH ROW EXECUTE FUNCTION chat_reading_is_append_only();
"""
NOT_APPEND_ONLY = """
DROP TRIGGER IF EXISTS append_only ON chat_reading;
DROP FUNCTION IF EXISTS chat_reading_is_append_only();
"""


def guard(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(APPEND_ONLY, params=None)


def unguard(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(NOT_APPEND_ONLY, params=None)


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0009_api_key_budgets'),
    ]

    operations = [
        migrations.CreateModel(
            name='Reading',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reader_id', models.CharField(editable=False, max_length=64, verbose_name='account')),
                ('reader_name', models.CharField(editable=False, max_length=150, verbose_name='name')),
                ('what', models.CharField(choices=[('titles', 'titles of conversations'), ('texts', 'a conversation')], editable=False, max_length=10, verbose_name='what')),
                ('conversations', models.JSONField(default=list, editable=False, verbose_name='conversations')),
                ('read_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='read')),
            ],
            options={
                'verbose_name': 'reading',
                'verbose_name_plural': 'readings',
                'ordering': ['-id'],
            },
        ),
        migrations.RunPython(guard, unguard, elidable=False),
    ]
