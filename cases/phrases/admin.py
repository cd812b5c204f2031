"""What a city sets for its desks: common phrases of teams, what may be a duplicate."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.roles import ROLES
from cases.models import DuplicateRule, Phrase
from cases.workflow import ACTION_LABELS

ANY = [("", _("all"))]


class PhraseForm(forms.ModelForm):
    """Offer the roles and actions there are."""

    role = forms.ChoiceField(
        label=_("role"),
        choices=[*ANY, *((role.value, known.label) for role, known in ROLES.items())],
        required=False,
    )
    action = forms.ChoiceField(
        label=_("action"),
        choices=[*ANY, *ACTION_LABELS.items()],
        required=False,
        help_text=_("all: wherever something is written"),
    )
    text = forms.CharField(label=_("phrase"), widget=forms.Textarea(attrs={"rows": 3}))

    class Meta:
        model = Phrase
        fields = ("city", "organisation", "role", "action", "text", "position", "is_active")


@admin.register(Phrase)
class PhraseAdmin(admin.ModelAdmin):
    """The phrases of teams; what people keep for themselves is theirs alone."""

    form = PhraseForm
    list_display = ("text", "organisation", "role", "action", "position", "is_active")
    list_select_related = ("organisation",)
    list_filter = ("is_active", "role")
    search_fields = ("text",)
    autocomplete_fields = ("organisation",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Phrase, Any]:
        """Leave people's own phrases out."""
        return super().get_queryset(request).filter(owner__isnull=True)


@admin.register(DuplicateRule)
class DuplicateRuleAdmin(admin.ModelAdmin):
    """How near in place and time two reports may be the same thing."""

    list_display = ("__str__", "kind", "type_class", "type", "within_m", "within_hours")
    list_select_related = ("type_class", "type")
    autocomplete_fields = ("type",)
