"""What the atlas's page asks."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from components.atlas.sheets import SCALES
from grid.fields import AreaField

SUITED = ("", _("chosen so that symbols can be read"))


class AtlasForm(forms.Form):
    """Whose atlas, on which paper, at which scale."""

    area = AreaField(
        label=_("Street or community"), help_text=_("whole street: one atlas a community")
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

    def __init__(self, *args: Any, day: date, city_id: int | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["area"].look_up(day, city_id, self["area"].value())
