"""Admin of the squads: what each is kept for, and its roster."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import Role
from common import clock
from common.errors import DomainError
from dispatch.squads.models import Shift, SquadProfile
from dispatch.squads.services import roster_copy_week


class ShiftForm(forms.ModelForm):
    """Offer the people of squads only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(groups__name=Role.PROXY_SQUAD, is_active=True)
        self.fields["person"].queryset = people.order_by("organisation", "display_name")


class ShiftInline(admin.TabularInline):
    """The roster."""

    model = Shift
    form = ShiftForm
    extra = 1


@admin.register(SquadProfile)
class SquadProfileAdmin(admin.ModelAdmin):
    """Squads with their rosters."""

    inlines = (ShiftInline,)
    list_display = ("organisation", "kind", "duty_phone", "least_on_duty")
    list_select_related = ("organisation",)
    actions = ("copy_week",)

    @admin.action(description=_("Repeat this week's shifts in the next"))
    def copy_week(self, request: HttpRequest, chosen: QuerySet[SquadProfile]) -> None:
        """Repeat the week of each squad chosen, and say what came of it."""
        for squad in chosen:
            try:
                count = roster_copy_week(squad=squad, now=clock.now())
            except DomainError as refused:
                self.message_user(request, f"{squad}: {refused.message}", messages.ERROR)
                continue
            said = _("%(squad)s: %(count)s shifts added.") % {"squad": squad, "count": count}
            self.message_user(request, said)
