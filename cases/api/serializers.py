"""The shapes of the cases API, for its schema; what is sent is built in ``representations``."""

from __future__ import annotations

from rest_framework import serializers

from cases.models import CasePhoto, Source, Urgency
from cases.workflow import ACTIONS, ClockKind, ClockOutcome, RequestKind, State


class PointSerializer(serializers.Serializer):
    """A GeoJSON point, longitude before latitude, WGS-84."""

    type = serializers.ChoiceField(choices=["Point"])
    coordinates = serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2)


class ReporterSerializer(serializers.Serializer):
    """Who reported, as they named themselves."""

    name = serializers.CharField(required=False, allow_blank=True)
    phone = serializers.CharField(required=False, allow_blank=True)


class CaseReportSerializer(serializers.Serializer):
    """A report. Only the outer form is read here; what is true of it is the door's to say."""

    source = serializers.ChoiceField(choices=Source.choices)
    type = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    description = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, max_length=None
    )
    location = PointSerializer()
    address = serializers.CharField(required=False, allow_blank=True)
    component = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    urgency = serializers.ChoiceField(choices=Urgency.choices, required=False)
    reporter = ReporterSerializer(required=False, allow_null=True)
    photos = serializers.ListField(child=serializers.IntegerField(), required=False)
    self_handled = serializers.BooleanField(required=False)


class ActionInputSerializer(serializers.Serializer):
    """What every action takes; which other fields it requires the case's ``actions`` say."""

    version = serializers.IntegerField(help_text="the version of the case you saw")
    note = serializers.CharField(required=False, allow_blank=True)


class RefusalSerializer(serializers.Serializer):
    """Every refusal. A 409 ``stale_version`` or ``not_possible`` carries the case as it is now."""

    code = serializers.CharField()
    message = serializers.CharField()
    fields = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    case = serializers.DictField(required=False)


# A serializer has an attribute named ``fields`` already: declare the one of the refusal by name.
RefusalSerializer._declared_fields["fields"] = serializers.DictField(
    child=serializers.ListField(child=serializers.CharField())
)


class LightField(serializers.ChoiceField):
    """green, yellow, red; null where no clock runs."""

    def __init__(self, **kwargs) -> None:
        super().__init__(choices=["green", "yellow", "red"], allow_null=True, **kwargs)


class CaseSummarySerializer(serializers.Serializer):
    """A case in a list."""

    number = serializers.CharField()
    state = serializers.ChoiceField(choices=[state.value for state in State])
    version = serializers.IntegerField()
    source = serializers.ChoiceField(choices=Source.choices)
    type = serializers.CharField(allow_null=True)
    type_name = serializers.CharField(allow_null=True)
    type_name_en = serializers.CharField(allow_null=True)
    urgency = serializers.ChoiceField(choices=Urgency.choices)
    description = serializers.CharField()
    address = serializers.CharField()
    location = PointSerializer()
    cell = serializers.CharField()
    community = serializers.CharField()
    street = serializers.CharField()
    district = serializers.CharField()
    district_name = serializers.CharField()
    department = serializers.CharField(allow_null=True)
    department_name = serializers.CharField(allow_null=True)
    desk = serializers.CharField(allow_null=True)
    reported_at = serializers.DateTimeField()
    clock = serializers.ChoiceField(choices=ClockKind.choices(), allow_null=True)
    warn_at = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    light = LightField()
    ended_at = serializers.DateTimeField(allow_null=True)
    rework_count = serializers.IntegerField()


class LimitSerializer(serializers.Serializer):
    """A time limit."""

    value = serializers.CharField()
    unit = serializers.CharField()


class ClockSerializer(serializers.Serializer):
    """One clock of the case."""

    kind = serializers.ChoiceField(choices=ClockKind.choices())
    run = serializers.IntegerField()
    limit_value = serializers.CharField(allow_null=True)
    limit_unit = serializers.CharField(allow_null=True)
    started_at = serializers.DateTimeField()
    warn_at = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    original_due_at = serializers.DateTimeField(allow_null=True)
    paused_at = serializers.DateTimeField(allow_null=True)
    stopped_at = serializers.DateTimeField(allow_null=True)
    actual_end_at = serializers.DateTimeField(allow_null=True)
    outcome = serializers.ChoiceField(choices=ClockOutcome.choices(), allow_null=True)
    light = LightField()
    is_sub_order = serializers.BooleanField()


