"""What a replay remembers, so that no request is lost or taken twice; what the watch found."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

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


# The wall has models of its own; Django looks for them here.
from desks.wall.models import KioskKey, Wall, WallOrder  # noqa: E402, F401
