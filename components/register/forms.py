"""What a page asks for before a change of a record is proposed.

Here is only how it is asked; what a proposal may hold stands in ``components.register.proposals``.
``proposed()`` gives the raw values, as a client of the API would send them.
"""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from common.parsers import MAX_DEPTH, is_deeper_than
from common.templatetags.ui import named
from components.models import Component
from components.register.history import attribute_label, attribute_words
from components.register.models import ComponentChange
from components.register.presenters import BODY_KINDS
from components.selectors import components_nearest
from components.services import SAME_PLACE_M

Kind = ComponentChange.Kind
ATTRIBUTE = "attribute_"
BODIES = ("competent_body", "owner", "maintainer")
PLAIN = ("name", "address", "state", "accuracy", "surveyed_date", "installed_date")


def _line(**attrs: Any) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "input", **attrs})


def _dropdown() -> forms.Select:
    return forms.Select(attrs={"class": "input"})


def _day() -> forms.DateInput:
    return forms.DateInput(attrs={"class": "input", "type": "date"}, format="%Y-%m-%d")


class ChangeForm(forms.Form):
    """The questions of one kind of change, filled with what the record says now."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        widget=forms.Textarea(attrs={"class": "input", "rows": 2}),
        help_text=_("stands in the history for good"),
    )
    seen_event = forms.IntegerField(widget=forms.HiddenInput)
    key = forms.CharField(max_length=100, widget=forms.HiddenInput)

    def __init__(self, *args: Any, component: Component, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.component, self.kind = component, kind
        asked: dict[str, forms.Field] = {}
        if kind in (Kind.CHANGE, Kind.REPLACE):
            asked |= described_fields(component)
        if kind == Kind.MOVE or (kind == Kind.REPLACE and is_point(component)):
            asked |= place_fields(component)
        if kind == Kind.MERGE:
            asked["into"] = same_things_field(component)
        self.fields = {**asked, **self.fields}
        for field in self.fields.values():
            field.label_suffix = ""

    @property
    def asked(self) -> list[forms.BoundField]:
        """The questions that are seen, in order."""
        return [self[name] for name in self.fields if not self[name].is_hidden]

    def proposed(self) -> dict[str, Any]:
        """Return what differs from the record, by the names of the register."""
        data, component, proposed = self.cleaned_data, self.component, {}
        for name in PLAIN:
            if name in data and data[name] != getattr(component, name):
                value = data[name]
                proposed[name] = value.isoformat() if hasattr(value, "isoformat") else value or ""
        for name in BODIES:
            if name in data and data[name] != code_of(getattr(component, name)):
                proposed[name] = data[name] or None
        attributes = self._attributes()
        if attributes is not None and attributes != component.attributes:
            proposed["attributes"] = attributes
        if (geometry := self._geometry()) is not None:
            proposed["geometry"] = geometry
        if data.get("into"):
            proposed["into"] = data["into"]
        return proposed

    def _attributes(self) -> dict[str, Any] | None:
        names = [name for name in self.fields if name.startswith(ATTRIBUTE)]
        if not names:
            return None
        kept = {
            key: value
            for key, value in self.component.attributes.items()
            if f"{ATTRIBUTE}{key}" not in names
        }
        values = {name.removeprefix(ATTRIBUTE): self.cleaned_data[name] for name in names}
        return kept | {key: value for key, value in values.items() if value not in (None, "")}

    def _geometry(self) -> Any:
        data, point = self.cleaned_data, self.component.point
        if data.get("geometry"):
            return data["geometry"]
        if "longitude" not in data or data["longitude"] is None or data["latitude"] is None:
            return None
        if (round(point.x, 6), round(point.y, 6)) == (data["longitude"], data["latitude"]):
            return None
        return {"type": "Point", "coordinates": [data["longitude"], data["latitude"]]}


def is_point(component: Component) -> bool:
    """Tell whether a component is drawn as a point."""
    return component.geometry.geom_type == "Point"


def code_of(body: Organisation | None) -> str:
    """Return an organisation's code, empty for none."""
    return body.code if body else ""


