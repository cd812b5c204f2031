"""Loading a city pack: what it fills, and that a second run changes nothing."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from common.errors import DomainError
from grid.loading import load_city_pack
from grid.models import Area, AreaCode, BaseFeature, Beat, GridCell, ManagementArea, Place, Zone
from tests.geo_city import PACK, STREETS, load_mini_city

ANOTHER_STREET = "330105016"  # 朝晖街道

pytestmark = pytest.mark.django_db

TABLES = (Area, AreaCode, GridCell, Zone, ManagementArea, Beat, BaseFeature, Place)


def counts():
    return {model.__name__: model.objects.count() for model in TABLES} | {
        "cells of beats": Beat.cells.through.objects.count()
    }


def test_only_the_wanted_streets_are_loaded(mini_city):
    streets = Area.objects.filter(level="street").values_list("code", flat=True)
    assert sorted(streets) == sorted(STREETS)
    assert set(Area.objects.filter(level="district").values_list("code", flat=True)) == {
        "330102",
        "330105",
        "330106",
    }
    outside = GridCell.objects.exclude(community__parent__code__in=STREETS)
    assert not outside.exists()
    assert all(count > 0 for count in counts().values())
    assert counts()["cells of beats"] == counts()["GridCell"]


def test_loading_again_changes_nothing(mini_city):
    before, cells = counts(), dict(GridCell.objects.values_list("code", "id"))
    load_mini_city()
    assert counts() == before
    assert dict(GridCell.objects.values_list("code", "id")) == cells


def test_more_streets_can_be_added_later(mini_city):
    first = dict(GridCell.objects.values_list("code", "id"))
    load_city_pack(PACK, [*STREETS, ANOTHER_STREET])
    later = dict(GridCell.objects.values_list("code", "id"))
    assert first.items() < later.items()


def test_a_closed_cell_is_not_brought_back(mini_city):
    cell = GridCell.objects.first()
    GridCell.objects.filter(pk=cell.pk).update(valid_to="2026-01-01")
    load_mini_city()
    assert GridCell.objects.filter(code=cell.code).count() == 1


def test_an_unknown_street_is_refused_and_nothing_is_loaded():
    before = counts()
    with pytest.raises(DomainError) as refusal:
        load_city_pack(PACK, ["999999999"])
    assert refusal.value.code == "unknown_street"
    assert counts() == before


def test_a_folder_without_a_pack_is_refused_by_the_command(tmp_path):
    with pytest.raises(CommandError):
        call_command("load_city_pack", str(tmp_path))


def test_areas_in_the_database_are_exact_partitions(mini_city):
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT max(abs(ST_Area(area.geometry) - cells.area) / cells.area), count(*)
            FROM grid_area AS area JOIN (
                SELECT community_id, sum(ST_Area(geometry)) AS area
                FROM grid_gridcell GROUP BY community_id
            ) AS cells ON cells.community_id = area.id
            """
        )
        difference, communities = cursor.fetchone()
    assert communities == Area.objects.filter(level="community").count()
    assert difference < 1e-9
