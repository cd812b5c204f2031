"""Choosing cells on the map in the admin: a field, its widget, and what its script asks.

Without JavaScript the field is a text of codes; the script fills the same text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.http import HttpRequest, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.models import City
from common import clock
from common.errors import DomainError
from grid.cell_sets import (
    MAX_CELLS,
    beat_check,
    beats_near,
    cells_at,
    cells_by_code,
    cells_in_shape,
    zone_check,
)
from grid.models import GridCell


class CellPicker(forms.Textarea):
    """A map above the text of codes."""

    template_name = "admin/grid/cell_picker.html"

    def __init__(self, kind: str, attrs: Any = None) -> None:
        super().__init__({"rows": 3, "spellcheck": "false", **(attrs or {})})
        self.kind, self.owner = kind, None

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """Add the addresses that the script asks."""
        context = super().get_context(name, value, attrs)
        context["widget"] |= {
            "kind": self.kind,
            "owner": self.owner or "",
            "choose": reverse("admin:grid_gridcell_choose"),
            "check": reverse("admin:grid_gridcell_check"),
            "beats": reverse("admin:grid_gridcell_beats"),
        }
        return context

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Render from the project's templates."""
        return render_to_string(self.template_name, self.get_context(name, value, attrs))

    @property
    def media(self) -> forms.Media:
        """Return the script and styles of the picker."""
        return forms.Media(
            css={"all": ["css/tokens.css", "css/map.css", "css/admin.css"]},
            js=[forms.Script("js/map/cells.js", type="module")],  # type: ignore[list-item]
        )


class CellsField(forms.CharField):
    """Codes of cells that hold today; cleaned to the cells."""

    def prepare_value(self, value: Any) -> str:
        """Show the codes of cells."""
        if value is None or isinstance(value, str):
            return value or ""
        return " ".join(sorted(cell.code for cell in value if cell.valid_to is None))

    def clean(self, value: Any) -> list[GridCell]:
        """Return the cells; refuse codes of cells that do not hold, with the sentence."""
        text = super().clean(value)
        city = City.objects.order_by("pk").first()
        if city is None:
            return []
        try:
            return cells_by_code(city, text, timezone.localdate(clock.now()))
        except DomainError as refusal:
            raise forms.ValidationError([str(s) for s in refusal.fields["cells"]]) from refusal

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare the codes, in any order."""
        return set(self.prepare_value(initial).split()) != set((data or "").split())


def picker_urls(wrap: Callable[..., Any]) -> list[URLPattern]:
    """Return the addresses that the picker's script asks; ``wrap`` guards them."""
    views = {"choose": choose_view, "check": check_view, "beats": beats_view}
    return [
        path(f"{name}/", wrap(require_POST(view)), name=f"grid_gridcell_{name}")
        for name, view in views.items()
    ]


def choose_view(request: HttpRequest) -> JsonResponse:
    """Answer the cells at a point, of a community, in a shape, or of some codes."""

    def choose(sent: dict[str, Any], city: City) -> dict[str, Any]:
        on = timezone.localdate(clock.now())
        if "point" in sent:
            lon, lat = (float(degrees) for degrees in sent["point"])
            cells = cells_at(lon, lat, on, whole_community=sent.get("scope") == "community")
        elif "shape" in sent:
            cells = cells_in_shape(city, sent["shape"], on)
        else:
            cells = cells_by_code(city, str(sent.get("codes", "")), on)
        return {"cells": [_shown(cell) for cell in cells], "most": MAX_CELLS}

    return _answer(request, choose)


def check_view(request: HttpRequest) -> JsonResponse:
    """Answer what is said of a choice: the same as on saving."""

    def check(sent: dict[str, Any], city: City) -> dict[str, Any]:
        on = timezone.localdate(clock.now())
        cells = cells_by_code(city, str(sent.get("codes", "")), on)
        owner = int(sent["owner"]) if sent.get("owner") else None
        is_beat = sent.get("kind") == "beat"
        verdict = beat_check(cells, on=on, beat=owner) if is_beat else zone_check(cells)
        return {
            "count": verdict.count,
            "area_m2": round(verdict.area_m2),
            "warnings": verdict.warnings,
        }

    return _answer(request, check)


def beats_view(request: HttpRequest) -> JsonResponse:
    """Answer the other beats in view."""

    def near(sent: dict[str, Any], city: City) -> dict[str, Any]:
        on = timezone.localdate(clock.now())
        owner = int(sent["owner"]) if sent.get("owner") else None
        beats = beats_near(city, sent.get("box", ()), on, beat=owner)
        return {"beats": [{**b, "outline": json.loads(b["outline"])} for b in beats]}

    return _answer(request, near)


def _answer(
    request: HttpRequest, ask: Callable[[dict[str, Any], City], dict[str, Any]]
) -> JsonResponse:
    """Read the JSON that was sent and answer, refusals with their sentence."""
    try:
        sent = json.loads(request.body)
        if not isinstance(sent, dict):
            raise TypeError
        return JsonResponse(ask(sent, City.objects.earliest("pk")))
    except DomainError as refusal:
        answer = {"code": refusal.code, "message": str(refusal.message)}
        return JsonResponse(answer, status=refusal.status)
    except (TypeError, ValueError, KeyError, RecursionError):
        return JsonResponse(
            {"code": "invalid", "message": str(_("This request cannot be read."))}, status=400
        )


def _shown(cell: GridCell) -> dict[str, Any]:
    return {
        "code": cell.code,
        "area_m2": round(cell.area_m2),
        "outline": json.loads(cell.geometry.geojson),
    }


def kept_history(cells: Iterable[GridCell], before: Iterable[GridCell]) -> list[GridCell]:
    """Return the chosen cells and the closed ones that were there: past days ask for them."""
    return [*cells, *(cell for cell in before if cell.valid_to is not None)]
