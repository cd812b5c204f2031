"""A made-up register follows the streets, the densities and the bodies of its city."""

from collections import Counter
from datetime import date

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from common.errors import DomainError
from components.models import CaseType, Component
from components.seeding.density import Rule
from components.seeding.load import components_seed
from components.services import check_fits
from tests.databases import filled

TO_THE_ROAD = """
SELECT (SELECT min(ST_Distance(ST_Transform(geometry, 4549), place)) FROM grid_basefeature
    WHERE layer = 'road')
FROM (
    SELECT ST_Transform(point, 4549) AS place FROM components_component AS component
    JOIN components_casetype AS type ON type.id = component.type_id WHERE type.code = ANY (%s)
    ORDER BY component.code LIMIT 200
) AS thing
"""
ON = date(2026, 3, 16)
COUNT = 2_000


@pytest.fixture
def city(demo_city):
    return demo_city


@filled("demo_city")
def laid_city(city):
    """A register as the first seed lays it."""
    components_seed(city=city, count=COUNT, seed=7, on=ON)


@pytest.fixture
def register(laid_city):
    return Component.objects.select_related(
        "type", "cell", "community__parent__parent", "owner", "competent_body"
    )


def test_as_many_stand_there_as_were_asked_for_each_with_its_cell_and_code(register):
    rows = list(register)
    assert len(rows) == len({row.code for row in rows}) == COUNT
    for row in rows:
        assert row.code[:6] == row.community.parent.parent.code
        assert row.code[6:10] == row.type.code[1:]
        assert row.cell.geometry.covers(row.point)
        assert row.cell.community_id == row.community_id
        assert row.owner.department_kind == row.type.lead_department_kind


def test_shapes_and_attributes_are_those_the_types_allow(register):
    kinds = Counter()
    for row in register:
        check_fits(row.type, row.geometry, row.attributes)
        kinds[row.geometry.geom_type] += 1
    assert kinds["Point"] > kinds["LineString"] > 0
    assert kinds["Polygon"] > 0


def test_nearly_every_type_is_there_and_common_ones_are_common(register):
    found = Counter(row.type.code for row in register)
    known = CaseType.objects.filter(kind="component").count()
    assert len(found) > 0.85 * known
    assert found["C0402"] > found["C0118"] > found["C0209"] > found["C0121"]


def test_things_of_the_street_stand_beside_a_street(register):
    """Trees, lamps and drains are laid a few metres beside the middle of a road, none farther."""
    with connection.cursor() as cursor:
        cursor.execute(TO_THE_ROAD, [["C0402", "C0104", "C0209"]])
        distances = [row[0] for row in cursor.fetchall()]
    assert len(distances) == 200
    assert max(distances) < 9.5
    assert sum(distances) / len(distances) > 4


def test_density_differs_by_type_as_the_rules_say(city):
    def every(metres, code):
        return Rule(code, "road", (), metres, 5, "point", 0, 0, ({},))

    rules = [every(10, "C0402"), every(40, "C0118"), every(50, "C0209")]
    components_seed(city=city, count=290, seed=1, on=ON, rules=rules)
    found = Counter(Component.objects.values_list("type__code", flat=True))
    assert found == {"C0402": 200, "C0118": 50, "C0209": 40}


def test_bodies_vary_by_district(register):
    owners = {
        (row.community.parent.parent.code, row.owner.code)
        for row in register
        if row.type.lead_department_kind == "gardens"
    }
    assert ("330106", "xihu-gardens") in owners
    assert ("330105", "city-gardens") in owners


def test_the_same_seed_adds_nothing_and_another_seed_other_places(city, register):
    first = {row.point.tuple for row in register if row.type.code == "C0402"}
    assert components_seed(city=city, count=COUNT, seed=7, on=ON) == 0
    assert components_seed(city=city, count=100, seed=8, on=ON) == 100
    others = Component.objects.filter(source="seed 8", type__code="C0402")
    assert first
    assert others
    assert not first & {row.point.tuple for row in others}
    with pytest.raises(DomainError, match="2000"):
        components_seed(city=city, count=50, seed=7, on=ON)


def test_the_command_leaves_a_database_of_people_alone(city):
    with pytest.raises(CommandError, match="People may use this database"):
        call_command("seed_components", "--count", "10")
    assert not Component.objects.exists()


def test_the_command_lays_as_many_as_asked_where_it_may(city, capsys):
    call_command("seed_components", "--count", "150", "--yes-this-is-a-benchmark-database")
    assert Component.objects.filter(source="seed 1").count() == 150
    assert "150 components added" in capsys.readouterr().out
