from __future__ import annotations

from collections.abc import Callable

from django.apps import AppConfig
from django.utils import timezone

from observability import metrics


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = "Chat"

    def ready(self) -> None:
        from chat import checks  # noqa: F401, PLC0415 importing it registers the checks
        from chat.pipeline import help_lines  # noqa: PLC0415 needs the loaded apps

        help_lines.load()  # raises if the file is invalid, so that the program does not start

    def update_gauges(self) -> None:
        from chat import knowledge  # noqa: PLC0415 needs the loaded apps
        from chat.upstream import breaker_registry, service, session  # noqa: PLC0415 needs the settings

        breaker_registry.refresh_metrics()
        for ai in service.configured():
            session.get(ai)  # creates the series of its refusals at zero
        metrics.KNOWLEDGE_OVERDUE.set(len(knowledge.due(timezone.localdate())))

    def has_background_work(self) -> bool:
        """Whether this process is producing an answer (its reader may be on another instance) or has one to save."""
        from chat import runs  # noqa: PLC0415 needs the settings
        from chat.history import late_writes  # noqa: PLC0415 needs the settings

        return runs.is_leading() or late_writes.queue.can_proceed

    def health_probes(self) -> list[tuple[str, Callable[[], dict[str, object]]]]:
        from chat import probes  # noqa: PLC0415 needs the settings

        return [
            ("aiService", probes.ai_breakers),
            ("aiService", probes.ai_service),
            ("cache", probes.answer_cache),
        ]
