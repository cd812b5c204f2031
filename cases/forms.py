"""What a page asks for before an action: one form, built from the fields the workflow names.

Here is only how a field is asked; which fields an action needs stands in ``cases.workflow`` and
what is true of a value is decided by the door. ``door_fields()`` gives the raw values the door
reads, the same as a client of the API would send.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from cases.choices import (
    assignees_for,
    collectors_for,
    departments_for,
    desks_for,
    parts_under_way,
    reasons_for,
    squads_for,
    standard_options,
)
from cases.desks import desk_below
from cases.models import Case, Source, SupervisionOrder, Urgency
from common.durations import limit_text
from common.errors import DomainError
from common.templatetags.ui import in_language, named
from common.text import whole_number
from components.models import LimitUnit, Profile

TEXT_LENGTH = 2000
LINE_LENGTH = 200
PHOTO_LIMIT = 9
EXTENSION_UNITS = (LimitUnit.WORKING_DAY, LimitUnit.WORKING_HOUR, LimitUnit.DAY, LimitUnit.HOUR)
UNIT_VALUES = [(unit.value, unit.label) for unit in EXTENSION_UNITS]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a form is about: an action of a case, asked by somebody now."""

    action: str
    case: Case
    user: User
    now: datetime


class PhotosInput(forms.Widget):
    """Ids of photos already sent, one hidden input each; drawn by ui/_photo_picker.html."""

    def value_from_datadict(self, data, files, name):
        return data.getlist(name) if hasattr(data, "getlist") else data.get(name, [])


class ClosingAnswersInput(forms.Widget):
    """One tick and one remark for each closing condition; drawn by ui/_closing_answers.html."""

    def value_from_datadict(self, data, files, name):
        met = set(data.getlist(f"{name}_met")) if hasattr(data, "getlist") else set()
        count = whole_number(str(data.get(f"{name}_count", "")), 2) or 0
        return [
            {"met": str(index) in met, "remark": data.get(f"{name}_remark_{index}", "").strip()}
            for index in range(min(count, 50))
        ]


class CooperatingInput(forms.Widget):
    """A tick, a mandatory flag and a task for each department; drawn by ui/_cooperating.html."""

    def value_from_datadict(self, data, files, name):
        if not hasattr(data, "getlist"):
            return data.get(name, [])
        mandatory = set(data.getlist(f"{name}_mandatory"))
        return [
            {
                "organisation": code,
                "mandatory": code in mandatory,
                "task": data.get(f"{name}_task_{code}", "").strip(),
            }
            for code in data.getlist(name)
        ]


class TypeInput(forms.TextInput):
    """A type's code, found by name, pinyin, initials or code; drawn by ui/_type_search.html."""


class RawListField(forms.Field):
    """A list as the widget read it; the door judges its parts."""

    def clean(self, value):
        if self.required and not value:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        return value


def photo_ids(sent: Iterable[Any]) -> list[int]:
    """Return what of it can be the id of a photo."""
    return [number for item in sent if (number := whole_number(str(item))) is not None]


class PhotosField(RawListField):
    """Photos by id."""

    widget = PhotosInput

    def clean(self, value):
        ids = photo_ids(value)
        if len(ids) > PHOTO_LIMIT:
            raise forms.ValidationError(
                _("At most %(count)d photos."), params={"count": PHOTO_LIMIT}
            )
        return super().clean(ids)


def area(rows: int = 3) -> forms.Textarea:
    return forms.Textarea(attrs={"class": "input", "rows": rows})


def line(**attrs: Any) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "input", **attrs})


def dropdown() -> forms.Select:
    return forms.Select(attrs={"class": "input"})


def moment() -> forms.DateTimeInput:
    return forms.DateTimeInput(
        attrs={"class": "input", "type": "datetime-local"}, format="%Y-%m-%dT%H:%M"
    )


def text_field(label: Any, help_text: Any = "") -> Callable[[Subject], forms.Field]:
    def build(subject: Subject) -> forms.Field:
        return forms.CharField(
            label=label, help_text=help_text, max_length=TEXT_LENGTH, widget=area()
        )

    return build


