"""The catalogue and the register in the admin.

A standard that held is never overwritten: saving another limit or condition ends it today and puts
a new one in force. Components go through the services, so that codes, cells and history are right.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common import clock
from common.errors import DomainError
from common.pinyin import search_keys
from common.text import clean_json
from components.department_kinds import DepartmentKind
from components.models import CaseStandard, CaseType, Component, TypeAlias, TypeClass, TypeCode
from components.plates.admin import give_plates, print_plates
from components.services import (
    CHANGEABLE,
    check_fits,
    check_shape,
    component_create,
    component_retire,
    component_update,
    point_on,
    standard_revise,
)
from grid.admin import MapAdmin
from grid.selectors import locate


class KeptAdmin(admin.ModelAdmin):
    """What cases refer to is ended, not deleted."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes here."""
        return False


@admin.register(TypeClass)
class TypeClassAdmin(KeptAdmin):
    """The classes."""

    list_display = ("code", "kind", "name", "name_en")
    list_filter = ("kind",)
    readonly_fields = ("kind", "code")


class TypeCodeInline(admin.TabularInline):
    """Codes by scheme and time."""

    model = TypeCode
    extra = 0


class TypeAliasInline(admin.TabularInline):
    """Other names; pinyin is worked out."""

    model = TypeAlias
    fields = ("name",)
    extra = 0


class CaseTypeForm(forms.ModelForm):
    """Offer the trades there are."""

    lead_department_kind = forms.ChoiceField(
        label=_("kind of lead department"), choices=DepartmentKind.choices
    )


@admin.register(CaseType)
class CaseTypeAdmin(KeptAdmin):
    """The types of components and events."""

    form = CaseTypeForm
    list_display = ("code", "name", "name_en", "type_class", "lead_department_kind", "is_extension")
    list_filter = ("kind", "type_class", "lead_department_kind", "is_extension")
    list_select_related = ("type_class",)
    search_fields = ("code__istartswith", "name", "name_en__icontains", "initials__istartswith")
    readonly_fields = ("pinyin", "initials")
    inlines = (TypeCodeInline, TypeAliasInline)
    ordering = ("code",)

    def save_model(self, request: HttpRequest, obj: CaseType, form: Any, change: bool) -> None:
        """Work out pinyin with the name."""
        obj.pinyin, obj.initials = search_keys(obj.name)
        super().save_model(request, obj, form, change)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Work out the pinyin of aliases."""
        for row in formset.save(commit=False):
            if isinstance(row, TypeAlias):
                row.pinyin, row.initials = search_keys(row.name)
            row.save()
        for row in formset.deleted_objects:
            row.delete()
        formset.save_m2m()


class StandardForm(forms.ModelForm):
    """Offer the trades there are."""

    lead_department_kind = forms.ChoiceField(
        label=_("kind of lead department"),
        choices=[("", _("that of the type")), *DepartmentKind.choices],
        required=False,
    )


@admin.register(CaseStandard)
class CaseStandardAdmin(KeptAdmin):
    """Filing conditions, limits, closing conditions; versions by date."""

    form = StandardForm
    list_display = (
        "type",
        "profile",
        "zone_grade",
        "limit_value",
        "limit_unit",
        "condition",
        "valid_from",
        "valid_to",
    )
    list_filter = ("profile", "zone_grade", "limit_unit", "type__kind")
    list_select_related = ("type",)
    search_fields = ("type__code__istartswith", "type__name", "condition")
    autocomplete_fields = ("type",)
    KEY: ClassVar = ("type", "zone_grade", "profile", "valid_from")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What a standard is about stays; an ended one stays altogether."""
        if obj is None:
            return ()
        if obj.valid_to is not None:
            return tuple(field.name for field in CaseStandard._meta.fields if field.name != "id")
        return self.KEY

    def save_model(self, request: HttpRequest, obj: CaseStandard, form: Any, change: bool) -> None:
        """Put a new version in force instead of changing one that cases were filed under."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        if not changes:
            return
        today = timezone.localdate(clock.now())
        standard = standard_revise(standard_id=obj.pk, on=today, **changes)
        if standard.pk != obj.pk:
            self.message_user(
                request,
                _("A new version is in force from %(day)s; cases filed before keep theirs.")
                % {"day": today},
            )


class ComponentForm(forms.ModelForm):
    """Refuse what does not fit the type or lies outside the city, beside the field."""

    class Meta:
        model = Component
        fields = ("type", *sorted(CHANGEABLE))

    def clean_attributes(self) -> Any:
        """Make them fit to store."""
        return clean_json(self.cleaned_data["attributes"])

    def clean(self) -> dict[str, Any]:
        """Ask the rules of the register."""
        data = super().clean() or self.cleaned_data
        case_type = data.get("type") or (self.instance.type if self.instance.pk else None)
        geometry = data.get("geometry")
        if case_type is None or geometry is None:
            return data
        try:
            check_fits(case_type, geometry, data.get("attributes") or {})
            check_shape(geometry)
            point = point_on(geometry)
            body = data.get("competent_body")
            city_id = self.instance.city_id or (body.city_id if body else None)
            locate(point.x, point.y, on=timezone.localdate(clock.now()), city_id=city_id)
        except DomainError as refused:
            field = next((name for name in refused.fields if name in self.fields), None)
            raise ValidationError({field: refused.message} if field else refused.message) from None
        return data


@admin.register(Component)
class ComponentAdmin(MapAdmin):
    """The register, one component a page, with its place on the map."""

    form = ComponentForm
    list_display = ("code", "type", "state", "community", "owner", "maintainer", "retired_date")
    list_filter = ("state", "type__type_class", "accuracy")
    list_select_related = ("type", "community", "owner", "maintainer")
    search_fields = ("code__startswith",)
    autocomplete_fields = ("type", "competent_body", "owner", "maintainer")
    ordering = ("-id",)
    actions = ("retire", give_plates, print_plates)
    SEEN: ClassVar = ("code", "cell", "community", "retired_date")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Component]:
        """Leave the outlines of the areas where they are."""
        return super().get_queryset(request).defer("community__geometry")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Code and areas follow from type and place; the type stays."""
        return (*self.SEEN, "type") if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What is no longer in use can only be seen."""
        in_use = obj is None or obj.retired_date is None
        return in_use and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Component, form: Any, change: bool) -> None:
        """Create and change through the services."""
        today = timezone.localdate(clock.now())
        data = form.cleaned_data
        if change:
            changes = {name: data[name] for name in form.changed_data}
            component_update(actor=request.user, component_id=obj.pk, on=today, **changes)
            return
        created = component_create(actor=request.user, on=today, **data)
        obj.pk, obj.code = created.pk, created.code

    @admin.action(description=_("Take out of use"), permissions=("change",))
    def retire(self, request: HttpRequest, queryset: QuerySet[Component]) -> None:
        """Retire the chosen components that are still in use."""
        today = timezone.localdate(clock.now())
        for pk in queryset.filter(retired_date=None).values_list("pk", flat=True):
            component_retire(actor=request.user, component_id=pk, on=today)
