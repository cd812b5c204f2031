"""What a city sets of its notifications; how its messages and the log's readers stand."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template import TemplateSyntaxError
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from cases.admin import ReadOnlyAdmin
from common import clock
from common.errors import DomainError
from components.admin import KeptAdmin
from live.models import EventReader
from live.notifications.channels import masked
from live.notifications.deliveries import delivery_retry
from live.notifications.models import (
    SENT_CHOICES,
    Delivery,
    NotificationPolicy,
    NotificationRule,
    NotificationTemplate,
)
from live.notifications.rules import Recipient, action_choices
from live.notifications.wording import VARIABLES, preview


def choose_several(choices: Any, *, required: bool = True, label: Any) -> Any:
    """Return a field of check boxes over a list of codes."""
    return forms.MultipleChoiceField(
        choices=choices, required=required, label=label, widget=forms.CheckboxSelectMultiple
    )


class PolicyForm(forms.ModelForm):
    """Channels as check boxes."""

    channels = choose_several(SENT_CHOICES, required=False, label=_("channels in use"))


@admin.register(NotificationPolicy)
class NotificationPolicyAdmin(KeptAdmin):
    """The switch of a city, its channels and its retention."""

    form = PolicyForm
    list_display = ("city", "is_on", "channels", "keep_days", "keep_delivery_days")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Settings stay with their city."""
        return ("city",) if obj else ()


class RuleForm(forms.ModelForm):
    """Events, recipients and channels as lists to choose from."""

    actions = forms.MultipleChoiceField(
        choices=[], label=_("events"), widget=forms.SelectMultiple(attrs={"size": 12})
    )
    recipients = choose_several(Recipient.choices, label=_("who is told"))
    channels = choose_several(SENT_CHOICES, required=False, label=_("sent besides by"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "actions" in self.fields:
            self.fields["actions"].choices = [
                (action, f"{label} ({action})") for action, label in action_choices()
            ]


@admin.register(NotificationRule)
class NotificationRuleAdmin(KeptAdmin):
    """Who is told of what; a rule no longer wanted is made inactive."""

    form = RuleForm
    list_display = ("name", "code", "told", "sent_by", "is_urgent", "is_active")
    list_filter = ("is_active", "is_urgent", "city")
    search_fields = ("name", "code__startswith")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The code is what a city's files call a rule by."""
        return ("city", "code") if obj else ()

    @admin.display(description=_("who is told"))
    def told(self, rule: NotificationRule) -> str:
        """List the recipients in words."""
        labels = dict(Recipient.choices)
        return "; ".join(str(labels.get(code, code)) for code in rule.recipients)

    @admin.display(description=_("sent besides by"))
    def sent_by(self, rule: NotificationRule) -> str:
        """List the channels in words."""
        labels = dict(SENT_CHOICES)
        return ", ".join(str(labels.get(code, code)) for code in rule.channels)


class TemplateForm(forms.ModelForm):
    """Refuse what a template may not use, with the reason, before anything is saved."""

    def clean(self) -> dict[str, Any]:
        """Compile subject and text with invented values."""
        values = super().clean()
        for name in ("subject", "body"):
            try:
                preview(NotificationTemplate(**{name: values.get(name) or "", "language": "en"}))
            except TemplateSyntaxError as error:
                self.add_error(name, ValidationError(str(error)))
        return values


@admin.register(NotificationTemplate)
class NotificationTemplateAdmin(admin.ModelAdmin):
    """What messages say; each text shows how it reads with invented values."""

    form = TemplateForm
    list_display = ("__str__", "reads")
    list_filter = ("channel", "language", "city")
    search_fields = ("kind__startswith", "body")
    readonly_fields = ("reads", "variables")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Without a text of its own a kind is written with the general one: it may be deleted."""
        return super().has_change_permission(request, obj)

    @admin.display(description=_("preview"))
    def reads(self, template: NotificationTemplate) -> Any:
        """Show the saved text with invented values."""
        if not template.pk:
            return _("shown once it is saved")
        try:
            subject, body = preview(template)
        except TemplateSyntaxError as error:
            return str(error)
        return format_html_join(
            "", "<div>{}</div>", ((line,) for line in [*filter(None, [subject]), *body.split("\n")])
        )

    @admin.display(description=_("variables there are"))
    def variables(self, template: NotificationTemplate) -> Any:
        """List what a text may name."""
        rows = ((f"{{{{ {name} }}}}", meaning) for name, meaning in VARIABLES.items())
        items = format_html_join("", "<li><code>{}</code> {}</li>", rows)
        rest = _("Besides: {% if … %}{% else %}{% endif %}, and |default, |truncatechars, |yesno.")
        return format_html("<ul>{}</ul><p>{}</p>", items, rest)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Messages as they stand: what failed, why, and one more try."""

    list_display = (
        "pk",
        "created_at",
        "person",
        "channel",
        "reached_at",
        "state",
        "attempts",
        "reason",
        "detail",
        "next_attempt_at",
    )
    list_filter = ("state", "channel", "reason")
    list_select_related = ("person",)
    ordering = ("-created_at",)
    actions = ("try_again",)
    fields = (
        "person",
        "channel",
        "reached_at",
        "kind",
        "subject",
        "body",
        "state",
        "reason",
        "detail",
        "attempts",
        "created_at",
        "next_attempt_at",
        "useful_until",
        "sent_at",
        "provider_id",
        "key",
    )
    readonly_fields: ClassVar = fields

    @admin.display(description=_("address"))
    def reached_at(self, delivery: Delivery) -> str:
        """Show the address with only its ends."""
        return masked(delivery.address)

    @admin.action(description=_("Try again"), permissions=["view"])
    def try_again(self, request: HttpRequest, chosen: QuerySet[Delivery]) -> None:
        """Queue failed and given-up messages again; others are left as they are."""
        done = left = 0
        for pk in chosen.values_list("pk", flat=True):
            try:
                delivery_retry(delivery_id=pk, now=clock.now())
                done += 1
            except DomainError:
                left += 1
        sentence = ngettext(
            "%(done)d message is tried again.", "%(done)d messages are tried again.", done
        )
        self.message_user(request, sentence % {"done": done}, messages.SUCCESS)
        if left:
            sentence = ngettext(
                "%(left)d had not failed and was left alone.",
                "%(left)d had not failed and were left alone.",
                left,
            )
            self.message_user(request, sentence % {"left": left}, messages.WARNING)


@admin.register(EventReader)
class EventReaderAdmin(ReadOnlyAdmin):
    """How far the readers of the event log have come."""

    list_display = ("name", "position", "moved_at", "failed_position", "failure", "failure_count")
