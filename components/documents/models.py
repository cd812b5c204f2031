"""A document somebody asked for: made in the background, kept privately for a while."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import User


class Document(models.Model):
    """What was asked, how far it is, and where the file lies; only who asked may fetch it."""

    class Kind(models.TextChoices):
        PLATES = "plates", _("Sheets of plates")
        ATLAS = "atlas", _("Community atlas")

    class State(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("document", "Waiting")
        RUNNING = "running", pgettext_lazy("document", "Being made")
        READY = "ready", pgettext_lazy("document", "Ready")
        FAILED = "failed", pgettext_lazy("document", "Not made")
        EXPIRED = "expired", pgettext_lazy("document", "No longer kept")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    title = models.CharField(_("title"), max_length=200)
    options = models.JSONField(_("options"), default=dict)
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)
    done = models.PositiveIntegerField(_("done"), default=0)
    total = models.PositiveIntegerField(_("of"), default=0)
    asked_by = models.ForeignKey(
        User, models.PROTECT, related_name="+", db_index=False, verbose_name=_("asked by")
    )
    asked_at = models.DateTimeField(_("asked at"))
    attempts = models.PositiveSmallIntegerField(default=0)
    alive_at = models.DateTimeField(
        _("last sign of life"), help_text=_("real time; a document without one is begun again")
    )
    finished_at = models.DateTimeField(_("finished at"), null=True)
    refusal = models.CharField(_("why not"), max_length=300, blank=True)
    path = models.CharField(max_length=120, blank=True)
    size_bytes = models.PositiveBigIntegerField(_("size in bytes"), default=0)

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        indexes: ClassVar = [
            models.Index(fields=["asked_by", "-asked_at"], name="document_mine"),
            models.Index(
                fields=["alive_at"],
                condition=Q(state__in=("waiting", "running")),
                name="document_unfinished",
            ),
            models.Index(fields=["finished_at"], condition=Q(state="ready"), name="document_kept"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_unfinished(self) -> bool:
        """Whether somebody still works on it, or will."""
        return self.state in (self.State.WAITING, self.State.RUNNING)

    @property
    def is_ready(self) -> bool:
        """Whether its file can be fetched."""
        return self.state == self.State.READY

    @property
    def percent(self) -> int:
        """How much is done, 0 to 100."""
        return 100 * self.done // self.total if self.total else 0
