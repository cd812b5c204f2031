"""What is stored of notifications: a city's rules and texts, people's wishes, what they were told.

A notification keeps variables, never a rendered text: it is read in its reader's language, with the
case as it is then. Addresses (e-mail, phone) and sent texts stand in deliveries only, which the
retention erases. A person is told of an event by a rule once: a constraint, not a habit.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import City, Organisation, User
from cases.models import Case
from live.notifications.rules import (
    SENT_CHANNELS,
    Channel,
    Recipient,
    condition_faults,
    quiet_until,
)

SENT_CHOICES = [(channel.value, channel.label) for channel in SENT_CHANNELS]
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]


def sent_channels() -> list[str]:
    """Return every channel besides the inbox."""
    return [channel.value for channel in SENT_CHANNELS]


class NotificationPolicy(models.Model):
    """How a city notifies: the switch, its channels, and how long what is kept."""

    city = models.OneToOneField(City, models.CASCADE, verbose_name=_("city"))
    is_on = models.BooleanField(_("notifications are on"), default=True)
    channels = ArrayField(
        models.CharField(max_length=8, choices=SENT_CHOICES),
        verbose_name=_("channels in use"),
        default=sent_channels,
        blank=True,
        help_text=_("besides the inbox; a channel must also be set up on the server"),
    )
    group_seconds = models.PositiveIntegerField(
        _("collect messages of a kind for (seconds)"),
        default=60,
        validators=[MaxValueValidator(3600)],
        help_text=_("what comes meanwhile goes out in one message; urgent ones go at once"),
    )
    useful_hours = models.PositiveIntegerField(
        _("not sent any more after (hours)"),
        default=24,
        validators=[MinValueValidator(1)],
        help_text=_("an old warning helps nobody; the inbox keeps it"),
    )
    keep_read_days = models.PositiveIntegerField(
        _("read notifications are kept (days)"), default=30, validators=[MinValueValidator(1)]
    )
    keep_days = models.PositiveIntegerField(
        _("unread notifications are kept (days)"), default=90, validators=[MinValueValidator(1)]
    )
    keep_delivery_days = models.PositiveIntegerField(
        _("messages and addresses are kept (days)"), default=30, validators=[MinValueValidator(1)]
    )

    class Meta:
        verbose_name = _("notification settings")
        verbose_name_plural = _("notification settings")

    def __str__(self) -> str:
        return str(self.city)


class NotificationRule(models.Model):
    """Whom a city tells of which events, where, how urgently."""

    city = models.ForeignKey(City, models.CASCADE, verbose_name=_("city"))
    code = models.SlugField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=80)
    name_en = models.CharField(_("English name"), max_length=120, blank=True)
    actions = ArrayField(
        models.CharField(max_length=24), verbose_name=_("events"), help_text=_("one is enough")
    )
    condition = models.JSONField(
        _("condition"),
        default=dict,
        blank=True,
        help_text=_(
            'all must hold: {"clock": "handle", "threshold": {"at_least": 80}}; empty: always'
        ),
    )
    recipients = ArrayField(
        models.CharField(max_length=12, choices=Recipient.choices), verbose_name=_("who is told")
    )
    channels = ArrayField(
        models.CharField(max_length=8, choices=SENT_CHOICES),
        verbose_name=_("sent besides by"),
        default=list,
        blank=True,
        help_text=_("everything stands in the inbox"),
    )
    is_urgent = models.BooleanField(
        _("urgent"), default=False, help_text=_("goes out at once, in quiet hours too")
    )
    kind = models.SlugField(
        _("kind of text"), max_length=40, help_text=_("which templates it is written with")
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("notification rule")
        verbose_name_plural = _("notification rules")
        ordering: ClassVar = ["city", "code"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["city", "code"], name="notification_rule_once"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a condition over facts there are not."""
        if faults := condition_faults(self.condition):
            raise ValidationError({"condition": list(faults)})


class NotificationTemplate(models.Model):
    """What a kind of notification says in a channel and a language."""

    city = models.ForeignKey(City, models.CASCADE, verbose_name=_("city"))
    kind = models.SlugField(
        _("kind of text"), max_length=40, blank=True, help_text=_("empty: every kind without one")
    )
    channel = models.CharField(_("channel"), max_length=8, choices=Channel.choices)
    language = models.CharField(_("language"), max_length=10, choices=LANGUAGES)
    subject = models.CharField(_("subject"), max_length=150, blank=True, help_text=_("of e-mails"))
    body = models.TextField(_("text"), max_length=1000)

    class Meta:
        verbose_name = _("notification text")
        verbose_name_plural = _("notification texts")
        ordering: ClassVar = ["city", "kind", "channel", "language"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["city", "kind", "channel", "language"], name="notification_template_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind or '*'} · {self.get_channel_display()} · {self.language}"


class Notification(models.Model):
    """One person told of one event by one rule; or of something that is about no case.

    That is of an ``organisation``, whose people read it on at ``path``.
    """

    person = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    rule = models.ForeignKey(NotificationRule, models.PROTECT, related_name="+", db_index=False)
    position = models.BigIntegerField(help_text=_("of the event in the log"))
    # Cases are never deleted: the reader need not lock them while people act on them.
    case = models.ForeignKey(
        Case, models.DO_NOTHING, null=True, related_name="+", db_index=False, db_constraint=False
    )
    organisation = models.ForeignKey(
        Organisation, models.CASCADE, null=True, related_name="+", db_index=False
    )
    path = models.CharField(max_length=200, blank=True, db_default="")
    kind = models.CharField(max_length=40)
    is_urgent = models.BooleanField(default=False)
    variables = models.JSONField(default=dict, help_text=_("identifiers and numbers, no texts"))
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person", "position", "rule", "path"], name="told_once_by_a_rule"
            ),
            models.CheckConstraint(
                condition=Q(case__isnull=False) | Q(organisation__isnull=False),
                name="told_of_a_case_or_to_an_organisation",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["person", "position"],
                condition=Q(read_at__isnull=True),
                name="notification_unread",
            ),
            BrinIndex(fields=["created_at"], name="notification_created"),
        ]

    @property
    def happened_at(self) -> datetime:
        """When the event happened that this tells of."""
        return datetime.fromisoformat(self.variables["at"])


