"""Shapes of the grid's answers."""

from rest_framework import serializers

from grid.selectors import Standing


class AreaSerializer(serializers.Serializer):
    """A district, street, community or management area as it is called on the day."""

    code = serializers.CharField()
    name = serializers.CharField()
    name_en = serializers.CharField()


class ElsewhereSerializer(serializers.Serializer):
    """An area that this installation does not have."""

    code = serializers.CharField()
    name = serializers.CharField()


class AreaCodeSerializer(serializers.Serializer):
    """What a code of an area means on the day, or what came after it."""

    code = serializers.CharField()
    standing = serializers.ChoiceField(choices=Standing.choices)
    standing_label = serializers.CharField(source="standing.label", help_text="in words")
    old_name = serializers.CharField(help_text="what the area was called under a code of the past")
    areas = AreaSerializer(many=True, help_text="the areas that stand for it; may be empty")
    elsewhere = ElsewhereSerializer(many=True, help_text="successors outside this installation")


class LocationSerializer(serializers.Serializer):
    """Everything that a point's place implies."""

    cell = serializers.CharField(source="cell_code", help_text="code of the unit grid cell")
    community = AreaSerializer()
    street = AreaSerializer()
    district = AreaSerializer()
    zone_grade = serializers.ChoiceField(choices=["key", "control", "ordinary"])
    zones = serializers.ListField(child=serializers.CharField(), help_text="codes of zones")
    management_area = AreaSerializer(allow_null=True)
    address = serializers.CharField(help_text="worded from the nearest named place; may be empty")


class GridRefusalSerializer(serializers.Serializer):
    """Why there is no answer."""

    code = serializers.CharField()
    message = serializers.CharField()


class CellSerializer(serializers.Serializer):
    """A unit grid cell with its outline."""

    code = serializers.CharField()
    kind = serializers.CharField()
    area_m2 = serializers.FloatField()
    geometry = serializers.JSONField(help_text="GeoJSON polygon, WGS-84")


class FoundPlaceSerializer(serializers.Serializer):
    """A place that a text may mean."""

    kind = serializers.CharField(
        help_text="junction, road, area, building, stop, door, poi; "
        "district, street, community; cell, point"
    )
    name = serializers.CharField()
    name_en = serializers.CharField()
    lon = serializers.FloatField()
    lat = serializers.FloatField()
    score = serializers.FloatField(help_text="0 to 1; see docs/rules/geocoding.md")
    understood = serializers.CharField(help_text="how the text was read, in the reader's language")
    address = serializers.CharField(
        help_text="to write down: the name, or the text itself where it says more"
    )
    cell = serializers.CharField(help_text="code of the unit grid cell")
    community = AreaSerializer()
    street = AreaSerializer()
    district = AreaSerializer()


class PlaceWordsSerializer(serializers.Serializer):
    """A point in words."""

    text = serializers.CharField(help_text="in the installation's language, as an address has it")
    text_en = serializers.CharField()