class PhotoUseSerializer(serializers.Serializer):
    """A photo of the case."""

    id = serializers.IntegerField()
    purpose = serializers.ChoiceField(choices=CasePhoto.Purpose.choices)
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    taken_at = serializers.DateTimeField(allow_null=True)
    large = serializers.CharField()
    small = serializers.CharField()


class RequestSerializer(serializers.Serializer):
    """A request and its decision."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=[kind.value for kind in RequestKind])
    status = serializers.CharField()
    asked_at = serializers.DateTimeField()
    reason = serializers.CharField()
    details = serializers.DictField()
    decided_at = serializers.DateTimeField(allow_null=True)
    decision_note = serializers.CharField()


class ActionSerializer(serializers.Serializer):
    """An action you may take now."""

    action = serializers.ChoiceField(choices=list(ACTIONS))
    requires = serializers.ListField(child=serializers.CharField())
    optional = serializers.ListField(child=serializers.CharField())
    request = serializers.IntegerField(allow_null=True)


class HistorySerializer(serializers.Serializer):
    """Length and head of the case's chain."""

    length = serializers.IntegerField()
    head = serializers.CharField()


class CaseDetailsSerializer(serializers.Serializer):
    """Everything about one case."""

    number = serializers.CharField()
    state = serializers.ChoiceField(choices=[state.value for state in State])
    version = serializers.IntegerField()
    run = serializers.IntegerField()
    source = serializers.ChoiceField(choices=Source.choices)
    type = serializers.CharField(allow_null=True)
    component = serializers.CharField(allow_null=True)
    urgency = serializers.ChoiceField(choices=Urgency.choices)
    description = serializers.CharField()
    location = PointSerializer()
    address = serializers.CharField()
    cell = serializers.CharField()
    community = serializers.CharField()
    street = serializers.CharField()
    district = serializers.CharField()
    zone_grade = serializers.CharField()
    standard = serializers.IntegerField(allow_null=True)
    profile = serializers.CharField(allow_null=True)
    limit = LimitSerializer(allow_null=True)
    closing_conditions = serializers.ListField(child=serializers.CharField())
    desk = serializers.CharField(allow_null=True)
    department = serializers.CharField(allow_null=True)
    collector = serializers.CharField(allow_null=True)
    routing_reason = serializers.CharField()
    master = serializers.CharField(allow_null=True)
    rework_count = serializers.IntegerField()
    is_self_handled = serializers.BooleanField()
    has_open_filing = serializers.BooleanField()
    reported_at = serializers.DateTimeField()
    handled_at = serializers.DateTimeField(allow_null=True)
    review_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    reporter = ReporterSerializer(allow_null=True)
    clocks = ClockSerializer(many=True)
    photos = PhotoUseSerializer(many=True)
    requests = RequestSerializer(many=True)
    actions = ActionSerializer(many=True)
    history = HistorySerializer()


class EventSerializer(serializers.Serializer):
    """One step of a case."""

    case = serializers.CharField()
    sequence = serializers.IntegerField()
    run = serializers.IntegerField()
    action = serializers.CharField()
    actor = serializers.CharField(allow_null=True)
    actor_name = serializers.CharField(allow_null=True)
    principal = serializers.CharField(
        allow_null=True, help_text="for whom the actor stood in, where a duty was handed over"
    )
    role = serializers.CharField()
    old_state = serializers.CharField(allow_null=True)
    new_state = serializers.CharField()
    at = serializers.DateTimeField()
    text = serializers.DictField(allow_null=True)
    hash = serializers.CharField()
    previous_hash = serializers.CharField(allow_null=True)


EventSerializer._declared_fields["data"] = serializers.DictField()


class NumberedEventSerializer(EventSerializer):
    """A step with its position in the event log."""

    position = serializers.IntegerField()


class PhotoSerializer(serializers.Serializer):
    """A stored upload."""

    id = serializers.IntegerField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    taken_at = serializers.DateTimeField(allow_null=True)


class PhotoUploadSerializer(serializers.Serializer):
    """One picture: JPEG, PNG or WebP, at most 20 MB."""

    file = serializers.FileField()


class TokenRequestSerializer(serializers.Serializer):
    """A log-in."""

    username = serializers.CharField()
    password = serializers.CharField()