class NotificationPreference(models.Model):
    """How one person wants to be told."""

    person = models.OneToOneField(User, models.CASCADE, related_name="+", primary_key=True)
    wants_email = models.BooleanField(_("e-mail"), default=True)
    wants_sms = models.BooleanField(_("text message"), default=True)
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_to = models.TimeField(_("quiet until"), null=True, blank=True)
    language = models.CharField(_("language"), max_length=10, choices=LANGUAGES, blank=True)

    class Meta:
        verbose_name = _("notification preference")
        verbose_name_plural = _("notification preferences")

    def wants(self, channel: str) -> bool:
        """Tell whether the person wants this channel besides the inbox."""
        return {"email": self.wants_email, "sms": self.wants_sms}[channel]

    def undisturbed(self, at: datetime) -> datetime:
        """Return when what is not urgent may be sent: then, or when the quiet hours end."""
        return quiet_until(timezone.localtime(at), self.quiet_from, self.quiet_to)


class Delivery(models.Model):
    """One message to one person over one channel, and how its sending stands."""

    class State(models.TextChoices):
        QUEUED = "queued", pgettext_lazy("delivery", "Queued")
        SENDING = "sending", pgettext_lazy("delivery", "Being sent")
        SENT = "sent", pgettext_lazy("delivery", "Sent")
        FAILED = "failed", pgettext_lazy("delivery", "Failed, tried again")
        GIVEN_UP = "given_up", pgettext_lazy("delivery", "Given up")

    class Reason(models.TextChoices):
        UNREACHABLE = "unreachable", _("the service did not answer or was busy")
        REFUSED = "refused", _("the service refused it")
        NOT_SET_UP = "not_set_up", _("the channel is not set up on the server")
        UNKNOWN = "unknown", _("the sender was interrupted: nobody knows whether it arrived")
        TOO_LATE = "too_late", _("too late to be of use")
        NOT_VISIBLE = "not_visible", _("the person may not see the case any more")
        LEFT = "left", _("the person no longer works here")

    OPEN = (State.QUEUED, State.SENDING, State.FAILED)

    key = models.UUIDField(_("idempotency key"), default=uuid4, unique=True, editable=False)
    person = models.ForeignKey(
        User, models.CASCADE, related_name="+", db_index=False, verbose_name=_("person")
    )
    channel = models.CharField(_("channel"), max_length=8, choices=SENT_CHOICES)
    kind = models.CharField(_("kind of text"), max_length=40)
    notification_ids = ArrayField(models.BigIntegerField(), verbose_name=_("tells of"))
    address = models.CharField(_("address"), max_length=254)
    language = models.CharField(_("language"), max_length=10)
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    body = models.TextField(_("text"), blank=True, help_text=_("as sent first, the same each time"))
    is_urgent = models.BooleanField(_("urgent"), default=False)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    created_at = models.DateTimeField(_("created at"))
    useful_until = models.DateTimeField(_("useful until"))
    next_attempt_at = models.DateTimeField(
        _("next attempt at"), null=True, help_text=_("while being sent: when another may take over")
    )
    sent_at = models.DateTimeField(_("sent at"), null=True)
    reason = models.CharField(_("last reason"), max_length=12, choices=Reason.choices, blank=True)
    detail = models.CharField(_("detail"), max_length=300, blank=True)
    provider_id = models.CharField(_("number at the service"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("message sent")
        verbose_name_plural = _("messages sent")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(
                    state__in=("queued", "sending", "failed"), next_attempt_at__isnull=False
                )
                | Q(state__in=("sent", "given_up"), next_attempt_at__isnull=True),
                name="open_delivery_has_a_next_attempt",
            ),
            models.CheckConstraint(
                condition=~Q(state="sent") | Q(sent_at__isnull=False),
                name="sent_delivery_says_when",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("failed", "given_up")) | ~Q(reason=""),
                name="vain_delivery_says_why",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(state__in=("queued", "sending", "failed")),
                name="delivery_due",
            ),
            models.Index(
                fields=["person", "channel", "kind"],
                condition=Q(state="queued"),
                name="delivery_queued",
            ),
            models.Index(
                fields=["-created_at"],
                condition=Q(state__in=("failed", "given_up")),
                name="delivery_in_vain",
            ),
            BrinIndex(fields=["created_at"], name="delivery_created"),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} {self.pk}"
