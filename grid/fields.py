"""A street or community in a form: found by words, within a district if one is chosen."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.templatetags.ui import named
from grid.area_search import area_chosen, districts_on
from grid.models import Area


class AreaInput(forms.TextInput):
    """The code of a street or community; drawn by ui/_area_search.html."""


class AreaField(forms.CharField):
    """A street or community by its code; ``look_up`` tells day, city and what is chosen already."""

    widget = AreaInput
    day: date
    city_id: int | None
    districts: list[Area]
    shown = ""

    def look_up(self, day: date, city_id: int | None, chosen: Any) -> None:
        """Take a city's districts of a day, and the words of an area that is chosen already."""
        self.day, self.city_id, self.districts = day, city_id, districts_on(day, city_id)
        area = area_chosen(str(chosen or ""), day, city_id)
        if area is not None:
            above = (area.parent.parent, area.parent) if area.parent else ()
            self.shown = " · ".join(named(each) for each in (*above, area) if each is not None)

    def clean(self, value: Any) -> Area | None:
        """Return the area itself."""
        code = super().clean(value)
        area = area_chosen(code, self.day, self.city_id)
        if area is None and (code or self.required):
            raise forms.ValidationError(_("There is no such area."))
        return area