def described_fields(component: Component) -> dict[str, forms.Field]:
    """Return a field for everything the record says in words, filled as it is now."""
    bodies = Organisation.objects.filter(
        city=component.city_id, is_active=True, kind__in=BODY_KINDS
    ).order_by("path")
    choices = [(body.code, named(body)) for body in bodies]
    fields: dict[str, forms.Field] = {}
    for name in BODIES:
        is_required = name == "competent_body"
        present = getattr(component, name)
        known = {code for code, _name in choices}
        more = [(present.code, named(present))] if present and present.code not in known else []
        fields[name] = forms.ChoiceField(
            label=_label(name),
            choices=[*([] if is_required else [("", "–")]), *more, *choices],
            required=is_required,
            initial=code_of(present),
            widget=_dropdown(),
        )
    for name in PLAIN:
        fields[name] = _plain_field(component, name)
    return fields | attribute_fields(component)


def _label(name: str) -> Any:
    return capfirst(Component._meta.get_field(name).verbose_name)


def _plain_field(component: Component, name: str) -> forms.Field:
    column, present = Component._meta.get_field(name), getattr(component, name)
    common = {"label": capfirst(column.verbose_name), "initial": present}
    if column.choices:
        return forms.ChoiceField(choices=column.choices, widget=_dropdown(), **common)
    if name.endswith("_date"):
        return forms.DateField(required=False, widget=_day(), **common)
    return forms.CharField(required=False, max_length=column.max_length, widget=_line(), **common)


def attribute_fields(component: Component) -> dict[str, forms.Field]:
    """Return a field for each attribute that the type's schema describes."""
    schema = component.type.attribute_schema
    required = set(schema.get("required", ()))
    return {
        f"{ATTRIBUTE}{key}": _attribute_field(component, key, described, key in required)
        for key, described in schema.get("properties", {}).items()
    }


def _attribute_field(
    component: Component, key: str, described: dict[str, Any], is_required: bool
) -> forms.Field:
    common = {
        "label": attribute_label(component.type, key),
        "initial": component.attributes.get(key),
        "required": is_required,
    }
    if "enum" in described:
        values = {str(value): value for value in described["enum"]}
        return forms.TypedChoiceField(
            choices=[
                ("", "–"),
                *(
                    (text, attribute_words(component.type, key, each))
                    for text, each in values.items()
                ),
            ],
            coerce=values.__getitem__,
            empty_value=None,
            widget=_dropdown(),
            **common,
        )
    if described.get("type") == "boolean":
        return forms.TypedChoiceField(
            choices=[("", "–"), ("True", _("yes")), ("False", _("no"))],
            coerce=lambda text: text == "True",
            empty_value=None,
            widget=_dropdown(),
            **common,
        )
    number = forms.NumberInput(attrs={"class": "input", "step": "any"})
    if described.get("type") == "integer":
        return forms.IntegerField(widget=number, **common)
    if described.get("type") == "number":
        return forms.FloatField(widget=number, **common)
    return forms.CharField(max_length=described.get("maxLength", 200), widget=_line(), **common)


class GeometryField(forms.CharField):
    """A GeoJSON geometry as text."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            geometry = json.loads(text)
        except (ValueError, RecursionError):
            geometry = None
        if geometry is None or is_deeper_than(MAX_DEPTH, geometry):
            raise forms.ValidationError(_("This must be a GeoJSON geometry."))
        return geometry


def place_fields(component: Component) -> dict[str, forms.Field]:
    """Return longitude and latitude for a point, a geometry for a line or an area."""
    if not is_point(component):
        area = forms.Textarea(attrs={"class": "input", "rows": 5})
        return {
            "geometry": GeometryField(
                label=_("Geometry (GeoJSON, WGS-84)"),
                initial=component.geometry.geojson,
                widget=area,
            )
        }
    point = component.point
    return {
        "longitude": forms.FloatField(
            label=capfirst(_("longitude")),
            initial=round(point.x, 6),
            widget=_line(inputmode="decimal"),
        ),
        "latitude": forms.FloatField(
            label=capfirst(_("latitude")),
            initial=round(point.y, 6),
            widget=_line(inputmode="decimal"),
        ),
    }


def same_things_field(component: Component) -> forms.Field:
    """Return the choice of the component that stays: those of the type that stand near."""
    point = component.point
    near = components_nearest(point.x, point.y, type_code=component.type.code, limit=9)
    choices = [
        (row.code, f"{row.code} · {row.address} · {row.away_m:.1f} m")
        for row in near
        if row.pk != component.pk and row.away_m <= SAME_PLACE_M
    ]
    return forms.ChoiceField(
        label=_("The one that stays"), choices=choices, widget=forms.RadioSelect
    )
