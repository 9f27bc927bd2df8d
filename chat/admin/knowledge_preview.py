"""Preview of the answer that people would get to a question about an entry."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from django import forms
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from chat.admin.dashboard import REASONS
from chat.admin.last_hour import ORIGINS
from chat.api.schemas import MAX_MESSAGE
from chat.core.events import Source
from chat.core.language import Language
from chat.core.markdown import as_html
from chat.core.question import Question
from chat.models import KnowledgeEntry
from chat.pipeline import distress_notice, help_lines, question_answering


class AnswerPreviewForm(forms.Form):
    question = forms.CharField(
        label=_("Question"),
        max_length=MAX_MESSAGE,
        widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
        error_messages={"required": _("Write a question.")},
        help_text=_("The AI is asked anew; its answer takes the place of the kept one."),
    )


@dataclass(frozen=True, slots=True)
class AnswerPreview:
    """An answer and its facts. `uses_entry`: whether the entry was among the passages sent to the AI."""

    html: SafeString
    origin: Promise | str
    seconds: float
    sources: Sequence[Source]
    degraded: Promise | str
    uses_entry: bool


def preview_answer(entry: KnowledgeEntry, text: str) -> AnswerPreview:
    """Ask the AI now, ignoring the cached answer, which the new one replaces."""
    question = Question(text, cast("Language", entry.language), caller_id="")
    started = time.monotonic()
    transcript = question_answering.answer(question, not_before=time.time()).read_to_end("preview")
    finish = transcript.finish
    assert finish is not None
    passages = question_answering.find_passages(question, distress_notice.kinds_of(text))
    return AnswerPreview(
        html=as_html(transcript.text, help_lines.numbers_to_call()),
        origin=ORIGINS.get(finish.origin, finish.origin),
        seconds=time.monotonic() - started,
        sources=transcript.sources,
        degraded=REASONS[finish.degraded.reason] if finish.degraded else "",
        uses_entry=entry.slug in {passage.slug for passage in passages},
    )
