"""Admin of the cases app: what a city sets; cases, events and clocks can only be read here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models import (
    CalendarDay,
    CalendarUse,
    CalendarVersion,
    Case,
    CaseClock,
    CaseEvent,
    CasePolicy,
    ReasonCode,
    StageLimit,
    WorkCalendar,
)
from cases.services.calendars import calendar_publish, slots_of, unknown_years
from cases.time_limits import CalendarError
from common import clock
from components.admin import KeptAdmin


class ReadOnlyAdmin(admin.ModelAdmin):
    """Looking, not touching: superusers included."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes here."""
        return False


@admin.register(Case)
class CaseAdmin(ReadOnlyAdmin):
    """Cases change through the desks and the API only."""

    list_display = ("number", "state", "type", "district", "department", "reported_at", "due_at")
    list_filter = ("is_open", "source", "urgency")
    list_select_related = ("type", "district", "department")
    search_fields = ("number__startswith",)
    ordering = ("-reported_at",)


@admin.register(CaseEvent)
class CaseEventAdmin(ReadOnlyAdmin):
    """The history nobody can rewrite."""

    list_display = ("case", "sequence", "action", "actor", "role", "old_state", "new_state", "at")
    list_select_related = ("case", "actor")
    search_fields = ("case__number__exact",)
    ordering = ("-id",)


@admin.register(CaseClock)
class CaseClockAdmin(ReadOnlyAdmin):
    """Clocks with what they were computed with."""

    list_display = ("case", "run", "kind", "started_at", "due_at", "stopped_at", "outcome")
    list_select_related = ("case",)
    search_fields = ("case__number__exact",)
    ordering = ("-id",)


@admin.register(CalendarVersion)
class CalendarVersionAdmin(ReadOnlyAdmin):
    """Calendars as deadlines were computed with them."""

    list_display = ("calendar", "number", "published_at")
    list_select_related = ("calendar",)


class CalendarForm(ModelForm):
    """Refuse slots that cannot be counted with, before anything is saved."""

    def clean_week(self) -> Any:
        """Seven lists of slots, Monday first, each slot a pair of times."""
        week = self.cleaned_data["week"]
        if not isinstance(week, list) or len(week) != len("MTWTFSS"):
            raise ValidationError(_("A week has seven lists of slots, Monday first."))
        for day in week:
            _check_slots(day)
        return week


class CalendarDayForm(ModelForm):
    """Refuse slots that cannot be counted with."""

    def clean_slots(self) -> Any:
        """Return the slots of the day; empty means those of a Monday."""
        slots = self.cleaned_data["slots"]
        _check_slots(slots)
        return slots


def _check_slots(day: Any) -> None:
    try:
        slots_of(day)
    except (CalendarError, TypeError, AttributeError) as error:
        raise ValidationError(
            _('Slots are written [["08:30", "12:00"], ["13:00", "17:30"]].')
        ) from error


class CalendarDayInline(admin.TabularInline):
    """Days the city set itself: they outrank the statutory list."""

    model = CalendarDay
    form = CalendarDayForm
    extra = 0


@admin.register(WorkCalendar)
class WorkCalendarAdmin(KeptAdmin):
    """Calendars: saving publishes a new version; running deadlines keep theirs."""

    form = CalendarForm
    inlines = (CalendarDayInline,)
    list_display = ("name", "code", "is_default", "current_version", "years_unknown")
    readonly_fields = ("current_version",)

    @admin.display(description=_("years without statutory days"))
    def years_unknown(self, calendar: WorkCalendar) -> str:
        """Years in which Monday to Friday is assumed."""
        years = unknown_years(calendar, timezone.localdate(clock.now()))
        return ", ".join(map(str, years)) or "–"

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Publish what was saved, and warn of years whose holidays nobody knows."""
        super().save_related(request, form, formsets, change)
        now = clock.now()
        version = calendar_publish(form.instance, now)
        self.message_user(
            request,
            _("Version %(number)s of the calendar is in force; running deadlines keep theirs.")
            % {"number": version.number},
        )
        if years := unknown_years(form.instance, timezone.localdate(now)):
            self.message_user(
                request,
                _("The statutory days of %(years)s are not known: Monday to Friday is assumed.")
                % {"years": ", ".join(map(str, years))},
                messages.WARNING,
            )


@admin.register(CalendarUse)
class CalendarUseAdmin(admin.ModelAdmin):
    """Which types or departments count by another calendar."""

    list_display = ("calendar", "type", "department")
    list_select_related = ("calendar", "type", "department")
    autocomplete_fields: tuple[str, ...] = ()


@admin.register(StageLimit)
class StageLimitAdmin(KeptAdmin):
    """How long the stages may take."""

    list_display = ("clock", "urgency", "limit_value", "limit_unit", "calendar", "valid_from")
    list_filter = ("clock", "urgency")
    list_select_related = ("calendar",)


@admin.register(ReasonCode)
class ReasonCodeAdmin(admin.ModelAdmin):
    """Reasons people choose from."""

    list_display = ("name", "action", "code", "is_active")
    list_filter = ("action",)


@admin.register(CasePolicy)
class CasePolicyAdmin(admin.ModelAdmin):
    """The workflow's numbers."""

    list_display = ("city", "desk_extension_ratio", "component_distance_m", "photo_distance_m")
