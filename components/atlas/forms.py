"""What the atlas's page asks."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from components.atlas.sheets import SCALES
from components.choices import area_by_code, area_choices

SUITED = ("", _("chosen so that symbols can be read"))


class AtlasForm(forms.Form):
    """Whose atlas, on which paper, at which scale."""

    area = forms.ChoiceField(
        label=_("Street or community"), widget=forms.Select(attrs={"class": "input"})
    )
    paper = forms.ChoiceField(
        label=_("Paper"),
        required=False,
        choices=[("a3", "A3"), ("a4", "A4")],
        widget=forms.Select(attrs={"class": "input"}),
    )
    scale = forms.ChoiceField(
        label=_("Scale of the map sheets"),
        required=False,
        choices=[SUITED, *((str(scale), f"1 : {scale}") for scale in SCALES)],
        widget=forms.Select(attrs={"class": "input"}),
    )

    def __init__(self, *args: Any, day: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.day = day
        choices = area_choices(day, _("whole street, one atlas a community"))
        self.fields["area"].choices = [("", "----"), *choices]

    def clean_area(self) -> Any:
        """Return the area itself."""
        area = area_by_code(self.cleaned_data["area"], self.day)
        if area is None:
            raise forms.ValidationError(_("There is no such area."))
        return area
