"""Geography in the admin, on maps.

What is versioned is not overwritten here: outlines of areas and cells can be seen, not moved (a new
gridding closes cells and opens others). Zones, management areas, beats and jurisdictions are the
city's to set; where past days must keep their answer, end the old row and add a new one.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _
from leaflet.admin import LeafletGeoAdmin

from common import clock
from grid.cell_picker import CellPicker, CellsField, kept_history, picker_urls
from grid.cell_sets import beat_check, outline_of, zone_check
from grid.geocoding.services import alias_save, place_save
from grid.models import (
    Area,
    AreaCode,
    Beat,
    BeatAssignment,
    GridCell,
    Jurisdiction,
    ManagementArea,
    PastArea,
    Place,
    PlaceAlias,
    Zone,
)
from grid.reorganisation import admin as reorganisations  # noqa: F401  registers its own pages
from grid.selectors import OutsideCity, locate

VALIDITY_HELP = _(
    "Holds from the first day up to, not including, the last. To change what past days were told, "
    "do not edit: end this row and add a new one."
)
WHOLE_CITY = {"DEFAULT_CENTER": (30.25, 120.165), "DEFAULT_ZOOM": 12}


class MapAdmin(LeafletGeoAdmin):
    """A page with a map on the city's own base layers."""

    settings_overrides = WHOLE_CITY
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """History stays: what no longer holds is ended, not deleted."""
        return False

    @property
    def media(self) -> forms.Media:
        """Return the scripts of the page: ours come last."""
        ours = forms.Media(
            css={"all": ["css/tokens.css"]},
            js=["vendor/protomaps-leaflet.js", forms.Script("js/map/admin.js", type="module")],
        )
        return super().media + ours