def line_field(
    label: Any, attribute: str = "", help_text: Any = ""
) -> Callable[[Subject], forms.Field]:
    def build(subject: Subject) -> forms.Field:
        known = getattr(subject.case, attribute) if attribute else ""
        return forms.CharField(
            label=label, help_text=help_text, max_length=LINE_LENGTH, initial=known, widget=line()
        )

    return build


def moment_field(label: Any) -> Callable[[Subject], forms.Field]:
    def build(subject: Subject) -> forms.Field:
        return forms.DateTimeField(label=label, widget=moment())

    return build


def choice_field(label: Any, choices: list, initial: Any = None) -> forms.Field:
    return forms.ChoiceField(
        label=label, choices=[("", "----"), *choices], initial=initial, widget=dropdown()
    )


def organisation_choices(organisations: Any) -> list[tuple[str, str]]:
    """Return code and name of each organisation, with the body it belongs to."""
    return [
        (
            organisation.code,
            f"{named(organisation)} · {named(organisation.parent)}"
            if organisation.parent
            else named(organisation),
        )
        for organisation in organisations
    ]


def collector_field(subject: Subject) -> forms.Field:
    collectors = collectors_for(subject.case, timezone.localdate(subject.now))
    choices = [
        (
            person.username,
            _("%(name)s · on this beat") % {"name": person} if person.is_on_beat else str(person),
        )
        for person in collectors
    ]
    nearest = next((person.username for person in collectors if person.is_on_beat), None)
    return choice_field(_("Collector"), choices, nearest)


def department_field(subject: Subject) -> forms.Field:
    department = subject.case.department
    return choice_field(
        _("Department"),
        organisation_choices(departments_for(subject.case)),
        department.code if department else None,
    )


def cooperating_field(subject: Subject) -> forms.Field:
    return RawListField(label=_("Co-operating departments"), widget=CooperatingInput())


def sub_order_field(subject: Subject) -> forms.Field:
    parts = parts_under_way(subject.case, only_declined=subject.action == "keep_sub_order")
    choices = [(part.organisation.code, named(part.organisation)) for part in parts]
    return choice_field(_("Whose part"), choices, choices[0][0] if len(choices) == 1 else None)


def assignee_field(subject: Subject) -> forms.Field:
    squads, people = assignees_for(subject.case, subject.user, subject.now)
    groups = [
        (
            _("Squads and bodies below"),
            [(f"squad:{squad.code}", named(squad)) for squad in squads],
        ),
        (
            _("People"),
            [
                (f"person:{person.username}", f"{person} · {named(person.organisation)}")
                for person in people
            ],
        ),
    ]
    return choice_field(_("Who does it"), [group for group in groups if group[1]])


def squad_field(subject: Subject) -> forms.Field:
    return choice_field(_("Squad"), organisation_choices(squads_for(subject.case)))


def desk_field(subject: Subject) -> forms.Field:
    nearest = desk_below(subject.case, timezone.localdate(subject.now))
    desks = desks_for(subject.case)
    return choice_field(
        _("Desk"),
        organisation_choices(desks),
        nearest.code if nearest is not None and nearest in desks else None,
    )


def reason_code_field(subject: Subject) -> forms.Field:
    choices = [(reason.code, named(reason)) for reason in reasons_for(subject.action)]
    return choice_field(_("Reason"), choices)


def standard_text(option: dict[str, Any]) -> str:
    """Return a standard in words: profile, limit, the deadline it would give, its condition."""
    standard, due_at = option["standard"], timezone.localtime(option["due_at"])
    limit = limit_text(standard.limit_value, standard.limit_unit)
    due = _("due %(moment)s") % {"moment": f"{due_at:%m-%d %H:%M}"}
    profile = Profile(standard.profile).label
    return f"{profile} · {limit} · {due} · {in_language(standard, 'condition')}"


def standard_field(subject: Subject) -> forms.Field:
    case = subject.case
    options = standard_options(case, case.type, subject.now)
    ids = [option["standard"].pk for option in options]
    return forms.TypedChoiceField(
        label=_("Standard"),
        coerce=int,
        choices=[(option["standard"].pk, standard_text(option)) for option in options],
        initial=case.standard_id or next(iter(ids), None),
        widget=forms.RadioSelect,
    )


