"""The history nobody can rewrite: events, their erasable texts, the outbox and daily anchors.

Every table here but ``EventText`` and ``EventOutbox`` is append-only: the application's database
role may only insert and read, and triggers refuse UPDATE, DELETE and TRUNCATE to everybody. The
hashed form is described in docs/rules/history.md.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from common.models import AppendOnlyModel

# Which events say that a case was filed under a standard, handled, closed (``cases.milestones``).
PASSED_BY = {"file": "filed", "complete_filing": "filed", "complete": "handled", "close": "closed"}
MILESTONES = {
    "filed": Q(action__in=("file", "complete_filing")) | Q(action="accept", new_state="filed"),
    "handled": Q(action="complete"),
    "closed": Q(action="close"),
}
# Of the events below their actions alone say it: what is read then stands in event_milestone.
MILESTONE_ACTIONS = {
    "filed": Q(action__in=("file", "complete_filing", "accept")),
    "handled": Q(action="complete"),
    "closed": Q(action="close"),
}
MILESTONE_EVENTS = Q(action__in=("file", "complete_filing", "complete", "close")) | Q(
    action="accept", new_state="filed"
)


class CaseEvent(AppendOnlyModel):
    """One step of a case: who, for whom, in which role, what, from where to where, when."""

    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="events", db_index=False)
    sequence = models.PositiveIntegerField(help_text=_("1, 2, 3 … within the case"))
    run = models.PositiveSmallIntegerField()
    action = models.CharField(max_length=24)
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    principal = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text=_("for whom, when delegated"),
    )
    role = models.CharField(max_length=20)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, related_name="+", db_index=False
    )
    old_state = models.CharField(max_length=12, blank=True)
    new_state = models.CharField(max_length=12)
    at = models.DateTimeField()
    data = models.JSONField(default=dict)
    text_digest = models.CharField(max_length=64, blank=True)
    idempotency_key = models.CharField(max_length=100, blank=True)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["case", "sequence"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "sequence"], name="event_sequence_unique"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["at"],
                include=["action", "case"],
                condition=MILESTONE_EVENTS,
                name="event_milestone",
            ),
            # What happened in the last hour: events are written in the order of time.
            BrinIndex(fields=["at"], name="event_at"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}/{self.sequence} {self.action}"


class EventText(models.Model):
    """What people wrote in a step: erasable; the event holds only its salted digest."""

    event = models.OneToOneField(CaseEvent, models.CASCADE, related_name="text", primary_key=True)
    salt = models.CharField(max_length=32)
    content = models.JSONField(null=True, help_text=_("null once erased"))
    erased_at = models.DateTimeField(null=True)


class EventOutbox(models.Model):
    """Events not yet numbered; written with the event, emptied by the sequencer."""

    event = models.OneToOneField(CaseEvent, models.CASCADE, related_name="+", primary_key=True)
    written_at = models.DateTimeField(db_default=Now(), help_text=_("by the database's clock"))


class HistoryAnchor(AppendOnlyModel):
    """A signed digest of the heads of all chains that grew since the anchor before."""

    number = models.PositiveIntegerField(unique=True)
    made_at = models.DateTimeField()
    head_count = models.PositiveIntegerField()
    settled_event_id = models.BigIntegerField(
        default=0, help_text=_("every event up to this id was seen by this anchor or one before it")
    )
    previous_digest = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)
    signature = models.CharField(max_length=128)
    public_key = models.CharField(max_length=64)


class HistoryAnchorHead(AppendOnlyModel):
    """The length and head of one case's chain when the anchor was made."""

    anchor = models.ForeignKey(HistoryAnchor, models.PROTECT, related_name="heads")
    case_id = models.BigIntegerField(help_text=_("no key: must outlive a deleted case"))
    number = models.CharField(max_length=20)
    length = models.PositiveIntegerField()
    head = models.CharField(max_length=64)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["case_id", "length"], name="anchor_head_case")]
