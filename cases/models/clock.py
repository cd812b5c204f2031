"""Clocks: how long somebody had, how long they took.

A deadline is computed once, when the clock starts, and stored with the versions it was computed
with. Overdue is a comparison of ``due_at`` with now, never a counter. What the system did about a
deadline is recorded here too (``marks``), in the transaction that did it; ``next_at`` is when it
has something to do next (docs/rules/deadlines.md). A stopped clock says which event stopped it;
from then on a trigger refuses every change of it: evaluation counts from what cannot change.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from cases.models.calendar import CalendarVersion, StageLimit
from cases.models.work import SubOrder
from cases.workflow import ClockKind, ClockOutcome
from components.models import CaseStandard, LimitUnit


class CaseClock(models.Model):
    """One stage of one run of a case, measured against its limit."""

    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="clocks")
    run = models.PositiveSmallIntegerField()
    kind = models.CharField(_("clock"), max_length=10, choices=ClockKind.choices())
    sub_order = models.ForeignKey(
        SubOrder, models.PROTECT, null=True, related_name="clocks", db_index=False
    )
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, related_name="+", db_index=False
    )
    person = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)

    limit_value = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    limit_unit = models.CharField(max_length=16, choices=LimitUnit.choices, blank=True)
    standard = models.ForeignKey(
        CaseStandard, models.PROTECT, null=True, related_name="+", db_index=False
    )
    stage_limit = models.ForeignKey(
        StageLimit, models.PROTECT, null=True, related_name="+", db_index=False
    )
    calendar_version = models.ForeignKey(
        CalendarVersion, models.PROTECT, null=True, related_name="+", db_index=False
    )

    started_at = models.DateTimeField()
    warn_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    original_due_at = models.DateTimeField(null=True)
    granted = models.JSONField(default=list, help_text=_("extensions: value, unit, request"))
    paused_at = models.DateTimeField(null=True)
    remaining = models.DurationField(null=True, help_text=_("kept while paused; may be negative"))
    paused_total = models.DurationField(null=True, help_text=_("counted time spent paused"))
    stopped_at = models.DateTimeField(null=True)
    actual_end_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, choices=ClockOutcome.choices(), blank=True)
    stopped_sequence = models.PositiveIntegerField(
        null=True, help_text=_("the event of the case that stopped it")
    )

    pauses = models.JSONField(default=list, help_text=_("pauses that ended: from, to"))
    parts = models.JSONField(
        default=dict, help_text=_("what the whole's deadline is the sum of, from when")
    )
    deadline_number = models.PositiveSmallIntegerField(
        default=1, help_text=_("1, 2 … with every extension or recalculation")
    )
    marks = models.JSONField(
        default=list, help_text=_("steps done or passed over: step, deadline, due, at")
    )
    next_at = models.DateTimeField(null=True, help_text=_("null: at rest, or nothing left to do"))

    class Meta:
        verbose_name = _("clock")
        verbose_name_plural = _("clocks")
        ordering = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=(Q(stopped_at__isnull=True) & Q(outcome=""))
                | (Q(stopped_at__isnull=False) & ~Q(outcome="")),
                name="stopped_clock_has_an_outcome",
            ),
            models.CheckConstraint(
                condition=(Q(paused_at__isnull=True) & Q(remaining__isnull=True))
                | (Q(paused_at__isnull=False)),
                name="only_a_paused_clock_keeps_a_rest",
            ),
            models.CheckConstraint(
                condition=Q(next_at__isnull=True)
                | Q(stopped_at__isnull=True, paused_at__isnull=True, due_at__isnull=False),
                name="only_a_running_clock_has_a_next_step",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"],
                condition=Q(stopped_at__isnull=True, paused_at__isnull=True),
                name="clock_running",
            ),
            models.Index(
                fields=["next_at"], condition=Q(next_at__isnull=False), name="clock_next_step"
            ),
        ]