def urgency_field(subject: Subject) -> forms.Field:
    return forms.ChoiceField(
        label=_("Urgency"), choices=Urgency.choices, initial=subject.case.urgency, widget=dropdown()
    )


def type_field(subject: Subject) -> forms.Field:
    known = subject.case.type.code if subject.case.type else ""
    return forms.CharField(label=_("Type"), max_length=5, initial=known, widget=TypeInput())


def component_field(subject: Subject) -> forms.Field:
    known = subject.case.component.code if subject.case.component else ""
    return forms.CharField(
        label=_("Component code"),
        max_length=16,
        initial=known,
        widget=line(inputmode="numeric", pattern="[0-9]{16}"),
    )


def outcome_field(subject: Subject) -> forms.Field:
    choices = [
        ("true", _("It is as reported")),
        ("not_true", _("It is not true")),
        ("gone", _("It is gone already")),
    ]
    return forms.ChoiceField(label=_("What you found"), choices=choices, widget=forms.RadioSelect)


def photos_field(subject: Subject) -> forms.Field:
    return PhotosField(label=_("Photos"))


def closing_answers_field(subject: Subject) -> forms.Field:
    return RawListField(label=_("Closing conditions"), widget=ClosingAnswersInput())


def extension_value_field(subject: Subject) -> forms.Field:
    return forms.IntegerField(
        label=_("Longer by"),
        min_value=1,
        max_value=365,
        widget=forms.NumberInput(attrs={"class": "input"}),
    )


def extension_unit_field(subject: Subject) -> forms.Field:
    return forms.ChoiceField(label=_("Unit"), choices=UNIT_VALUES, widget=dropdown())


def request_field(subject: Subject) -> forms.Field:
    return forms.IntegerField(widget=forms.HiddenInput)


def order_field(subject: Subject) -> forms.Field:
    """Offer the orders that wait for a reply, or the replies that wait for a rating."""
    verb, _sep, kind = subject.action.partition("_")
    case = subject.case
    orders = case.supervisionorders if kind == "supervision" else case.leaderinstructions
    waiting = {"replied_at__isnull": verb == "reply"}
    if verb == "rate":
        waiting["rated_at__isnull"] = True
    orders = orders.filter(**waiting).order_by("pk")
    choices = [(order.number, f"{order.number} · {order.text[:60]}") for order in orders]
    return choice_field(_("Order"), choices, choices[0][0] if choices else None)


def rating_field(subject: Subject) -> forms.Field:
    return forms.ChoiceField(
        label=_("Rating"), choices=SupervisionOrder.Rating.choices, widget=forms.RadioSelect
    )


def direct_filing_field(subject: Subject) -> forms.Field:
    return forms.BooleanField(label=_("File directly"))


def master_field(subject: Subject) -> forms.Field:
    return forms.CharField(
        label=_("Number of the case it belongs to"), max_length=20, widget=line(inputmode="numeric")
    )


FIELD_BUILDERS: dict[str, Callable[[Subject], forms.Field]] = {
    "type": type_field,
    "address": line_field(_("Address"), "address"),
    "component": component_field,
    "description": text_field(_("Description")),
    "urgency": urgency_field,
    "standard": standard_field,
    "collector": collector_field,
    "photos": photos_field,
    "outcome": outcome_field,
    "note": text_field(_("Note")),
    "reason": text_field(_("Reason")),
    "reason_code": reason_code_field,
    "reply": text_field(_("Reply")),
    "text": text_field(_("Text")),
    "department": department_field,
    "cooperating": cooperating_field,
    "squad": squad_field,
    "estimate": line_field(_("Estimate in yuan"), help_text=_("what the work will cost, about")),
    "sub_order": sub_order_field,
    "assignee": assignee_field,
    "desk": desk_field,
    "closing_answers": closing_answers_field,
    "extension_value": extension_value_field,
    "extension_unit": extension_unit_field,
    "review_at": moment_field(_("Review on")),
    "expected_at": moment_field(_("Expected on")),
    "reply_due": moment_field(_("Reply by")),
    "request": request_field,
    "order": order_field,
    "rating": rating_field,
    "direct_filing": direct_filing_field,
    "master": master_field,
    "phone_confirmation": line_field(_("Who confirmed by phone, and when")),
}
# A standard brings its profile; the place is moved on the acceptor's map, not typed.
UNASKED = {"profile", "location"}
# What ledgers are counted by is asked with what must be answered, though it may be left open.
PROMINENT = {"reason_code"}


