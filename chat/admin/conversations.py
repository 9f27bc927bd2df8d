"""Conversations, read-only: the provenance of answers and, with a permission of its own, the message texts.

People write about their health and their children. Without the permission `chat.read_content`, no title, text or
source is shown or searchable. With it, every read is logged.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.admin.audit_log import record
from chat.admin.read_only import ReadOnly
from chat.admin.readings import record_reading
from chat.core import links
from chat.history import conversations
from chat.models import Conversation, Message, Reading
from chat.storage import answer_cache
from observability import logs

log = logs.get_logger(__name__)

# A longer conversation is cut to its end: support requests are about recent messages.
MAX_MESSAGES = 200


def can_read_content(request: HttpRequest) -> bool:
    return request.user.has_perm("chat.read_content")


@admin.register(Conversation)
class ConversationAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # takes none at run time
    ordering = ["-updated_at"]
    list_filter = ["updated_at"]
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["public_id"]  # shows the search box; get_search_results does the search
    search_help_text = _("The whole id of a conversation, a message or a person, or a correlation id")

    actions = ["delete_cached_answers", "replace_answers_rated_down"]

    class Media:
        css = {"all": ["admin_dashboard/conversations.css"]}

    @admin.action(description=_("Forget the answers kept for these people alone"), permissions=["forget"])
    def delete_cached_answers(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> None:
        """Delete the owners' private answers from the cache. Their conversations stay: only the owners delete those."""
        owners = sorted(set(queryset.values_list("owner", flat=True)))
        for number, owner in enumerate(owners):
            count = answer_cache.forget(owner)
            if count is None:
                self._report_outage(request, number, len(owners))
                return
            message = gettext("Kept answers forgotten: %(count)d") % {"count": count}
            record(request, Conversation, "", owner, message)
            self.message_user(request, f"{_short(owner)} – {message}", messages.SUCCESS)

    @admin.action(description=_("Ask the AI again for the answers rated down in them"), permissions=["forget"])
    def replace_answers_rated_down(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> None:
        """Take the shared answers that these people rated down out of use, without waiting for other people's votes."""
        rated = Message.objects.filter(conversation__in=queryset, rating=Message.Rating.DOWN)
        answers = list(rated.only("cache_key", "receipt"))
        done = list(takewhile(lambda is_replaced: is_replaced is not None, map(conversations.replace_answer, answers)))
        if done or not answers:
            message = gettext("Answers that will be replaced: %(count)d") % {"count": done.count(True)}
            record(request, Conversation, "", gettext("a list of conversations"), message)
            self.message_user(request, message, messages.SUCCESS)
        if len(done) < len(answers):
            self._report_outage(request, len(done), len(answers))

    def _report_outage(self, request: HttpRequest, done: int, selected: int) -> None:
        message = gettext("Redis is unavailable. Done for %(done)d of %(selected)d; try the others again in a moment.")
        self.message_user(request, message % {"done": done, "selected": selected}, messages.ERROR)

    def has_forget_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("chat.delete_conversation")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow listed filters only: `?title__startswith=…` would reveal titles to users who may not read them."""
        return lookup.partition("__")[0] in self.list_filter

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        title = ("title",) if can_read_content(request) else ()
        return ("conversation", "person", *title, "messages", "updated_at")

    def get_fields(self, request: HttpRequest, obj: Conversation | None = None) -> tuple[str, ...]:
        title = ("title",) if can_read_content(request) else ()
        return ("public_id", "owner", *title, "created_at", "updated_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        counts = Message.objects.filter(conversation=OuterRef("pk")).order_by().values("conversation")
        rows: QuerySet[Conversation] = super().get_queryset(request)
        return rows.annotate(message_count=Subquery(counts.values(count=Count("pk"))))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Conversation], search_term: str
    ) -> tuple[QuerySet[Conversation], bool]:
        """Match whole ids only, as copied from logs, and the references of error messages."""
        if term := search_term.strip():
            messages = Message.objects.filter(
                Q(correlation_id=term) | Q(correlation_id__startswith=f"req-{term}-") | Q(public_id=term)
            )
            queryset = queryset.filter(Q(public_id=term) | Q(owner=term) | Q(pk__in=messages.values("conversation")))
        return queryset, False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if can_read_content(request):
            log.info("Conversation titles read", user_id=str(request.user.pk))
            record(request, Conversation, "", gettext("a list of conversations"), gettext("Read the titles."))
        response = super().changelist_view(request, extra_context)
        if can_read_content(request) and (listed := _listed_ids(response)):
            record_reading(request, Reading.What.TITLES, listed)
        return response

    def render_change_form(  # noqa: PLR0913, PLR0917 – Django's signature
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Conversation | None = None,
    ) -> HttpResponse:
        assert obj is not None  # has_add_permission is False
        readable = can_read_content(request)
        if readable:
            log.info("Conversation read", user_id=str(request.user.pk), conversation_id=obj.public_id)
            record(request, Conversation, str(obj.pk), obj.public_id, gettext("Read what was said."))
            record_reading(request, Reading.What.TEXTS, [obj.public_id])
        if request.user.has_perm("chat.view_message"):
            shown = _last_messages(obj, readable)
            context |= {
                "last_messages": shown,
                "linked_addresses": _linked_addresses(shown),
                "readable": readable,
                "max_messages": MAX_MESSAGES,
            }
        return super().render_change_form(request, context, add, change, form_url, obj)

    @admin.display(description=_("conversation"), ordering="public_id")
    def conversation(self, obj: Conversation) -> str:
        return _short(obj.public_id)

    @admin.display(description=_("person"), ordering="owner")
    def person(self, obj: Conversation) -> str:
        return _short(obj.owner)

    @admin.display(description=_("messages"))
    def messages(self, obj: Conversation) -> int:
        return obj.message_count or 0  # type: ignore[attr-defined]  # annotated


def _last_messages(conversation: Conversation, readable: bool) -> list[Message]:
    """The last messages, oldest first. Unless `readable`, their texts are not even queried."""
    messages = conversation.messages.order_by("-id")
    if not readable:
        messages = messages.defer("text", "comment")
    return list(reversed(messages[:MAX_MESSAGES]))


def _linked_addresses(shown: Sequence[Message]) -> set[str]:
    """The addresses of sources that may be links. A service gives them, so they may be disguised."""
    addresses = {source["url"] for message in shown for source in message.sources}
    return {address for address in addresses if links.is_allowed(address)}


def _listed_ids(response: HttpResponse) -> list[str]:
    """The public ids of the conversations on a page of the list; none if the list was not shown."""
    listed = (getattr(response, "context_data", None) or {}).get("cl")
    return [row.public_id for row in listed.result_list] if listed is not None else []


def _short(identifier: str) -> str:
    """Shorten an id, which may have 64 characters, to a prefix that distinguishes a few rows."""
    return identifier if len(identifier) <= 20 else f"{identifier[:16]}…"
