"""What a replay remembers; what the watch found; the shift log, hand-overs and notices."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import City, Organisation, User
from cases.models import Case


class ReplayedFile(models.Model):
    """A file of requests and by how much its days are moved: fixed with its first replay."""

    digest = models.CharField(_("SHA-256 of its rows"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200)
    shift_days = models.PositiveIntegerField(_("moved by days"))

    class Meta:
        verbose_name = _("replayed file")
        verbose_name_plural = _("replayed files")


class ReplayedRequest(models.Model):
    """A request of a file and the case it became; its key is the file's own."""

    key = models.CharField(_("key in the file"), max_length=60, unique=True)
    case = models.OneToOneField(Case, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("replayed request")
        verbose_name_plural = _("replayed requests")


class WatchFinding(models.Model):
    """Something stuck: opened when the sweeper first finds it, closed when it no longer does."""

    kind = models.CharField(_("kind"), max_length=30)
    subject = models.CharField(
        _("subject"), max_length=80, blank=True, help_text=_("a case's number, a process, …")
    )
    case = models.ForeignKey(Case, models.CASCADE, null=True, related_name="+", db_index=False)
    data = models.JSONField(_("details"), default=dict)
    opened_at = models.DateTimeField(_("found at"))
    seen_at = models.DateTimeField(_("last seen at"))
    closed_at = models.DateTimeField(_("gone at"), null=True)

    class Meta:
        verbose_name = _("finding of the watch")
        verbose_name_plural = _("findings of the watch")
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=models.Q(closed_at__isnull=True),
                name="one_open_finding",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-closed_at"],
                condition=models.Q(closed_at__isnull=False),
                name="finding_closed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}".strip()


class ShiftEntry(models.Model):
    """A line of the shift log; a point stays open, from shift to shift, until somebody ticks it."""

    city = models.ForeignKey(City, models.PROTECT, db_index=False)
    at = models.DateTimeField(_("at"))
    author = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    text = models.CharField(_("text"), max_length=500)
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="+", db_index=False)
    is_point = models.BooleanField(_("open point"), default=False)
    closed_at = models.DateTimeField(_("ticked at"), null=True)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        verbose_name = _("entry of the shift log")
        verbose_name_plural = _("shift log")
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["city", "-at"], name="shift_entry_log"),
            models.Index(
                fields=["city"],
                condition=models.Q(is_point=True, closed_at__isnull=True),
                name="shift_point_open",
            ),
        ]

    def __str__(self) -> str:
        return self.text[:60]


class ShiftHandover(models.Model):
    """One shift handed to the next: the note, the open points and the queues as they were then."""

    city = models.ForeignKey(City, models.PROTECT, db_index=False)
    given_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    given_for = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    given_at = models.DateTimeField(_("handed over at"))
    note = models.TextField(_("note"), blank=True)
    points = models.JSONField(_("open points"), default=list)
    figures = models.JSONField(_("queues"), default=dict)
    received_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", db_index=False
    )
    received_at = models.DateTimeField(_("received at"), null=True)

    class Meta:
        verbose_name = _("hand-over of a shift")
        verbose_name_plural = _("hand-overs of shifts")
        ordering = ["-given_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["city"],
                condition=models.Q(received_at__isnull=True),
                name="one_handover_waits",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.given_by} {timezone.localtime(self.given_at):%Y-%m-%d %H:%M}"


class Notice(models.Model):
    """An announcement to roles and organisations for some time (公告)."""

    city = models.ForeignKey(City, models.PROTECT, db_index=False)
    title = models.CharField(_("title"), max_length=80)
    text = models.TextField(_("text"), max_length=4000)
    is_urgent = models.BooleanField(_("urgent"), default=False)
    roles = ArrayField(models.CharField(max_length=20), verbose_name=_("roles"), default=list)
    organisations = models.ManyToManyField(
        Organisation, verbose_name=_("organisations"), related_name="+"
    )
    published_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    published_at = models.DateTimeField(_("published at"))
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("to"))
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-published_at", "-id"]
        indexes = [models.Index(fields=["city", "ends_at"], name="notice_in_force")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="notice_lasts"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class NoticeReceipt(models.Model):
    """That somebody has read a notice."""

    notice = models.ForeignKey(Notice, models.CASCADE, related_name="receipts", db_index=False)
    person = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    read_at = models.DateTimeField()

    class Meta:
        verbose_name = _("receipt of a notice")
        verbose_name_plural = _("receipts of notices")
        constraints = [
            models.UniqueConstraint(fields=["notice", "person"], name="notice_read_once"),
        ]


# The wall has models of its own; Django looks for them here.
from desks.wall.models import KioskKey, Wall, WallOrder  # noqa: E402, F401
