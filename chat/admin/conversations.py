"""Conversations, looked at and never changed: how answers came about and, for who may read it, what was said.

What people ask here is about their health and their children. Without `chat.read_content` no title, no text and no
source is shown, and none can be searched for; with it, every reading leaves a line in the log.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat import cache
from chat.admin.read_only import ReadOnly
from chat.admin.trail import write_down
from chat.models import Conversation, Message
from observability import logs

log = logs.get_logger(__name__)

# Of a longer conversation the end is shown: what somebody asks about has just happened.
MOST_MESSAGES = 200


def may_read(request: HttpRequest) -> bool:
    return request.user.has_perm("chat.read_content")


@admin.register(Conversation)
class ConversationAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # takes none at run time
    ordering = ["-updated_at"]
    list_filter = ["updated_at"]
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["public_id"]  # shows the box; get_search_results is what searches
    search_help_text = _("The whole id of a conversation, a message or a person, or a correlation id")

    actions = ["forget_kept"]

    class Media:
        css = {"all": ["admin_desk/conversations.css"]}

    @admin.action(description=_("Forget the answers kept for these people alone"), permissions=["forget"])
    def forget_kept(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> None:
        """Their answers in the cache, not their conversations: those they delete themselves."""
        for owner in set(queryset.values_list("owner", flat=True)):
            count = cache.forget(owner)
            if count is None:
                self.message_user(
                    request, gettext("Redis is away, so nothing was changed. Try again in a moment."), messages.ERROR
                )
                return
            what = gettext("Kept answers forgotten: %(count)d") % {"count": count}
            write_down(request, Conversation, "", owner, what)
            self.message_user(request, f"{_short(owner)} – {what}", messages.SUCCESS)

    def has_forget_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("chat.delete_conversation")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """The address could ask for `title__startswith=…`, and learn what may not be read."""
        return lookup.partition("__")[0] in self.list_filter

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        title = ("title",) if may_read(request) else ()
        return ("conversation", "person", *title, "messages", "updated_at")

    def get_fields(self, request: HttpRequest, obj: Conversation | None = None) -> tuple[str, ...]:
        title = ("title",) if may_read(request) else ()
        return ("public_id", "owner", *title, "created_at", "updated_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        counts = Message.objects.filter(conversation=OuterRef("pk")).order_by().values("conversation")
        conversations: QuerySet[Conversation] = super().get_queryset(request)
        return conversations.annotate(message_count=Subquery(counts.values(count=Count("pk"))))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Conversation], search_term: str
    ) -> tuple[QuerySet[Conversation], bool]:
        """Whole ids only, as they stand in logs and error messages."""
        if term := search_term.strip():
            messages = Message.objects.filter(Q(correlation_id=term) | Q(public_id=term))
            queryset = queryset.filter(Q(public_id=term) | Q(owner=term) | Q(pk__in=messages.values("conversation")))
        return queryset, False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if may_read(request):
            log.info("Conversation titles read", user_id=str(request.user.pk))
            write_down(request, Conversation, "", gettext("a list of conversations"), gettext("Read the titles."))
        return super().changelist_view(request, extra_context)

    def render_change_form(  # noqa: PLR0913, PLR0917 – as Django calls it
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Conversation | None = None,
    ) -> HttpResponse:
        assert obj is not None  # nobody adds one
        readable = may_read(request)
        if readable:
            log.info("Conversation read", user_id=str(request.user.pk), conversation_id=obj.public_id)
            write_down(request, Conversation, str(obj.pk), obj.public_id, gettext("Read what was said."))
        if request.user.has_perm("chat.view_message"):
            context |= {"said": _last_messages(obj, readable), "readable": readable, "most": MOST_MESSAGES}
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
    """In order; where they may not be read, the database isn't even asked for the words."""
    messages = conversation.messages.order_by("-id")
    if not readable:
        messages = messages.defer("text", "comment")
    return list(reversed(messages[:MOST_MESSAGES]))


def _short(identifier: str) -> str:
    """Enough to tell a few apart: ids are as long as 64 characters."""
    return identifier if len(identifier) <= 20 else f"{identifier[:16]}…"
