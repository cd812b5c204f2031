"""Working calendars and stage limits: data a city edits, versioned: no running deadline moves."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import City, Organisation
from cases.workflow import ClockKind
from components.models import CaseType, LimitUnit


class WorkCalendar(models.Model):
    """A way of counting working time: weekly slots, statutory days, the city's own days."""

    city = models.ForeignKey(City, models.PROTECT)
    code = models.SlugField(_("code"), max_length=30, unique=True)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=80, blank=True)
    week = models.JSONField(
        _("weekly slots"),
        help_text=_('seven lists, Monday first, each slot a pair: ["08:30", "12:00"]'),
    )
    nominal_day_minutes = models.PositiveIntegerField(
        _("minutes of a working day"), help_text=_("what one working day of a limit counts")
    )
    current_version = models.ForeignKey(
        "CalendarVersion", models.PROTECT, null=True, editable=False, related_name="+"
    )
    has_statutory_days = models.BooleanField(
        _("keeps statutory holidays and make-up days"), default=True
    )
    confirmed_years = models.JSONField(
        _("years entered by hand"),
        default=list,
        blank=True,
        help_text=_("years whose holidays are all listed below, such as [2027]"),
    )
    is_default = models.BooleanField(_("default"), default=False)

    class Meta:
        verbose_name = _("working calendar")
        verbose_name_plural = _("working calendars")

    def __str__(self) -> str:
        return self.name


class CalendarDay(models.Model):
    """A day the administrator set: outranks the statutory list; needed for years not yet known."""

    calendar = models.ForeignKey(WorkCalendar, models.CASCADE, related_name="days")
    date = models.DateField(_("date"))
    is_working = models.BooleanField(_("working day"))
    slots = models.JSONField(
        _("slots"), default=list, blank=True, help_text=_("empty: the slots of a Monday")
    )
    note = models.CharField(_("note"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("day of a calendar")
        verbose_name_plural = _("days of a calendar")
        ordering = ["date"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["calendar", "date"], name="calendar_day_once"),
        ]


class CalendarVersion(models.Model):
    """A calendar as it was computed with: never changed, named by every clock that used it."""

    calendar = models.ForeignKey(WorkCalendar, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    data = models.JSONField()
    published_at = models.DateTimeField()

    class Meta:
        verbose_name = _("calendar version")
        verbose_name_plural = _("calendar versions")
        ordering = ["calendar", "-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["calendar", "number"], name="calendar_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.calendar_id} v{self.number}"


class CalendarUse(models.Model):
    """Which calendar counts the handling of a type or by a department, where not the default."""

    calendar = models.ForeignKey(WorkCalendar, models.CASCADE, related_name="uses")
    type = models.ForeignKey(CaseType, models.CASCADE, null=True, blank=True)
    department = models.ForeignKey(Organisation, models.CASCADE, null=True, blank=True)

    class Meta:
        verbose_name = _("use of a calendar")
        verbose_name_plural = _("uses of calendars")


class StageLimit(models.Model):
    """How long a stage may take, by clock and urgency; dates say from when."""

    clock = models.CharField(_("clock"), max_length=10, choices=ClockKind.choices())
    urgency = models.CharField(_("urgency"), max_length=8, blank=True)
    limit_value = models.DecimalField(_("limit"), max_digits=12, decimal_places=2)
    limit_unit = models.CharField(_("unit"), max_length=16, choices=LimitUnit.choices)
    calendar = models.ForeignKey(WorkCalendar, models.PROTECT, null=True, blank=True)
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)

    class Meta:
        verbose_name = _("stage limit")
        verbose_name_plural = _("stage limits")
        ordering = ["clock", "urgency", "-valid_from"]

    def __str__(self) -> str:
        return f"{self.clock} {self.limit_value} {self.limit_unit}"
