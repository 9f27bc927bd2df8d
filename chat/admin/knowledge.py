"""The knowledge base editor. A saved entry is in use on every instance within seconds."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.admin.audit_log import record
from chat.admin.knowledge_preview import AnswerPreviewForm, preview_answer
from chat.admin.pages import page
from chat.core.markdown import as_html
from chat.core.phone_numbers import numbers_in
from chat.knowledge.files import BUNDLED
from chat.knowledge.lexicon import fold
from chat.models import KnowledgeEntry
from chat.pipeline import cache_warmer


class Lines(forms.CharField):
    """A list of texts, edited as one per line."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        return _lines(super().clean(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return (initial or []) != _lines(data or "")


class EntryForm(forms.ModelForm):  # type: ignore[type-arg]  # takes none at run time
    def clean_source_url(self) -> str:
        address: str = self.cleaned_data["source_url"]
        if not address.startswith("https://"):
            raise ValidationError(_("The address must begin with https://."))
        return address

    def clean_checked_on(self) -> Any:
        day = self.cleaned_data["checked_on"]
        if day > timezone.localdate():
            raise ValidationError(_("Facts can’t have been checked in the future."))
        return day


@admin.register(KnowledgeEntry)
class KnowledgeAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # takes none at run time
    form = EntryForm
    list_display = ["title", "language", "topic", "enabled", "checked_on", "due"]
    list_filter = ["language", "topic", "enabled"]
    search_fields = ["title", "slug", "questions", "keywords", "text"]
    prepopulated_fields = {"slug": ["title"]}
    readonly_fields = ["preview", "updated_at"]
    radio_fields = {"language": admin.HORIZONTAL}
    formfield_overrides = {
        models.TextField: {"widget": AdminTextareaWidget(attrs={"rows": 20})},
        models.URLField: {"assume_scheme": "https"},
    }

    class Media:
        css = {"all": ["admin_dashboard/knowledge.css"]}
        js = [
            forms.Script("admin_dashboard/knowledge.js", type="module"),
            forms.Script("admin_dashboard/unsaved.js", type="module"),
        ]

    def get_urls(self) -> list[URLPattern]:
        guarded = self.admin_site.admin_view
        return [
            path("preview/", guarded(self.preview_view), name="chat_knowledgeentry_preview"),
            path("<int:pk>/ask/", guarded(self.answer_preview_view), name="chat_knowledgeentry_answer_preview"),
            path("<int:pk>/warm/", guarded(self.warm_view), name="chat_knowledgeentry_warm"),
            *super().get_urls(),
        ]

    def get_fieldsets(self, request: HttpRequest, obj: KnowledgeEntry | None = None) -> Any:
        return [
            (None, {"fields": ["title", "slug", "language", "topic", "enabled"], "description": _origin(obj)}),
            (_("What it says"), {"fields": [("text", "preview")]}),
            (_("How it is found"), {"fields": ["questions", "keywords"]}),
            (
                _("Where its facts come from"),
                {"fields": ["source_name", "source_url", "checked_on", "valid_until", "updated_at"]},
            ),
        ]

    def formfield_for_dbfield(self, db_field: models.Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, models.JSONField):
            return _lines_field(db_field)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[KnowledgeEntry], search_term: str
    ) -> tuple[models.QuerySet[KnowledgeEntry], bool]:
        """Entries that contain all words of the search term, or parts of words, ignoring accents, case and apostrophes.

        Done in Python: there are only a few hundred entries, and neither SQLite nor every PostgreSQL folds accents.
        """
        terms = fold(search_term).split()
        rows = queryset.values_list("pk", *self.search_fields)
        matches = [pk for pk, *texts in rows if all(term in fold(" ".join(map(str, texts))) for term in terms)]
        return queryset.filter(pk__in=matches), False

    @admin.display(description=gettext_lazy("due"))
    def due(self, entry: KnowledgeEntry) -> dt.date:
        return entry.due_on

    @admin.display(description=gettext_lazy("preview"))
    def preview(self, entry: KnowledgeEntry) -> SafeString:
        """The saved text as HTML; knowledge.js updates it while the editor types."""
        address = reverse("admin:chat_knowledgeentry_preview")
        return format_html(
            '<div class="prose" id="preview" data-url="{}">{}</div>',
            address,
            as_html(entry.text, numbers_in(entry.text)),
        )

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """Render the posted Markdown `text` as an HTML fragment."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        text = request.POST.get("text", "")
        return HttpResponse(as_html(text, numbers_in(text)))

    def answer_preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET: show the question form. POST: ask the question and show the answer that people would get."""
        entry = self._editable(request, pk)
        form = AnswerPreviewForm(
            request.POST or None, initial={"question": entry.questions[0] if entry.questions else ""}
        )
        answer = preview_answer(entry, form.cleaned_data["question"]) if form.is_valid() else None
        context = {
            "title": _("Ask it: %(entry)s") % {"entry": entry.title},
            "entry": entry,
            "form": form,
            "answer": answer,
        }
        return page(self, request, "answer_preview", context)

    def warm_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Generate the answers to the entry's questions again and report how many are cached."""
        entry = self._editable(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        outcomes = cache_warmer.warm_entry(entry)
        ready = sum(outcome.result in {"cached", "unchanged"} for outcome in outcomes)
        message = _("%(ready)d of %(all)d answers are ready.") % {"ready": ready, "all": len(entry.questions)}
        record(request, KnowledgeEntry, str(entry.pk), str(entry), message)
        self.message_user(request, message, messages.SUCCESS if ready == len(entry.questions) else messages.WARNING)
        return HttpResponseRedirect(reverse("admin:chat_knowledgeentry_change", args=[pk]))

    def _editable(self, request: HttpRequest, pk: int) -> KnowledgeEntry:
        """The entry, if the user may change it: each question to the AI costs money."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        return get_object_or_404(KnowledgeEntry, pk=pk)


def _lines_field(field: models.Field[Any, Any]) -> Lines:
    return Lines(
        label=capfirst(field.verbose_name),
        required=not field.blank,
        help_text=format_html("{} {}", _("One a line."), field.help_text),
        error_messages={"required": _("Write at least one.")},
        widget=AdminTextareaWidget(attrs={"rows": 6}),
    )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _origin(entry: KnowledgeEntry | None) -> str:
    """An HTML warning for an entry that also is a bundled file: `load_knowledge` overwrites the edits."""
    if entry is None or not (BUNDLED / entry.language / f"{entry.slug}.md").is_file():
        return ""
    return _(
        "This entry is also a file of the program: <code>manage.py load_knowledge</code> puts the file’s content back."
    )
