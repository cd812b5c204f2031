"""The shape of the catalogue and the register in the API's schema."""

from __future__ import annotations

from rest_framework import serializers

from components.models import Component, LimitUnit, Profile, TypeKind
from components.register.models import ComponentChange
from grid.models import Zone


class StandardSerializer(serializers.Serializer):
    """When to file, how long handling may take, what closes it."""

    id = serializers.IntegerField()
    zone_grade = serializers.ChoiceField(Zone.Grade.choices, allow_blank=True)
    profile = serializers.ChoiceField(Profile.choices)
    condition = serializers.CharField()
    condition_en = serializers.CharField()
    limit_value = serializers.FloatField()
    limit_unit = serializers.ChoiceField(LimitUnit.choices)
    closing_conditions = serializers.ListField(child=serializers.CharField())
    closing_conditions_en = serializers.ListField(child=serializers.CharField())
    lead_department_kind = serializers.CharField()
    valid_from = serializers.DateField()
    valid_to = serializers.DateField(allow_null=True)


class CaseTypeSerializer(serializers.Serializer):
    """A type of component (C…) or event (E…) with its standards in force."""

    code = serializers.CharField()
    kind = serializers.ChoiceField(TypeKind.choices)
    class_code = serializers.CharField()
    class_name = serializers.CharField()
    class_name_en = serializers.CharField()
    name = serializers.CharField()
    name_en = serializers.CharField()
    aliases = serializers.ListField(child=serializers.CharField())
    pinyin = serializers.CharField()
    initials = serializers.CharField()
    lead_department_kind = serializers.CharField()
    is_self_handling_allowed = serializers.BooleanField()
    is_check_skippable = serializers.BooleanField()
    direct_filing_sources = serializers.ListField(child=serializers.CharField())
    geometry_kinds = serializers.ListField(child=serializers.CharField())
    attribute_schema = serializers.DictField()
    standards = StandardSerializer(many=True)


class ComponentAreaSerializer(serializers.Serializer):
    """The community a component stands in."""

    code = serializers.CharField()
    name = serializers.CharField()


class ComponentBodySerializer(serializers.Serializer):
    """A body that answers for a component."""

    code = serializers.CharField()
    name = serializers.CharField()
    name_en = serializers.CharField()


class ComponentSerializer(serializers.Serializer):
    """A component as the register has it."""

    code = serializers.CharField()
    type = serializers.CharField()
    type_name = serializers.CharField()
    type_name_en = serializers.CharField()
    class_code = serializers.CharField()
    name = serializers.CharField()
    state = serializers.CharField(help_text="intact, damaged, lost or abandoned")
    location = serializers.DictField(help_text="GeoJSON point, WGS-84")
    geometry = serializers.DictField(help_text="GeoJSON, WGS-84")
    address = serializers.CharField()
    cell = serializers.CharField()
    community = ComponentAreaSerializer()
    competent_body = ComponentBodySerializer()
    owner = ComponentBodySerializer(allow_null=True)
    maintainer = ComponentBodySerializer(allow_null=True)
    accuracy = serializers.ChoiceField(Component.Accuracy.choices)
    source = serializers.CharField()
    surveyed_date = serializers.DateField(allow_null=True)
    installed_date = serializers.DateField(allow_null=True)
    retired_date = serializers.DateField(allow_null=True)
    attributes = serializers.DictField()


class NearComponentSerializer(ComponentSerializer):
    """A component and how far away it stands."""

    distance_m = serializers.FloatField()


class ComponentSummarySerializer(serializers.Serializer):
    """A component as a list of the register has it."""

    code = serializers.CharField()
    type = serializers.CharField()
    type_name = serializers.CharField()
    type_name_en = serializers.CharField()
    name = serializers.CharField()
    state = serializers.CharField(help_text="intact, damaged, lost or abandoned")
    ending = serializers.CharField(help_text="retired, replaced, merged, or empty while in use")
    location = serializers.DictField(help_text="GeoJSON point, WGS-84")
    address = serializers.CharField()
    cell = serializers.CharField()
    community = ComponentAreaSerializer()
    competent_body = ComponentBodySerializer()
    owner = ComponentBodySerializer(allow_null=True)
    maintainer = ComponentBodySerializer(allow_null=True)
    accuracy = serializers.ChoiceField(Component.Accuracy.choices)
    surveyed_date = serializers.DateField(allow_null=True)
    installed_date = serializers.DateField(allow_null=True)
    retired_date = serializers.DateField(allow_null=True)


class ComponentTotalSerializer(serializers.Serializer):
    """How many components a filter has: counted only where they are few."""

    count = serializers.IntegerField()
    is_exact = serializers.BooleanField()


class ComponentPageSerializer(serializers.Serializer):
    """A page of the register."""

    total = ComponentTotalSerializer()
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = ComponentSummarySerializer(many=True)


class DifferenceSerializer(serializers.Serializer):
    """What one column said before and after, in words."""

    label = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()


class StepSerializer(serializers.Serializer):
    """One change of a record."""

    at = serializers.DateTimeField()
    act = serializers.CharField()
    reason = serializers.CharField()
    by = serializers.CharField(allow_null=True)
    asked_by = serializers.CharField(allow_null=True)
    changes = DifferenceSerializer(many=True)


class RecordSerializer(ComponentSerializer):
    """A whole record with its history, newest first."""

    ending = serializers.CharField(help_text="retired, replaced, merged, or empty while in use")
    successor = serializers.CharField(allow_null=True)
    predecessors = serializers.ListField(child=serializers.CharField())
    version = serializers.IntegerField(help_text="send it back with a change")
    history = StepSerializer(many=True)


class ChangeInputSerializer(serializers.Serializer):
    """A change somebody asks for."""

    kind = serializers.ChoiceField(ComponentChange.Kind.choices)
    proposed = serializers.DictField(
        help_text="change and replace: columns of the record; move: geometry; merge: into"
    )
    reason = serializers.CharField()
    version = serializers.IntegerField()


class ChangeSerializer(serializers.Serializer):
    """A change that was asked for, and what became of it."""

    id = serializers.IntegerField()
    component = serializers.CharField()
    kind = serializers.ChoiceField(ComponentChange.Kind.choices)
    proposed = serializers.DictField()
    reason = serializers.CharField()
    state = serializers.CharField(help_text="open, approved, refused, withdrawn or lapsed")
    asked_by = serializers.CharField()
    asked_at = serializers.DateTimeField()
    decided_by = serializers.CharField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    answer = serializers.CharField()
    successor = serializers.CharField(allow_null=True)


class DecisionInputSerializer(serializers.Serializer):
    """What is said to a request; needed to refuse it."""

    answer = serializers.CharField(required=False)


class LapsedSerializer(serializers.Serializer):
    """A refusal with the record as it is now."""

    code = serializers.CharField()
    message = serializers.CharField()
    fields = serializers.DictField()
    component = RecordSerializer(required=False)
