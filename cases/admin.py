"""Admin of the cases app: what a city sets; cases, events and clocks can only be read here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.forms import CheckboxSelectMultiple, ModelForm, MultipleChoiceField
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.roles import ROLES, role_label
from cases.deadlines.recalculation import recalculation_ask, recalculation_preview
from cases.exceptions import admin as exceptions_admin
from cases.models import (
    CalendarDay,
    CalendarUse,
    CalendarVersion,
    Case,
    CaseClock,
    CaseEvent,
    CasePolicy,
    DeadlineRecalculation,
    DeadlineRule,
    DeskRule,
    ReasonCode,
    StageLimit,
    Urgency,
    WorkCalendar,
)
from cases.phrases import admin as phrases_admin
from cases.services.calendars import calendar_publish, slots_of, unknown_years
from cases.time_limits import CalendarError
from common import clock
from common.errors import DomainError
from components.admin import KeptAdmin

__all__ = ["exceptions_admin", "phrases_admin"]


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
    change_form_template = "admin/cases/workcalendar/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the page on which running deadlines are moved to the current version."""
        view = self.admin_site.admin_view(self.recalculate_view)
        name = "cases_workcalendar_recalculate"
        return [path("<path:object_id>/recalculate/", view, name=name), *super().get_urls()]

    def recalculate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what would move; sent with a reason, ask for it."""
        calendar = self.get_object(request, unquote(object_id))
        if calendar is None:
            raise Http404
        if not self.has_change_permission(request, calendar):
            raise PermissionDenied
        if request.method == "POST":
            return self._recalculate(request, calendar)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Move running deadlines"),
            "opts": self.opts,
            "original": calendar,
            "preview": recalculation_preview(calendar),
            "done": DeadlineRecalculation.objects.filter(version__calendar=calendar).select_related(
                "version", "asked_by"
            )[:10],
        }
        return render(request, "admin/cases/workcalendar/recalculate.html", context)

    def _recalculate(self, request: HttpRequest, calendar: WorkCalendar) -> HttpResponse:
        try:
            recalculation_ask(
                actor=request.user,
                calendar=calendar,
                version=int(request.POST.get("version", "0") or 0),
                reason=request.POST.get("reason", ""),
                now=clock.now(),
            )
        except (DomainError, ValueError) as refusal:
            message = refusal.message if isinstance(refusal, DomainError) else _("Send it again.")
            messages.error(request, str(message))
        else:
            messages.success(request, _("The deadlines are being moved; the table below tells."))
        return HttpResponseRedirect(
            reverse("admin:cases_workcalendar_recalculate", args=[calendar.pk])
        )

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


@admin.register(DeskRule)
class DeskRuleAdmin(admin.ModelAdmin):
    """Which desk gets a filed case: the first line that fits decides."""

    list_display = ("position", "area", "kind", "type_class", "type", "level", "is_active")
    list_select_related = ("area", "type_class", "type")
    autocomplete_fields = ("type", "area")


@admin.register(StageLimit)
class StageLimitAdmin(KeptAdmin):
    """How long the stages may take."""

    list_display = ("clock", "urgency_words", "limit_value", "limit_unit", "calendar", "valid_from")
    list_filter = ("clock",)
    list_select_related = ("calendar",)

    @admin.display(description=_("urgency"), ordering="urgency")
    def urgency_words(self, row: StageLimit) -> str:
        """Name the urgency as the pages do; a limit without one holds for any."""
        return str(dict(Urgency.choices).get(row.urgency, row.urgency or "–"))


class DeadlineRuleForm(ModelForm):
    """Offer the roles there are."""

    roles = MultipleChoiceField(
        label=_("roles told"),
        choices=[(role.value, definition.label) for role, definition in ROLES.items()],
        widget=CheckboxSelectMultiple,
        required=False,
    )


@admin.register(DeadlineRule)
class DeadlineRuleAdmin(admin.ModelAdmin):
    """What follows from deadlines; running clocks follow a change within a minute."""

    form = DeadlineRuleForm
    list_display = (
        "clock", "urgency", "action", "percent", "late_minutes", "level", "steps_up", "roles_told",
        "since",
    )  # fmt: skip
    list_filter = ("clock", "urgency", "action")
    readonly_fields = ("since", "spread_at")

    @admin.display(description=_("roles told"))
    def roles_told(self, rule: DeadlineRule) -> str:
        """The roles in words."""
        return ", ".join(role_label(code) for code in rule.roles)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing refers to a rule: who may change one may take it away."""
        return self.has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A rule holds from now on: what lay before is not made up for."""
        obj.since, obj.spread_at = clock.now(), None
        super().save_model(request, obj, form, change)


@admin.register(DeadlineRecalculation)
class DeadlineRecalculationAdmin(ReadOnlyAdmin):
    """Who moved running deadlines to which version, why, and how many moved."""

    list_display = (
        "version", "asked_by", "asked_at", "reason", "moved_count", "kept_count", "finished_at",
    )  # fmt: skip
    list_select_related = ("version", "asked_by")


@admin.register(ReasonCode)
class ReasonCodeAdmin(admin.ModelAdmin):
    """Reasons people choose from."""

    list_display = ("name", "action", "code", "is_active")
    list_filter = ("action",)


@admin.register(CasePolicy)
class CasePolicyAdmin(admin.ModelAdmin):
    """The workflow's numbers."""

    list_display = ("city", "component_distance_m", "photo_distance_m", "urge_pause_minutes")
