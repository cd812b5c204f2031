"""Gridding a community anew: old cells end, new ones begin, and what stands on them follows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum
from django.utils import translation

from cases.models import Case
from common.errors import DomainError
from components.models import Component
from grid.gridding import Rules
from grid.models import Beat, Community, GridCell
from grid.selectors import locate
from grid.services import community_ids, grid_apply, grid_make
from tests.cast import Cast, Story

DAY = date(2026, 4, 1)
BEFORE = DAY - timedelta(days=1)


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Sentences are compared in English."""
    with translation.override("en"):
        yield


@pytest.fixture
def community(cast: Cast) -> Community:
    """The community in which the cast's cases lie."""
    return Community.objects.get(pk=locate(*cast.place, on=BEFORE).community.id)


def regrid(cast: Cast, community: Community, on: date = DAY, rules: Rules | None = None):
    """Grid a community and let its cells hold."""
    _grounds, cells, check = grid_make(communities=[community.pk], rules=rules)
    assert check.is_partition
    return cells, grid_apply(city=cast.city, communities=[community.pk], cells=cells, on=on)


def test_cells_change_on_the_day_and_no_row_is_overwritten(cast: Cast, community: Community):
    old = {cell.pk: (cell.code, cell.geometry.wkt) for cell in community.cells.all()}
    cells, (closed, opened) = regrid(cast, community)
    assert (closed, opened) == (len(old), len(cells))
    before = GridCell.objects.valid_on(BEFORE).filter(community=community)
    assert {cell.pk: (cell.code, cell.geometry.wkt) for cell in before} == old
    after = GridCell.objects.valid_on(DAY).filter(community=community)
    assert after.count() == len(cells)
    area = after.aggregate(area=Sum("area_m2"))["area"]
    assert area == pytest.approx(sum(cell.area_m2 for cell in cells))


def test_codes_are_never_borne_again(cast: Cast, community: Community):
    for month in (4, 5, 6):
        regrid(cast, community, date(2026, month, 1))
    codes = list(GridCell.objects.filter(community=community).values_list("code", flat=True))
    assert len(codes) == len(set(codes))
    assert {code[:12] for code in codes} == {community.code}


def test_a_case_keeps_its_cell_and_a_later_one_gets_the_new_one(cast: Cast, community: Community):
    story = Story(cast)
    cell = story.case.cell_id
    regrid(cast, community)
    assert Case.objects.get(pk=story.case.pk).cell_id == cell
    assert locate(*cast.place, on=DAY).cell_id != cell
    assert locate(*cast.place, on=BEFORE).cell_id == cell


def test_beats_and_components_follow_to_the_new_cells(cast: Cast, community: Community):
    component = cast.component
    beats = set(Beat.objects.filter(cells__community=community))
    assert beats
    assert component.community_id == community.pk
    regrid(cast, community)
    component.refresh_from_db()
    here = locate(component.point.x, component.point.y, on=DAY)
    assert component.cell_id == here.cell_id
    new = GridCell.objects.valid_on(DAY).filter(community=community)
    assert not new.filter(beats=None).exists()
    assert set(Beat.objects.filter(cells__in=new)) == beats
    history = component.events.filter(pgh_label="before_update")
    assert history.exists()


def test_a_community_without_codes_left_is_refused_and_nothing_changes(
    cast: Cast, community: Community
):
    before = set(GridCell.objects.valid_on(DAY).values_list("pk", flat=True))
    _grounds, cells, _check = grid_make(
        communities=[community.pk], rules=Rules(side_m=15, small_m2=50)
    )
    with pytest.raises(DomainError) as refusal:
        grid_apply(city=cast.city, communities=[community.pk], cells=cells, on=DAY)
    assert refusal.value.code == "codes_used_up"
    assert set(GridCell.objects.valid_on(DAY).values_list("pk", flat=True)) == before
    assert Component.objects.get(pk=cast.component.pk).cell_id in before


def test_the_command_reports_first_and_changes_only_when_told(cast: Cast, community: Community):
    before = GridCell.objects.count()
    said = StringIO()
    call_command("make_grid", community.code, stdout=said)
    assert "1 communities" in said.getvalue()
    assert GridCell.objects.count() == before
    call_command("make_grid", community.code, "--apply", "--from", "2026-04-01", stdout=said)
    assert "cells closed" in said.getvalue()
    assert GridCell.objects.count() > before


def test_a_code_that_names_nothing_is_refused(cast: Cast):
    with pytest.raises(CommandError, match="999999"):
        call_command("make_grid", "999999")


def test_a_street_stands_for_its_communities(cast: Cast, community: Community):
    ids = community_ids(cast.city, DAY, [community.code[:9]])
    assert community.pk in ids
    assert len(ids) > 1
    assert set(ids) <= set(community_ids(cast.city, DAY))
