"""What follows from a deadline, as data a city edits: warnings, breach, levels of escalation."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import City, User
from cases.models.calendar import CalendarVersion
from cases.models.case import Urgency
from cases.workflow import ClockKind


class DeadlineRule(models.Model):
    """Whom the system tells when so much of a limit is used, or so long after the deadline.

    Rules of an urgency stand in for those of any urgency, clock by clock. A rule holds from the
    moment it was set: what lay before is not made up for.
    """

    class Action(models.TextChoices):
        WARN = "warn", pgettext_lazy("deadline", "Warn")
        BREACH = "breach", pgettext_lazy("deadline", "Breach")
        ESCALATE = "escalate", pgettext_lazy("deadline", "Escalate")

    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("city"))
    clock = models.CharField(_("clock"), max_length=10, choices=ClockKind.choices())
    urgency = models.CharField(
        _("urgency"), max_length=8, choices=Urgency.choices, blank=True, help_text=_("empty: any")
    )
    action = models.CharField(_("action"), max_length=8, choices=Action.choices)
    percent = models.PositiveSmallIntegerField(
        _("share of the limit used (%)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("100 is the deadline; more lies beyond it"),
    )
    late_minutes = models.PositiveIntegerField(
        _("or minutes after the deadline"),
        null=True,
        blank=True,
        help_text=_("counted as the clock counts: working minutes for a limit in working time"),
    )
    level = models.PositiveSmallIntegerField(
        _("level"), default=0, help_text=_("of escalation, from 1; 0 for the others")
    )
    steps_up = models.PositiveSmallIntegerField(
        _("how far up the organisation tree"),
        null=True,
        blank=True,
        default=0,
        help_text=_("0: the body in charge, 1: the one above it …; empty: the whole city"),
    )
    roles = ArrayField(
        models.CharField(max_length=20), verbose_name=_("roles told"), default=list, blank=True
    )
    since = models.DateTimeField(_("holds since"), default=timezone.now, editable=False)
    spread_at = models.DateTimeField(
        _("in force for running clocks since"), null=True, editable=False
    )

    class Meta:
        verbose_name = _("deadline rule")
        verbose_name_plural = _("deadline rules")
        ordering = ["clock", "urgency", "action", "level", "percent", "late_minutes"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(percent__isnull=True, late_minutes__isnull=False)
                | Q(percent__isnull=False, percent__gt=0, late_minutes__isnull=True),
                name="rule_counts_percent_or_minutes",
                violation_error_message=_("Give either a share of the limit or minutes after it."),
            ),
            models.CheckConstraint(
                condition=~Q(action="breach") | Q(percent=100, late_minutes__isnull=True),
                name="breach_is_at_the_deadline",
                violation_error_message=_("A breach comes when the whole limit is used: 100."),
            ),
            models.CheckConstraint(
                condition=Q(action="escalate", level__gt=0) | (~Q(action="escalate") & Q(level=0)),
                name="only_escalations_have_a_level",
                violation_error_message=_("An escalation has a level from 1, the others have 0."),
            ),
            models.UniqueConstraint(
                fields=["city", "clock", "urgency", "level"],
                condition=Q(action="escalate"),
                name="one_rule_a_level",
            ),
            models.UniqueConstraint(
                fields=["city", "clock", "urgency", "percent", "late_minutes"],
                condition=Q(action="warn"),
                nulls_distinct=False,
                name="one_warning_a_threshold",
            ),
            models.UniqueConstraint(
                fields=["city", "clock", "urgency"],
                condition=Q(action="breach"),
                name="one_breach_a_clock",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.clock} {self.urgency} {self.action} {self.percent or ''}".strip()


class DeadlineRecalculation(models.Model):
    """An administrator asked that running deadlines follow a new version of their calendar."""

    version = models.ForeignKey(CalendarVersion, models.PROTECT, verbose_name=_("calendar version"))
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("asked by"))
    asked_at = models.DateTimeField(_("asked at"))
    reason = models.CharField(_("reason"), max_length=300)
    moved_count = models.PositiveIntegerField(_("deadlines moved"), default=0)
    kept_count = models.PositiveIntegerField(_("deadlines that stay"), default=0)
    finished_at = models.DateTimeField(_("finished at"), null=True)

    class Meta:
        verbose_name = _("recalculation of deadlines")
        verbose_name_plural = _("recalculations of deadlines")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.version} · {timezone.localtime(self.asked_at):%Y-%m-%d %H:%M}"
