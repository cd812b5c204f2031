"""What a city sets about evaluation: scorecards, groups, grades; in force they are only read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common import clock
from components.admin import KeptAdmin
from evaluation.contracts import admin as contracts  # noqa: F401  registers its own
from evaluation.models import (
    ComparisonGroup,
    ComparisonMember,
    EvaluationPolicy,
    GradeStep,
    ItemBands,
    Scorecard,
    ScorecardItem,
)
from evaluation.models.scorecards import indicator_choices
from evaluation.services.scorecards import bands_take_over


def is_in_force(scorecard: Scorecard | None) -> bool:
    """Tell whether figures may have been judged by it already."""
    return scorecard is not None and scorecard.valid_from <= timezone.localdate(clock.now())


class LinesFormSet(BaseInlineFormSet):
    """The lines of a scorecard together."""

    def clean(self) -> None:
        """Weights add to 1, exactly."""
        super().clean()
        rows = [form.cleaned_data for form in self.forms if getattr(form, "cleaned_data", None)]
        weights = [row["weight"] for row in rows if row.get("weight") and not row.get("DELETE")]
        total = sum(weights, Decimal(0))
        if total != 1:
            raise ValidationError(
                _("The weights add to %(total)s: they must add to 1."), params={"total": total}
            )


class LineForm(forms.ModelForm):
    """A line with its indicator chosen by name, and the bands every group has."""

    indicator = forms.ChoiceField(label=_("indicator"), choices=indicator_choices)

    class Meta:
        model = ScorecardItem
        fields = ("position", "indicator", "weight", "is_complement")


class LineInline(admin.TabularInline):
    """What a scorecard is made of."""

    model = ScorecardItem
    form = LineForm
    formset = LinesFormSet
    extra = 0
    min_num = 1

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """What figures were judged by is looked at only."""
        return not is_in_force(obj) and super().has_change_permission(request, obj)

    def has_add_permission(self, request: Any, obj: Any = None) -> bool:
        """The same."""
        return not is_in_force(obj) and super().has_add_permission(request, obj)

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        """The same."""
        return not is_in_force(obj) and super().has_delete_permission(request, obj)


class ScorecardForm(forms.ModelForm):
    """A version of a scorecard, from a day that is still to come."""

    volume = forms.ChoiceField(label=_("cases counted for the minimum"), choices=indicator_choices)

    class Meta:
        model = Scorecard
        fields = ("kind", "valid_from", "volume", "minimum_count", "note")

    def clean_valid_from(self) -> Any:
        """Nothing that was judged is judged anew."""
        day = self.cleaned_data["valid_from"]
        if day <= timezone.localdate(clock.now()):
            raise ValidationError(_("A scorecard begins on a day still to come."))
        return day


@admin.register(Scorecard)
class ScorecardAdmin(KeptAdmin):
    """Versions of the scorecards; one in force is copied, never changed."""

    form = ScorecardForm
    inlines = (LineInline,)
    list_display = ("kind", "valid_from", "volume", "minimum_count", "note")
    list_filter = ("kind",)
    save_as = True

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """One in force is looked at, and copied."""
        if request.method == "POST" and "_saveasnew" in request.POST:
            return super().has_change_permission(request, obj)
        return not is_in_force(obj) and super().has_change_permission(request, obj)

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        """A new version takes over the bands of the one before, line by line."""
        super().save_related(request, form, formsets, change)
        if not change:
            bands_take_over(form.instance)


@admin.register(ItemBands)
class ItemBandsAdmin(KeptAdmin):
    """What counts come to, by group."""

    list_display = ("item", "scorecard", "group")
    list_filter = ("item__scorecard__kind",)
    list_select_related = ("item__scorecard",)

    @admin.display(description=_("scorecard"))
    def scorecard(self, bands: ItemBands) -> Scorecard:
        """The scorecard of its line."""
        return bands.item.scorecard

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """Bands of a scorecard in force stay as they are."""
        card = obj.item.scorecard if obj is not None else None
        return not is_in_force(card) and super().has_change_permission(request, obj)


class MemberInline(admin.TabularInline):
    """Who is in a group."""

    model = ComparisonMember
    extra = 1
    autocomplete_fields = ("organisation",)


@admin.register(ComparisonGroup)
class ComparisonGroupAdmin(KeptAdmin):
    """Departments that can be compared."""

    list_display = ("code", "name", "name_en")
    inlines = (MemberInline,)


@admin.register(GradeStep)
class GradeStepAdmin(KeptAdmin):
    """From how many points on a grade is given."""

    list_display = ("letter", "at_least")


@admin.register(EvaluationPolicy)
class EvaluationPolicyAdmin(KeptAdmin):
    """Numbers of evaluation, from a day on."""

    list_display = ("valid_from", "repeat_days")
