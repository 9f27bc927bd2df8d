"""`manage.py purge_conversations`: deletes conversations older than RETENTION_DAYS."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from chat.models import Claim, Conversation

BATCH_SIZE = 500  # keeps transactions and their locks short


class Command(BaseCommand):
    help = "Delete conversations without a message for RETENTION_DAYS."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=settings.RETENTION_DAYS, help="default: RETENTION_DAYS")
        parser.add_argument("--dry-run", action="store_true", help="only count the conversations")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] < 1:
            raise CommandError("--days must be at least 1.", returncode=2)
        before = timezone.now() - timedelta(days=options["days"])
        old = Conversation.objects.filter(updated_at__lt=before)
        if options["dry_run"]:
            self.stdout.write(f"would delete {old.count()} conversations")
            return
        # A visitor's cookie is valid for one year. Older claims can have no visitor any more.
        Claim.objects.filter(claimed_at__lt=min(before, timezone.now() - timedelta(days=365))).delete()
        deleted = 0
        while count := _delete_batch(old):
            deleted += count
        self.stdout.write(f"deleted {deleted} conversations")


@transaction.atomic
def _delete_batch(old: QuerySet[Conversation]) -> int:
    """Delete some of these conversations, locked as long as that takes: one that is continued meanwhile stays."""
    batch = list(old.select_for_update().values_list("pk", flat=True)[:BATCH_SIZE])
    Conversation.objects.filter(pk__in=batch).delete()
    return len(batch)