class ActionForm(forms.Form):
    """The questions of one action, the version it was asked at, and the key of this sending."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    key = forms.CharField(max_length=100, widget=forms.HiddenInput)

    def __init__(self, *args, subject: Subject, requires=(), optional=(), **kwargs):
        super().__init__(*args, **kwargs)
        for name in dict.fromkeys((*requires, *optional)):
            if name in UNASKED:
                continue
            field = FIELD_BUILDERS[name](subject)
            field.required = name in requires
            self.fields[name] = field

    @property
    def needed(self) -> list[forms.BoundField]:
        """The questions that must be answered, and those that should be."""
        return [self[name] for name in self.questions if self._is_prominent(name)]

    @property
    def optional(self) -> list[forms.BoundField]:
        """The questions that may be answered."""
        return [self[name] for name in self.questions if not self._is_prominent(name)]

    def _is_prominent(self, name: str) -> bool:
        return self.fields[name].required or name in PROMINENT

    @property
    def has_optional_errors(self) -> bool:
        """Whether an optional answer cannot be used."""
        return any(field.errors for field in self.optional)

    @property
    def questions(self) -> list[str]:
        """Names of what a person answers."""
        return [name for name in self.fields if name not in ("version", "key")]

    def door_fields(self) -> dict[str, Any]:
        """Return the answers as the door reads them; what was left empty is left out."""
        return {
            name: door_value(name, value)
            for name, value in self.cleaned_data.items()
            if name not in ("version", "key") and value not in (None, "", [])
        }

    def add_door_errors(self, refused: DomainError) -> None:
        """Put the door's sentences beside the fields they speak of."""
        for name in refused.fields:
            if name in self.fields:
                self.add_error(name, [str(sentence) for sentence in refused.fields[name]])


def door_value(name: str, value: Any) -> Any:
    """Return one answer as JSON would carry it."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value


class ReportForm(forms.Form):
    """A report: what, where, who says so. The city decides cell and areas."""

    source = forms.ChoiceField(choices=Source.choices)
    type = forms.CharField(label=_("Type"), max_length=5, required=False, widget=TypeInput())
    component = forms.CharField(
        label=_("Component code"),
        max_length=16,
        required=False,
        widget=line(inputmode="numeric", pattern="[0-9]{16}"),
    )
    description = forms.CharField(
        label=_("Description"), max_length=TEXT_LENGTH, required=False, widget=area()
    )
    address = forms.CharField(
        label=_("Address"), max_length=LINE_LENGTH, required=False, widget=line()
    )
    longitude = forms.FloatField(label=_("Longitude"), min_value=-180, max_value=180)
    latitude = forms.FloatField(label=_("Latitude"), min_value=-90, max_value=90)
    urgency = forms.ChoiceField(
        label=_("Urgency"), choices=Urgency.choices, initial=Urgency.NORMAL, widget=dropdown()
    )
    reporter_name = forms.CharField(
        label=_("Caller's name"), max_length=50, required=False, widget=line(autocomplete="off")
    )
    reporter_phone = forms.CharField(
        label=_("Caller's number"),
        max_length=30,
        required=False,
        widget=line(inputmode="tel", autocomplete="off", autofocus=True),
    )
    photos = PhotosField(label=_("Photos"), required=False)
    key = forms.CharField(max_length=100, widget=forms.HiddenInput)

    def clean_reporter_phone(self) -> str:
        phone = self.cleaned_data["reporter_phone"]
        if phone and not re.fullmatch(r"[0-9+() -]{3,30}", phone):
            raise forms.ValidationError(_("A phone number has digits only."))
        return phone

    def clean(self):
        data = super().clean()
        if not data.get("type") and not data.get("description"):
            self.add_error("description", _("Say what it is: choose a type or describe it."))
        return data
