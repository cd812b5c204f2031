"""Several workers at one survey: each publishes in a district of its own, in a fixed order."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2
import pytest
from django.db import connection

from components.census.services import parts_approve
from components.census.work import DISTRICT_LOCK_CLASS
from components.models import Component
from grid.models import Area, GridCell
from tests.api.census.conftest import HEADERS, Census
from tests.cast import NOW

GONGSHU = "330105"


@pytest.fixture
def other_worker() -> Iterator[psycopg2.extensions.connection]:
    """The connection of another worker, which is amid a step."""
    theirs = psycopg2.connect(**connection.get_connection_params())
    yield theirs
    theirs.close()


def takes(worker: psycopg2.extensions.connection, class_key: int, key: int) -> None:
    """Let the other worker hold a lock until it rolls back."""
    with worker.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [class_key, key])


@pytest.fixture
def survey(census: Census):
    """A checked survey of three covers in Gudang and three in another district."""
    cell = GridCell.objects.filter(code__startswith=GONGSHU, kind=GridCell.Kind.BUILT).first()
    lon, lat = cell.geometry.point_on_surface.coords
    there = "".join(f"G{n},雨水井盖,完好,{lon:.7f},{lat + n * 3e-5:.7f}\n" for n in range(3))
    survey = census.submit(census.read(f"{HEADERS}\n{census.rows(3)}{there}"))
    assert survey.line_count - survey.bad_count == 6
    return survey


def published() -> set[str]:
    """Return the districts of what the census brought into the register."""
    codes = Component.objects.filter(source="census").values_list("code", flat=True)
    return {code[:6] for code in codes}


def test_a_district_in_which_another_worker_publishes_is_left_to_it(census, survey, other_worker):
    takes(other_worker, DISTRICT_LOCK_CLASS, Area.objects.get(code=GONGSHU).pk)
    parts_approve(actor=census.cast.supervisor_zhao, survey_id=survey.pk, now=NOW)
    assert census.work(survey).state == "reviewing"
    assert published() == {"330106"}

    other_worker.rollback()
    assert census.work(survey).state == "published"
    assert published() == {"330106", GONGSHU}
