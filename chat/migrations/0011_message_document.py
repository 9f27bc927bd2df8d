"""The document that a person keeps in a conversation, with the question that it came with."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0010_readings'),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='document',
            field=models.JSONField(blank=True, editable=False, null=True, verbose_name='document'),
        ),
    ]
