"""What the pages of links ask."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from cases.fields import MAX_TEXT
from cases.forms import area, dropdown, line
from common.errors import DomainError
from dispatch.models import Contractor, LinkAnswer

DAYS = (1, 3, 7, 14, 30)
USUAL_DAYS = 7


class SendForm(forms.Form):
    """To whom, what, for how long."""

    contractor = forms.ModelChoiceField(
        label=_("Contractor"), queryset=Contractor.objects.none(), required=False, widget=dropdown()
    )
    name = forms.CharField(
        label=_("Or a new one"),
        max_length=80,
        required=False,
        widget=line(placeholder=_("Name of the firm or crew")),
    )
    phone = forms.CharField(
        label=_("Phone"), max_length=30, required=False, widget=line(inputmode="tel")
    )
    task = forms.CharField(
        label=_("What to do"),
        max_length=MAX_TEXT,
        widget=area(4),
        help_text=_(
            "The contractor reads this, the place, the type and the photos of the report."
            " Write no names or phone numbers of citizens."
        ),
    )
    days = forms.TypedChoiceField(
        label=_("The link is good for"),
        coerce=int,
        choices=[
            (days, ngettext_lazy("%(count)d day", "%(count)d days", days) % {"count": days})
            for days in DAYS
        ],
        initial=USUAL_DAYS,
        widget=dropdown(),
    )

    def __init__(self, *args: Any, contractors: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["contractor"].queryset = contractors

    def clean(self) -> dict[str, Any]:
        """Somebody must be named."""
        data = super().clean()
        if not data.get("contractor") and not data.get("name"):
            self.add_error("contractor", _("Choose a contractor, or name a new one."))
        return data


class RejectForm(forms.Form):
    """Why the answer will not do."""

    reason = forms.CharField(label=_("What is missing"), max_length=MAX_TEXT, widget=area())


class SeveralFilesInput(forms.ClearableFileInput):
    """Photos from the camera or the album of a phone."""

    allow_multiple_selected = True


class SeveralFilesField(forms.FileField):
    """A list of files; the service judges each."""

    widget = SeveralFilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        files = data if isinstance(data, list | tuple) else [data]
        return [file for file in files if file]


class AnswerForm(forms.Form):
    """Done, or why not: with photos and a note."""

    key = forms.RegexField(r"^[A-Za-z0-9-]{8,64}$", widget=forms.HiddenInput)
    outcome = forms.ChoiceField(
        label=_("How it went"),
        choices=[
            (LinkAnswer.Outcome.DONE.value, _("It is done")),
            (LinkAnswer.Outcome.CANNOT.value, _("It cannot be done, because …")),
        ],
        widget=forms.RadioSelect,
    )
    photos = SeveralFilesField(
        label=_("Photos"),
        required=False,
        widget=SeveralFilesInput(attrs={"accept": "image/*"}),
        help_text=_("At least one where it is done; at most 9."),
    )
    note = forms.CharField(label=_("Note"), max_length=MAX_TEXT, widget=area())

    def add_refusal(self, refused: DomainError) -> None:
        """Put the service's sentences beside the fields they speak of."""
        for name, sentences in refused.fields.items():
            field = {"file": "photos"}.get(name, name)
            self.add_error(field if field in self.fields else None, [str(s) for s in sentences])
        if not refused.fields:
            self.add_error(None, str(refused.message))


class ContractorForm(forms.Form):
    """A contractor of the reader's department."""

    name = forms.CharField(label=_("Name"), max_length=80, widget=line())
    contact = forms.CharField(label=_("Contact"), max_length=40, required=False, widget=line())
    phone = forms.CharField(
        label=_("Phone"), max_length=30, required=False, widget=line(inputmode="tel")
    )
