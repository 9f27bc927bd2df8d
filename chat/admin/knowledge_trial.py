"""Trying an entry out: what people would be answered now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from django import forms
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from chat import answering
from chat.admin.desk import ORIGINS, REASONS
from chat.events import Source
from chat.markdown import as_html
from chat.models import KnowledgeEntry
from chat.questions import Language, Question
from chat.schemas import MAX_MESSAGE
from chat.wire import plain


class TrialForm(forms.Form):
    question = forms.CharField(
        label=_("Question"),
        max_length=MAX_MESSAGE,
        widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
        error_messages={"required": _("Write a question.")},
        help_text=_("The AI is asked anew; its answer takes the place of the kept one."),
    )


@dataclass(frozen=True, slots=True)
class Trial:
    """One answer, as people would get it. `rests_on_entry`: whether the entry was among what the AI had to read."""

    html: SafeString
    origin: Promise | str
    seconds: float
    sources: Sequence[Source]
    degraded: Promise | str
    rests_on_entry: bool


def ask(entry: KnowledgeEntry, text: str) -> Trial:
    """Ask the AI now, whatever is kept."""
    question = Question(text, cast("Language", entry.language), caller_id="")
    began = time.monotonic()
    transcript = plain.gather(answering.answer(question, made_since=time.time()).read())
    finish = transcript.finish
    assert finish is not None
    return Trial(
        html=as_html(transcript.text),
        origin=ORIGINS.get(finish.origin, finish.origin),
        seconds=time.monotonic() - began,
        sources=transcript.sources,
        degraded=REASONS[finish.degraded.reason] if finish.degraded else "",
        rests_on_entry=entry.slug in {passage.slug for passage in answering.grounds(question)},
    )
