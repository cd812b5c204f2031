"""The numbered event log: the order in which what is committed became visible; who has read it.

An event's id is not commit order: one with a lower id can appear after a higher one was read. So a
single sequencer gives each committed event the next position; readers follow positions and can
neither skip nor repeat.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from cases.models import CaseEvent
from common.models import AppendOnlyModel


class EventPosition(AppendOnlyModel):
    """The place of an event in the log, given once."""

    position = models.BigIntegerField(primary_key=True)
    # Events cannot be deleted, so the database need not lock each one to keep it.
    event = models.OneToOneField(
        CaseEvent, models.PROTECT, related_name="numbered", db_constraint=False
    )

    # By the database's clock, shortly before the commit; what was loaded in bulk has none.
    written_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.position)


class EventReader(models.Model):
    """How far one reader of the log has come; see ``live.readers``."""

    name = models.CharField(_("name"), max_length=40, primary_key=True)
    position = models.BigIntegerField(_("has read up to"))
    moved_at = models.DateTimeField(_("moved at"), null=True)
    failed_position = models.BigIntegerField(_("cannot read"), null=True)
    failure = models.CharField(_("because"), max_length=500, blank=True)
    failed_at = models.DateTimeField(_("failed at"), null=True)
    failure_count = models.PositiveIntegerField(_("tries in vain"), default=0)
    skipped = models.JSONField(_("left out"), default=list, help_text=_("position, failure, at"))

    class Meta:
        verbose_name = _("reader of the event log")
        verbose_name_plural = _("readers of the event log")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class HubReport(models.Model):
    """What a process that holds sockets last said about itself; old rows are of ended ones."""

    process = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField(help_text=_("by the database's clock"))
    line_count = models.PositiveIntegerField()
    position = models.BigIntegerField()
    sent_count = models.BigIntegerField(help_text=_("messages since it began"))
    reload_count = models.BigIntegerField(help_text=_("of them: load everything again"))
    median_delay = models.FloatField(null=True, help_text=_("seconds, of the last minute"))
    slow_delay = models.FloatField(null=True, help_text=_("seconds, 99th percentile"))

    def __str__(self) -> str:
        return self.process


# Notifications have models of their own; Django looks for them here.
from live.notifications.models import (  # noqa: E402, F401
    Delivery,
    Notification,
    NotificationPolicy,
    NotificationPreference,
    NotificationRule,
    NotificationTemplate,
)
