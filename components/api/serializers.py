"""The shape of the catalogue and the register in the API's schema."""

from __future__ import annotations

from rest_framework import serializers

from components.models import Component, LimitUnit, Profile, TypeKind
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
