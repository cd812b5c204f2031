"""Requests: asked by one, decided by another, kept for good."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from cases.workflow import REQUEST_LABELS, State


class ApprovalRequest(models.Model):
    """A return, extension, suspension, void … that somebody asked for in a case."""

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        LAPSED = "lapsed", _("Lapsed")

    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="requests")
    run = models.PositiveSmallIntegerField()
    kind = models.CharField(
        max_length=16, choices=[(kind.value, label) for kind, label in REQUEST_LABELS.items()]
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    asked_in = models.CharField(max_length=12, choices=[(s.value, s.value) for s in State])
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField()
    reason_code = models.CharField(max_length=30, blank=True)
    reason = models.TextField(blank=True)
    details = models.JSONField(default=dict)
    was_overdue = models.BooleanField(default=False)
    approvals = models.JSONField(default=list, help_text=_("steps given: post, user, at, note"))
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.TextField(blank=True)

    class Meta:
        verbose_name = _("request")
        verbose_name_plural = _("requests")
        ordering = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["case", "kind"], condition=Q(status="open"), name="one_open_of_a_kind"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["kind"], condition=Q(status="open"), name="request_open"),
        ]
