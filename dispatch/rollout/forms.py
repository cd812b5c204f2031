"""What the rollout page asks."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.forms import line


class SwitchForm(forms.Form):
    """Which way, from when, and why."""

    code = forms.CharField(max_length=60, widget=forms.HiddenInput)
    is_on = forms.TypedChoiceField(
        choices=[("1", "1"), ("0", "0")],
        coerce=lambda value: value == "1",
        empty_value=None,
        widget=forms.HiddenInput,
    )
    from_date = forms.DateField(
        label=_("From"), widget=forms.DateInput(attrs={"class": "input", "type": "date"})
    )
    note = forms.CharField(label=_("Note"), max_length=200, required=False, widget=line())
