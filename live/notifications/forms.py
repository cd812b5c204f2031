"""What people send about their notifications."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from live.notifications.models import LANGUAGES, NotificationPreference

TIME = {"type": "time", "class": "input"}


class PreferenceForm(forms.ModelForm):
    """How a person wants to be told."""

    class Meta:
        model = NotificationPreference
        fields = ("wants_email", "wants_sms", "quiet_from", "quiet_to", "language")
        widgets: ClassVar = {
            "quiet_from": forms.TimeInput(TIME, format="%H:%M"),
            "quiet_to": forms.TimeInput(TIME, format="%H:%M"),
            "language": forms.Select({"class": "input"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["language"].choices = [("", _("as my pages")), *LANGUAGES]

    def clean(self) -> dict[str, Any]:
        """Quiet hours have two ends."""
        values = super().clean()
        for missing, given in (("quiet_to", "quiet_from"), ("quiet_from", "quiet_to")):
            wrong = missing in self.errors or given in self.errors
            if not wrong and values.get(given) is not None and values.get(missing) is None:
                self.add_error(missing, _("Quiet hours have a beginning and an end."))
        return values
