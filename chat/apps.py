from __future__ import annotations

from collections.abc import Callable

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = "Chat"

    def ready(self) -> None:
        from chat import checks, help_lines  # noqa: F401, PLC0415 checks register themselves once the apps are loaded

        help_lines.load()  # a wrong file refuses to start

    def renew_gauges(self) -> None:
        from chat.upstream import breakers  # noqa: PLC0415 needs the settings

        breakers.show()

    def work_under_way(self) -> bool:
        """Whether this process writes an answer; it may be read on another instance."""
        from chat import runs  # noqa: PLC0415 needs the settings

        return runs.is_leading()

    def health_probes(self) -> list[tuple[str, Callable[[], dict[str, object]]]]:
        from chat import probes  # noqa: PLC0415 needs the settings

        return [
            ("aiService", probes.ai_breakers),
            ("aiService", probes.ai_service),
            ("cache", probes.answer_cache),
        ]
