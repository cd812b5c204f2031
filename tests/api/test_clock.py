"""The city's time: real outside demo mode, movable within it, never backwards."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from common import clock
from common.errors import DomainError
from common.models import DemoClock

NATIONAL_DAY = datetime(2026, 10, 1, tzinfo=UTC)
MOMENT = timedelta(seconds=5)  # how long a statement may take


@pytest.fixture
def demo(settings, db):
    settings.DEMO = True


@pytest.fixture
def demo_clock(demo):
    return clock.demo_clock_start(virtual_now=NATIONAL_DAY)


def test_real_time_is_read_without_a_query(settings, django_assert_num_queries, db):
    with django_assert_num_queries(0):
        assert timezone.now() - clock.now() < MOMENT


def test_demo_without_a_clock_follows_real_time(demo):
    assert timezone.now() - clock.now() < MOMENT


def test_demo_clock_reads_its_own_date(demo_clock, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert NATIONAL_DAY <= clock.now() < NATIONAL_DAY + MOMENT


def test_starting_twice_keeps_the_clock(demo_clock):
    clock.demo_clock_start(virtual_now=NATIONAL_DAY + timedelta(days=9))
    assert clock.now() < NATIONAL_DAY + MOMENT


def test_demo_clock_jumps_forward(demo_clock):
    clock.demo_clock_set(virtual_now=NATIONAL_DAY + timedelta(days=2))
    now = clock.now() - timedelta(days=2)
    assert NATIONAL_DAY <= now < NATIONAL_DAY + MOMENT


def test_demo_clock_refuses_to_jump_back(demo_clock):
    with pytest.raises(DomainError) as refusal:
        clock.demo_clock_set(virtual_now=NATIONAL_DAY - timedelta(seconds=1))
    assert refusal.value.code == clock.TIME_RUNS_BACKWARDS
    assert clock.now() >= NATIONAL_DAY


def test_changing_the_rate_does_not_move_the_time(demo_clock):
    before = clock.now()
    clock.demo_clock_set(rate=60)
    after = clock.now()
    assert before <= after < before + 60 * MOMENT


def test_a_faster_clock_gains_on_real_time(demo_clock):
    anchor = clock.demo_clock_set(rate=3600).real_anchor
    hour_later = clock._virtual(DemoClock.objects.get(), anchor + timedelta(seconds=1))
    assert hour_later - DemoClock.objects.get().virtual_anchor == timedelta(hours=1)


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_that_does_not_go_forward_is_refused(demo_clock, rate):
    with pytest.raises(DomainError, match=r".") as refusal:
        clock.demo_clock_set(rate=rate)
    assert refusal.value.code == "invalid"


def test_outside_demo_mode_the_clock_cannot_be_set(settings, demo_clock):
    settings.DEMO = False
    with pytest.raises(DomainError) as refusal:
        clock.demo_clock_set(rate=2)
    assert (refusal.value.code, refusal.value.status) == (clock.NOT_A_DEMO, 403)


def test_a_database_that_people_use_keeps_real_time(demo):
    with pytest.raises(DomainError) as refusal:
        clock.demo_clock_set(rate=2)
    assert refusal.value.code == clock.NOT_A_DEMO


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE common_democlock SET virtual_anchor = virtual_anchor - interval '1 day'",
        "UPDATE common_democlock SET real_anchor = real_anchor - interval '1 day'",
        "DELETE FROM common_democlock",
    ],
)
def test_the_database_itself_refuses_to_turn_time_back(demo_clock, change):
    with (
        pytest.raises(IntegrityError, match="never runs backwards"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)


def test_there_is_one_demo_clock(demo_clock):
    with pytest.raises(IntegrityError, match="demo_clock_single_row"), transaction.atomic():
        DemoClock.objects.create(id=2, real_anchor=NATIONAL_DAY, virtual_anchor=NATIONAL_DAY)
