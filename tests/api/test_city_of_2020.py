"""The demo city under its codes of 2020, reorganised by the real plan and back."""

from __future__ import annotations

from datetime import date

import pytest
from django.db.models import F

from desks.demo.digest import digest
from desks.demo.loading import PLAN_OF_2021, build_city_of_2020
from desks.demo.register import load_register
from desks.demo.reorganising import checks_after, report_cases
from grid.models import Area, AreaCode, GridCell
from grid.reorganisation.services import (
    reorganisation_apply,
    reorganisation_preview,
    reorganisation_read,
    reorganisation_undo,
)
from tests.city import NOW, PASSWORD

DAY = date(2026, 3, 16)
# 闸弄口 (once in 江干), 武林 (once in 下城), 西湖, 西兴 with communities that are new
STREETS = ("330102013", "330105013", "330106008", "330108001")


@pytest.fixture
def city_of_2020(db):
    """Four streets under their old codes, with components and open cases."""
    city = build_city_of_2020(NOW, PASSWORD, streets=STREETS)
    load_register(city, DAY, 600)
    report_cases(city, 12, NOW)
    return city


def test_the_plan_of_2021_is_applied_and_undone_and_nothing_is_lost(city_of_2020):
    names = set(Area.objects.filter(level="district").values_list("name", flat=True))
    assert {"下城区", "江干区"} < names
    assert Area.objects.filter(name="濮家联合社区", parent__code="330104007").exists()
    cells = GridCell.objects.select_related("community")
    assert all(cell.code.startswith(cell.community.code) for cell in cells)
    assert AreaCode.objects.filter(area__code=F("code")).count() == Area.objects.count()
    plan = reorganisation_read(
        city=city_of_2020,
        name="2021",
        data=PLAN_OF_2021.read_bytes(),
        now=NOW,
        effective_date=DAY,
    )
    seen, _stakes = reorganisation_preview(plan)
    assert seen.problems == []
    assert sorted(area.name for area, _codes in seen.ended) == ["下城区", "江干区"]
    before = digest()
    reorganisation_apply(reorganisation=plan, now=NOW)
    assert [check.name for check in checks_after(plan) if not check.is_true] == []
    plan.refresh_from_db()
    reorganisation_undo(reorganisation=plan, now=NOW)
    assert digest() == before
