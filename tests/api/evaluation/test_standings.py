"""Standings: scores and ranks of the objects of a city; scorecards as data."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from django.contrib.gis.geos import MultiPolygon
from django.db import IntegrityError, connection, transaction

from cases.workflow import State
from evaluation.models import (
    ComparisonGroup,
    ComparisonMember,
    ItemBands,
    ObjectKind,
    Scorecard,
    ScorecardItem,
)
from evaluation.periods import Period
from evaluation.selectors.scope import EVERYWHERE
from evaluation.selectors.standings import NoScorecard, groups_of, standings
from evaluation.services.facts import READER
from grid.models import GridCell, Zone
from live.readers import reader_run
from live.services import events_sequence
from tests.cast import NOW, Story
from tests.databases import filled

MARCH = Period.of("month", NOW.date())
DAY = timedelta(days=1)


@filled("cast")
def short_month(cast):
    """A closed case, one that came late and one that is open and late."""
    Story(cast).walk_to(State.CLOSED)
    late = Story(cast, metres=5).walk_to(State.HANDLING)
    late.now += 9 * DAY
    late.act("complete", cast.clerk_sun)
    late.act("send_check", cast.acceptor_wang)
    late.act("check_pass", cast.collector_lin)
    late.act("close", cast.supervisor_zhao)
    Story(cast, metres=9).walk_to(State.HANDLING)
    events_sequence()
    reader_run(reader=READER, now=NOW)
    Scorecard.objects.update(minimum_count=1)


@pytest.mark.parametrize("kind", ObjectKind.values)
def test_every_kind_of_object_is_ranked_by_its_scorecard(short_month, kind):
    found = standings(kind, period=MARCH, now=NOW + 20 * DAY)
    assert found.rows
    assert any(row.place.rank == 1 for row in found.rows)
    for row in found.rows:
        assert row.name
        assert 0 <= (row.place.score.total or 0) <= 100
        assert bool(row.place.score.grade) == (row.place.score.total is not None)


def test_a_department_has_the_score_worked_out_by_hand(short_month):
    found = standings("department", period=MARCH, now=NOW + 20 * DAY)
    row = next(row for row in found.rows if row.name == "sanitation")
    # 3 due: 1 in time, 1 late, 1 open and late. 0.1×100 + 0.3×(200/3) + 0.3×(100/3) + 0.3×100
    assert row.place.score.total == Fraction(70)
    assert (row.place.score.volume, row.place.score.grade, row.place.rank) == (3, "C", 1)
    idle = next(row for row in found.rows if row.name == "gardens")
    assert idle.place.rank is None


def test_departments_are_ranked_among_those_that_can_be_compared(short_month):
    group = ComparisonGroup.objects.create(code="big", name="大单位", name_en="Large")
    body = short_month.bodies["sanitation"]
    ComparisonMember.objects.create(group=group, organisation=body)
    item = ScorecardItem.objects.get(scorecard__kind="department", indicator="handling_due")
    ItemBands.objects.create(item=item, group="big", steps=[{"points": 0}])
    found = standings("department", period=MARCH, now=NOW + 20 * DAY)
    row = next(row for row in found.rows if row.key == body.pk)
    assert (row.place.group, row.place.rank) == ("big", 1)
    assert row.place.score.total == Fraction(60), "the bands of its group"


def test_cells_of_key_zones_are_told_by_name_or_by_drawing(short_month):
    cells = GridCell.objects.filter(kind="built").order_by("pk")
    named, drawn = cells[0], cells[1]
    values = {"city": short_month.city, "grade": "key", "valid_from": date(2000, 1, 1)}
    zone = Zone.objects.create(code="named", name="n", geometry=multi(cells[2]), **values)
    zone.cells.add(named)
    Zone.objects.create(code="drawn", name="d", geometry=multi(drawn), **values)
    strict = groups_of(ObjectKind.CELL, MARCH)
    assert {named.pk, drawn.pk} <= set(strict)
    assert cells[2].pk not in strict


def multi(cell: GridCell):
    return MultiPolygon(cell.geometry, srid=cell.geometry.srid)


def test_a_scope_narrows_the_objects_and_their_figures(short_month):
    cell = GridCell.objects.get(pk=Story(short_month).case.cell_id)
    within = EVERYWHERE.narrowed("community", cell.community_id)
    found = standings("cell", period=MARCH, now=NOW + 20 * DAY, scope=within)
    assert {row.key for row in found.rows} == set(
        GridCell.objects.filter(community=cell.community_id).values_list("pk", flat=True)
    )
    assert sum(row.counts.get("filed", 0) for row in found.rows) == 3


def test_a_later_version_of_a_scorecard_leaves_earlier_months_alone(short_month):
    before = standings("department", period=MARCH, now=NOW + 20 * DAY).rows
    card = Scorecard.objects.create(
        kind="department", valid_from=MARCH.end, volume="handling_due", minimum_count=0
    )
    ScorecardItem.objects.create(scorecard=card, indicator="rework_rate", weight=1)
    assert standings("department", period=MARCH, now=NOW + 20 * DAY).rows == before
    assert standings("department", period=MARCH.next, now=NOW + 40 * DAY).scorecard == card
    with pytest.raises(NoScorecard):
        standings("department", period=Period.of("year", date(1999, 1, 1)), now=NOW)


def settle() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def test_weights_that_do_not_add_to_one_are_refused(cast):
    settle()
    with transaction.atomic():
        Scorecard.objects.create(kind="cell", valid_from=date(2027, 1, 1), volume="filed")
        with pytest.raises(IntegrityError, match="add to 0, not to 1"):
            settle()
        transaction.set_rollback(True)
    with transaction.atomic():
        ScorecardItem.objects.filter(indicator="rework_rate").update(weight=Decimal("0.29"))
        with pytest.raises(IntegrityError, match=r"add to 0.9900, not to 1"):
            settle()
        transaction.set_rollback(True)
