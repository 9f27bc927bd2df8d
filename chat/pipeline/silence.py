"""Sends a status notice, and a fitting article to read, when an answer's first words take long."""

from __future__ import annotations

import time
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from types import TracebackType

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override

from chat.core.events import Notice
from chat.core.language import Language
from chat.core.question import Passage
from chat.core.watchdog import Watchdog
from chat.pipeline.article_text import article_text
from chat.runs import Run
from observability import unexpected_errors

CHECK_INTERVAL_SECONDS = 0.25  # the notice is at most this late


@dataclass(eq=False, slots=True)
class Silence:
    """Context manager around a run's wait for the AI: sends the notice after AI_SILENCE_SECONDS without words.

    `article` goes with the notice; None if no article fits.
    """

    run: Run
    language: Language
    article: Passage | None = None
    begun_at: float = field(default_factory=time.monotonic)
    has_ended: bool = False
    _context: Context = field(default_factory=copy_context)  # carries the correlation id for log lines

    def __enter__(self) -> Silence:
        _silences.add(self)
        return self

    def __exit__(self, _: object, __: BaseException | None, ___: TracebackType | None) -> None:
        self.end()

    def end(self) -> None:
        """Stop the timer: the first words have arrived, or the wait is over."""
        if not self.has_ended:
            self.has_ended = True
            _silences.remove(self)

    def is_long(self) -> bool:
        return time.monotonic() - self.begun_at >= settings.AI_SILENCE_SECONDS

    def notify(self) -> None:
        """Send the notice to the run's readers, from the watchdog thread."""
        self._context.run(self._notify)

    def _notify(self) -> None:
        with unexpected_errors.survived("fallback"), override(self.language):
            self.run.add_before_text(
                [self._status(), *([_interim(self.article, self.language)] if self.article else [])]
            )

    def _status(self) -> Notice:
        text = _("The assistant is taking longer than usual. Your answer is still on its way.")
        return Notice("status", text, {"waitedSeconds": round(time.monotonic() - self.begun_at)})


def _interim(article: Passage, language: Language) -> Notice:
    data = {
        "id": article.slug,
        "title": article.title,
        "body": article_text(article, language),
        "source": article.source_name,
        "url": article.source_url,
    }
    return Notice("interim", _("While you wait, this article may help you."), data)


_silences = Watchdog[Silence]("silences", CHECK_INTERVAL_SECONDS, Silence.is_long, Silence.notify)
