"""What a city sets about exceptions and supervision: chains, caps, rules of repetition."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from cases.exceptions.words import POST_NAMES, chain_words
from cases.models import ApprovalChain, RepeatRule, RequestCap
from cases.models.exceptions import check_steps
from cases.workflow import RULE_OF, RequestKind
from components.admin import KeptAdmin

STEPS = (_("First approval"), _("Second approval"), _("Third approval"))
DECIDERS = tuple(dict.fromkeys(post for rule in RULE_OF.values() for post in rule.deciders))


class ChainForm(forms.ModelForm):
    """The steps as boxes to tick: posts of one step stand for each other."""

    class Meta:
        model = ApprovalChain
        fields = (
            "city",
            "kind",
            "position",
            "from_ordinal",
            "over_days",
            "over_ratio",
            "urgency",
            "profile",
            "valid_from",
            "valid_to",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = self.instance.steps or []
        for number, label in enumerate(STEPS):
            self.fields[f"step_{number}"] = forms.MultipleChoiceField(
                label=label,
                choices=[(post.value, POST_NAMES[post.value]) for post in DECIDERS],
                widget=forms.CheckboxSelectMultiple,
                required=number == 0,
                initial=known[number] if number < len(known) else [],
                help_text=_("any one of them") if number == 0 else "",
            )

    def clean(self) -> dict[str, Any]:
        """Put the steps together; the workflow's table says which posts may stand there."""
        cleaned = super().clean() or {}
        steps = [cleaned.get(f"step_{number}") or [] for number in range(len(STEPS))]
        while steps and not steps[-1]:
            steps.pop()
        if not all(steps):
            raise ValidationError(_("Leave no step empty before another."))
        if steps and cleaned.get("kind"):
            check_steps(RequestKind(cleaned["kind"]), steps)
        self.instance.steps = steps
        return cleaned


@admin.register(ApprovalChain)
class ApprovalChainAdmin(KeptAdmin):
    """Who agrees to what; a request keeps the chain it was asked under."""

    form = ChainForm
    list_display = (
        "kind",
        "position",
        "from_ordinal",
        "over_days",
        "over_ratio",
        "urgency",
        "profile",
        "in_words",
        "valid_from",
        "valid_to",
    )
    list_filter = ("kind",)

    def get_fields(self, request: Any, obj: Any = None) -> list[str]:
        """Name the step fields too, which only the form knows."""
        return [*ChainForm.Meta.fields, *(f"step_{n}" for n in range(len(STEPS)))]

    def get_form(self, request: Any, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Leave the fields to the form: three of them are not the model's."""
        return super().get_form(request, obj, change, **kwargs | {"fields": None})

    @admin.display(description=_("who agrees"))
    def in_words(self, chain: ApprovalChain) -> str:
        """The steps in words."""
        return chain_words(chain.steps)


@admin.register(RequestCap)
class RequestCapAdmin(KeptAdmin):
    """How much is too much."""

    list_display = ("kind", "organisation", "ratio", "amber_from", "valid_from", "valid_to")
    list_filter = ("kind",)
    list_select_related = ("organisation",)


@admin.register(RepeatRule)
class RepeatRuleAdmin(KeptAdmin):
    """What comes back too often."""

    list_display = (
        "name",
        "subject",
        "type",
        "type_class",
        "case_count",
        "within_days",
        "valid_from",
        "valid_to",
    )
    list_select_related = ("type", "type_class")
