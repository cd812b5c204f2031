"""Requests: asked by one, decided by another, kept for good."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from cases.workflow import REQUEST_LABELS, RULE_OF, RequestKind, State


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
    asked_for = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text=_("for whom, when delegated"),
    )
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+")
    department = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text=_("who had the case when it was asked: the ledgers count by it"),
    )
    ordinal = models.PositiveSmallIntegerField(
        default=1, db_default=1, help_text=_("the first of its kind granted would be 1")
    )
    asked_at = models.DateTimeField()
    reason_code = models.CharField(max_length=30, blank=True)
    reason = models.TextField(blank=True)
    details = models.JSONField(default=dict)
    was_overdue = models.BooleanField(default=False)
    due_at = models.DateTimeField(null=True, help_text=_("the deadline when it was asked"))
    chain = models.JSONField(
        default=list, db_default=models.Value([], models.JSONField()), help_text=_("posts by step")
    )
    waits_for = models.JSONField(
        default=list, db_default=models.Value([], models.JSONField()), help_text=_("posts due now")
    )
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
            # With what a month's shares add up: read alone.
            models.Index(
                fields=["kind", "-asked_at", "-id"],
                include=["status", "department"],
                name="request_ledger",
            ),
            models.Index(
                fields=["department", "-asked_at"],
                condition=Q(department__isnull=False),
                name="request_department",
            ),
        ]

    @property
    def steps(self) -> list[list[str]]:
        """The posts of every step of its approval, as they were set when it was asked."""
        return self.chain or [list(step) for step in RULE_OF[RequestKind(self.kind)].usual_chain]

    @property
    def posts_due(self) -> list[str]:
        """The posts of which one has to agree next; none once all have."""
        return next(iter(self.steps[len(self.approvals) :]), [])

    @property
    def has_more_steps(self) -> bool:
        """Whether somebody else has to agree after the next one."""
        return len(self.approvals) + 1 < len(self.steps)

    @property
    def is_late_only_when_decided(self) -> bool:
        """Whether it was asked in time and granted too late."""
        return self.was_decided_overdue and not self.was_overdue

    @property
    def was_decided_overdue(self) -> bool:
        """Whether the deadline had passed when it was granted; what was granted late hides it."""
        if self.status != self.Status.APPROVED or self.decided_at is None or self.due_at is None:
            return False
        return self.decided_at > self.due_at
