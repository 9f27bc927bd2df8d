"""The database tables: conversations with their messages, API keys and the knowledge base."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

# The facts of a knowledge entry are checked again after a year: most amounts and many rules change once in it.
REVIEW_PERIOD = dt.timedelta(days=365)


def new_public_id() -> str:
    return str(uuid.uuid4())


class Conversation(models.Model):
    """One caller's conversation. `public_id` is unique per owner only, because some clients choose it."""

    public_id = models.CharField(_("id"), max_length=64, default=new_public_id, editable=False)
    owner = models.CharField(_("owner"), max_length=100, editable=False)
    title = models.CharField(_("title"), max_length=120)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("last message"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        constraints = [models.UniqueConstraint(fields=["owner", "public_id"], name="one_conversation_per_owner_and_id")]
        indexes = [
            models.Index(fields=["owner", "-updated_at"], name="conversations_of_owner"),
            models.Index(fields=["updated_at"], name="conversations_by_age"),
        ]

    def __str__(self) -> str:
        return self.public_id


class Message(models.Model):
    """A question, or an answer with its provenance (`receipt`, see chat/storage/provenance.py)."""

    class Role(models.TextChoices):
        USER = "user", _("person")
        ASSISTANT = "assistant", _("assistant")

    class Status(models.TextChoices):
        PENDING = "pending", _("being written")
        COMPLETE = "complete", _("complete")
        LENGTH = "length", _("cut at the length limit")
        FILTERED = "filtered", _("cut by a content filter")
        REFUSED = "refused", _("refused by the AI")
        INTERRUPTED = "interrupted", _("interrupted")
        STOPPED = "stopped", _("stopped by the person")

    class Rating(models.TextChoices):
        UP = "up", _("helpful")
        DOWN = "down", _("not helpful")

    class Reason(models.TextChoices):
        OFF_TOPIC = "off_topic", _("off topic")
        WRONG = "wrong", _("wrong or outdated")
        UNCLEAR = "unclear", _("hard to understand")
        INCOMPLETE = "incomplete", _("incomplete")

    public_id = models.CharField(_("id"), max_length=64, default=new_public_id, unique=True, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    role = models.CharField(_("role"), max_length=10, choices=Role.choices)
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.COMPLETE)
    text = models.TextField(_("text"), blank=True)
    origin = models.CharField(_("origin"), max_length=10, blank=True)
    degraded = models.JSONField(_("degraded"), null=True, blank=True)
    sources = models.JSONField(_("sources"), default=list, blank=True)
    suggestions = models.JSONField(_("suggestions"), default=list, blank=True)
    receipt = models.JSONField(_("receipt"), null=True, blank=True)
    rating = models.CharField(_("rating"), max_length=4, choices=Rating.choices, blank=True)
    # Why the answer is rated "down", if the person chose one of the reasons.
    reason = models.CharField(_("reason"), max_length=12, choices=Reason.choices, blank=True, default="", db_default="")
    comment = models.TextField(_("comment"), blank=True)
    correlation_id = models.CharField(_("correlation id"), max_length=64, blank=True, db_index=True)
    run_id = models.CharField(max_length=64, blank=True, editable=False)
    # The id that the client gave a question, by which it is edited; empty if the client gave none.
    client_id = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    cache_key = models.CharField(max_length=200, blank=True, editable=False)
    # The document that a question is about, if the person keeps it (see chat/history/kept_document.py).
    document = models.JSONField(_("document"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["id"]
        indexes = [
            # For the latest degraded answers on the dashboard: few rows among many.
            models.Index(fields=["-created_at"], name="degraded_answers", condition=models.Q(degraded__isnull=False))
        ]
        permissions = [("read_content", "Can read what people asked and were answered")]

    def __str__(self) -> str:
        return self.public_id


class Reading(models.Model):
    """A member of staff has read message texts. Rows are never changed or deleted, not even with the account."""

    class What(models.TextChoices):
        TITLES = "titles", _("titles of conversations")
        TEXTS = "texts", _("a conversation")

    reader_id = models.CharField(_("account"), max_length=64, editable=False)
    reader_name = models.CharField(_("name"), max_length=150, editable=False)
    what = models.CharField(_("what"), max_length=10, choices=What.choices, editable=False)
    # The public ids of the conversations: not a relation, because they are deleted before this is.
    conversations = models.JSONField(_("conversations"), default=list, editable=False)
    read_at = models.DateTimeField(_("read"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("reading")
        verbose_name_plural = _("readings")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.reader_name}, {self.read_at:%Y-%m-%d %H:%M}"


class Claim(models.Model):
    """An anonymous visitor who signed in: `owner` owns the conversations of `visitor` from then on."""

    visitor = models.CharField(max_length=100, unique=True, editable=False)
    owner = models.CharField(max_length=100, db_index=True, editable=False)
    claimed_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.visitor


class ApiKey(models.Model):
    """The API key of a program. Only a digest of the key is stored: see chat/history/api_keys.py."""

    name = models.CharField(_("name"), max_length=80, help_text=_("Whose program this is, and what it does."))
    prefix = models.CharField(_("begins with"), max_length=12, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    daily_answers = models.PositiveIntegerField(
        _("answers a day"),
        null=True,
        blank=True,
        help_text=_("That the AI may write for it; 0: cached answers only; empty: no limit."),
    )
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)
    last_used_on = models.DateField(_("last used"), null=True, editable=False)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_in_force(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())


class KnowledgeEntry(models.Model):
    """One article of the knowledge base in one language, with the public page that it is based on."""

    class Topic(models.TextChoices):
        BENEFITS = "prestations", _("benefits")
        WORK = "travail", _("work")
        MDPH = "mdph", _("MDPH")
        SCHOOL = "ecole", _("school")
        HEALTH = "sante", _("health")
        DAILY_LIFE = "quotidien", _("daily life")
        ADULTHOOD = "majeur", _("adulthood")
        EMERGENCY = "urgence", _("emergency")

    slug = models.SlugField(_("slug"), max_length=80)
    language = models.CharField(_("language"), max_length=2, choices=[("fr", "Français"), ("en", "English")])
    topic = models.CharField(_("topic"), max_length=20, choices=Topic.choices)
    title = models.CharField(_("title"), max_length=200)
    text = models.TextField(_("text"), help_text=_("Markdown. The first paragraph is a complete short answer."))
    questions = models.JSONField(
        _("questions"), default=list, help_text=_("As people type them; the first one is suggested on the page.")
    )
    keywords = models.JSONField(_("keywords"), default=list, blank=True)
    source_name = models.CharField(_("source"), max_length=100)
    source_url = models.URLField(_("source address"), max_length=500)
    checked_on = models.DateField(_("facts as of"))
    valid_until = models.DateField(
        _("valid until"), null=True, blank=True, help_text=_("The last day on which its facts are known to hold.")
    )
    enabled = models.BooleanField(_("in use"), default=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("knowledge entry")
        verbose_name_plural = _("knowledge entries")
        ordering = ["language", "slug"]
        constraints = [models.UniqueConstraint(fields=["language", "slug"], name="one_entry_per_language_and_slug")]

    def __str__(self) -> str:
        return f"{self.language}/{self.slug}"

    @property
    def revision(self) -> str:
        """A digest of everything in the entry that an answer may use."""
        parts = (self.slug, self.language, self.title, self.text, self.source_name, self.source_url, self.checked_on)
        return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:16]

    @property
    def due_on(self) -> dt.date:
        """The first day on which its facts are out of date: after `valid_until`, at most a year after `checked_on`."""
        review = self.checked_on + REVIEW_PERIOD
        return review if self.valid_until is None else min(review, self.valid_until + dt.timedelta(days=1))

    def is_overdue(self, day: dt.date | None = None) -> bool:
        """Whether its facts count as out of date, today or on another day."""
        return self.due_on <= (day or timezone.localdate())


class CircuitBreaker(models.Model):  # noqa: DJ008 no rows
    """Not a table: the state is in Redis. The model gives the admin a section and its permissions."""

    class Meta:
        managed = False
        default_permissions = ["view"]
        permissions = [("drive_circuitbreaker", "Can force and reset circuit breakers")]
        verbose_name = _("circuit breaker")
        verbose_name_plural = _("circuit breakers")