class SeenGeometryAdmin(MapAdmin):
    """A page whose geometry is shown on the map and cannot be changed, whatever is posted."""

    modifiable = False

    def formfield_for_dbfield(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "geometry" and field is not None:
            field.disabled = True
        return field

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A city pack or a gridding adds."""
        return False


class AreaCodeInline(admin.TabularInline):
    """The codes an area bore and bears."""

    model = AreaCode
    extra = 0
    can_delete = False
    verbose_name_plural = _("codes by scheme and time")


@admin.register(Area)
class AreaAdmin(SeenGeometryAdmin):
    """Districts, streets, communities."""

    list_display = ("code", "name", "name_en", "level", "parent", "valid_from", "valid_to")
    list_filter = ("level",)
    list_select_related = ("parent",)
    search_fields = ("code__startswith", "codes__code__startswith", "name", "name_en__icontains")
    readonly_fields = ("city", "level", "parent", "code", "valid_from", "valid_to", "told_past")
    fields = (*readonly_fields, "name", "name_en", "geometry")
    inlines = (AreaCodeInline,)

    @admin.display(description=_("before it was reorganised"))
    def told_past(self, area: Area) -> str:
        """List what the area was called, where it belonged, and until when."""
        rows = PastArea.objects.filter(area=area).select_related("parent").order_by("valid_from")
        return format_html_join(
            mark_safe("<br>"),
            "{} {} · {} · {} – {}",
            ((row.code, row.name, row.parent or "", row.valid_from, row.valid_to) for row in rows),
        )


@admin.register(GridCell)
class GridCellAdmin(SeenGeometryAdmin):
    """Unit grid cells."""

    list_display = ("code", "community", "kind", "rounded_area", "valid_from", "valid_to")
    list_filter = ("kind",)
    list_select_related = ("community",)
    search_fields = ("code__startswith", "community__name")
    readonly_fields = ("city", "code", "community", "rounded_area", "valid_from", "valid_to")
    fields = (*readonly_fields, "kind", "geometry")

    def get_urls(self) -> list[URLPattern]:
        """Add what the picker of cells asks."""

        def guarded(view: Any) -> Any:
            def guard(request: HttpRequest) -> HttpResponse:
                if not self.has_view_permission(request):
                    raise PermissionDenied
                return view(request)

            return self.admin_site.admin_view(guard)

        return [*picker_urls(guarded), *super().get_urls()]

    @admin.display(description=_("area in m²"), ordering="area_m2")
    def rounded_area(self, cell: GridCell) -> int:
        """Return whole square metres."""
        return round(cell.area_m2)


class CellsForm(forms.ModelForm):
    """What is made of cells: they are chosen on a map."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["cells"].widget.owner = self.instance.pk

    def clean_cells(self) -> list[GridCell]:
        """Keep the closed cells that were there: past days ask for them."""
        before = self.instance.cells.all() if self.instance.pk else ()
        return kept_history(self.cleaned_data["cells"], before)

    @property
    def chosen(self) -> list[GridCell]:
        """Return the cells that hold."""
        cells = self.cleaned_data.get("cells") or ()
        return [cell for cell in cells if cell.valid_to is None]


class ZoneForm(CellsForm):
    """Says what a zone's fields do."""

    cells = CellsField(
        label=_("Cells"),
        required=False,
        widget=CellPicker("zone"),
        help_text=_("A zone of cells has their outline, also after a new gridding."),
    )

    class Meta:
        help_texts: ClassVar = {
            "code": _("A short name that never changes: Latin letters, digits, hyphens."),
            "grade": _(
                "Sets how often it is patrolled and which time limits hold. Where zones overlap, "
                "the strictest counts."
            ),
            "geometry": _("Draw one or several outlines, or choose cells instead."),
            "valid_to": VALIDITY_HELP,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["geometry"].required = False

    def clean(self) -> dict[str, Any]:
        """Give a zone of cells their outline; refuse a zone without any."""
        sent = super().clean() or self.cleaned_data
        if self.chosen:
            sent["geometry"] = outline_of(self.chosen)
        elif not sent.get("geometry") and not self.errors:
            self.add_error("geometry", _("Draw an outline or choose cells."))
        return sent


class CellsAdmin(admin.ModelAdmin):
    """A page on which cells are chosen; what is unusual about them is said after saving."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """History stays: what no longer holds is ended, not deleted."""
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if form.chosen and "cells" in form.changed_data:
            for sentence in self.warnings_of(form.chosen, form.instance):
                messages.warning(request, sentence)

    def warnings_of(self, cells: list[GridCell], row: Any) -> list[str]:
        """Return what is unusual about a choice."""
        return zone_check(cells).warnings


@admin.register(Zone)
class ZoneAdmin(CellsAdmin, MapAdmin):
    """Key, control and ordinary zones."""

    form = ZoneForm
    list_display = ("code", "name", "name_en", "grade", "valid_from", "valid_to")
    list_filter = ("grade",)
    search_fields = ("code", "name", "name_en")
    fields = (
        "city", "code", "name", "name_en", "grade", "valid_from", "valid_to", "cells", "geometry",
    )  # fmt: skip


class ManagementAreaForm(forms.ModelForm):
    """Says what a management area's fields do."""

    class Meta:
        help_texts: ClassVar = {
            "code": _("A short name that never changes: Latin letters, digits, hyphens."),
            "geometry": _("Lies over districts and streets; it replaces none of them."),
            "valid_to": VALIDITY_HELP,
        }


@admin.register(ManagementArea)
class ManagementAreaAdmin(MapAdmin):
    """Areas managed as one that are no district, such as a scenic area."""

    form = ManagementAreaForm
    list_display = ("code", "name", "name_en", "valid_from", "valid_to")
    search_fields = ("code", "name", "name_en")


class BeatForm(CellsForm):
    """A beat and its cells."""

    cells = CellsField(
        label=_("Cells"),
        widget=CellPicker("beat"),
        help_text=_("The cells one collector walks in a shift: about twenty neighbours."),
    )

    class Meta:
        help_texts: ClassVar = {"valid_to": VALIDITY_HELP}


class BeatAssignmentInline(admin.TabularInline):
    """Who walks the beat."""

    model = BeatAssignment
    extra = 0
    raw_id_fields = ("collector",)


@admin.register(Beat)
class BeatAdmin(CellsAdmin):
    """Patrol beats and who walks them."""

    form = BeatForm
    list_display = ("code", "name", "valid_from", "valid_to")
    search_fields = ("code__startswith", "name")
    fields = ("city", "code", "name", "valid_from", "valid_to", "cells")
    inlines = (BeatAssignmentInline,)

    def warnings_of(self, cells: list[GridCell], row: Beat) -> list[str]:
        """Return overlaps, gaps and parts that lie apart."""
        return beat_check(cells, on=row.valid_from, until=row.valid_to, beat=row.pk).warnings


@admin.register(Jurisdiction)
class JurisdictionAdmin(admin.ModelAdmin):
    """Which organisation answers where."""

    list_display = (
        "organisation",
        "function",
        "area",
        "management_area",
        "valid_from",
        "valid_to",
    )
    list_filter = ("function",)
    list_select_related = ("organisation", "area", "management_area")
    search_fields = ("organisation__name", "area__name")
    autocomplete_fields = ("area", "management_area", "cells")
    raw_id_fields = ("organisation",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Jurisdiction]:
        return super().get_queryset(request).order_by("organisation__path", "function")


class PlaceForm(forms.ModelForm):
    """Says what a place's fields do."""

    class Meta:
        help_texts: ClassVar = {
            "name": _("As it stands on signs. A crossing is named “A与B交叉口”."),
            "point": _("Where one stands who is “at” the place."),
            "geometry": _("The line of a road, the outline of a compound; empty for a point."),
            "valid_to": _(
                "A place that has ended stays ended when the city pack is loaded again; one that "
                "was deleted comes back."
            ),
        }


class PlaceAliasInline(admin.TabularInline):
    """Other names; how they sound is worked out."""

    model = PlaceAlias
    fields = ("name",)
    extra = 0


@admin.register(Place)
class PlaceAdmin(MapAdmin):
    """The gazetteer: names that are searched and that word an address."""

    form = PlaceForm
    list_display = ("name", "kind", "name_en", "valid_from", "valid_to", "source")
    list_filter = ("kind", "source")
    search_fields = ("folded__startswith", "name", "pinyin__startswith", "initials__startswith")
    readonly_fields = ("key", "lies_in")
    fields = (
        "kind", "name", "name_en", "point", "geometry", "valid_from", "valid_to", "lies_in", "key",
    )  # fmt: skip
    inlines = (PlaceAliasInline,)

    @admin.display(description=_("lies in"))
    def lies_in(self, place: Place) -> str:
        """Return the areas of today, from the grid."""
        if not place.point:
            return ""
        try:
            found = locate(place.point.x, place.point.y, on=timezone.localdate(clock.now()))
        except OutsideCity as outside:
            return str(outside.message)
        return " · ".join(area.name for area in (found.district, found.street, found.community))

    def save_model(self, request: HttpRequest, obj: Place, form: Any, change: bool) -> None:
        """Work out how the name is searched."""
        place_save(place=obj)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Work out how the other names are searched."""
        for alias in formset.save(commit=False):
            alias_save(alias=alias)
        for alias in formset.deleted_objects:
            alias.delete()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Names have no history."""
        return admin.ModelAdmin.has_delete_permission(self, request, obj)
