"""What the plates' pages ask."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from components.choices import type_choices
from components.models import Plate
from components.plates.sheets import SIZES
from grid.fields import AreaField


class PlatesForm(forms.Form):
    """Which components, and how their plates are printed."""

    area = AreaField(label=_("Street or community"))
    types = forms.MultipleChoiceField(
        label=_("Types"),
        required=False,
        help_text=_("none chosen: all types"),
        widget=forms.SelectMultiple(attrs={"class": "input", "size": 10}),
    )
    size = forms.ChoiceField(
        label=_("Size of the plates"),
        required=False,
        choices=[(size.key, size.label) for size in SIZES.values()],
        widget=forms.Select(attrs={"class": "input"}),
    )
    only_unprinted = forms.BooleanField(
        label=_("Only those never printed"),
        required=False,
        initial=True,
        widget=forms.CheckboxInput(),
    )

    def __init__(self, *args: Any, day: date, city_id: int | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["area"].look_up(day, city_id, self["area"].value())
        self.fields["types"].choices = type_choices(day)


class RevokeForm(forms.Form):
    """Why a plate is good no longer, and whether another takes its place."""

    reason = forms.ChoiceField(
        label=_("Reason"),
        choices=[("", "----"), *Plate.Reason.choices],
        widget=forms.Select(attrs={"class": "input"}),
    )
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"class": "input"}),
    )
