"""Cases copied by the million, for benchmarks of size: what there is, many times over."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import City
from cases.models import Case, CaseClock, CaseEvent, FieldTask, SubOrder
from cases.seeding.copies import COPIED, cases_multiply
from cases.seeding.load import Plan, cases_seed
from common.lifted_keys import keys_checked_at_the_end
from live.services import events_number

pytestmark = pytest.mark.django_db(transaction=True)
PLAN = Plan(seed=7, count=120, days=30, until=date(2026, 3, 16))


def running() -> int:
    return CaseClock.objects.filter(stopped_at=None, case__is_open=True).count()


def test_ended_cases_are_copied_into_earlier_days_and_open_ones_doubled(cast):
    for _added in cases_seed(city=City.objects.get(), plan=PLAN, number_events=events_number):
        pass
    ended = Case.objects.filter(is_open=False)
    before = {"ended": ended.count(), "open": Case.objects.filter(is_open=True).count()}
    first = Case.objects.earliest("reported_at").reported_at
    orders, tasks = SubOrder.objects.count(), FieldTask.objects.count()
    clocks, events = running(), CaseEvent.objects.count()

    with keys_checked_at_the_end(COPIED):
        added = cases_multiply(until=500, open_until=2 * before["open"])

    copies = (added - before["open"]) // before["ended"]
    assert Case.objects.count() == PLAN.count + added >= 500
    assert Case.objects.filter(is_open=True).count() == 2 * before["open"]
    assert Case.objects.filter(reported_at__lt=first).count() == copies * before["ended"]
    assert SubOrder.objects.count() > copies * orders / 2
    assert FieldTask.objects.count() > copies * tasks / 2
    assert running() == 2 * clocks
    assert CaseEvent.objects.count() == events
    for case in Case.objects.filter(history_length=0, is_open=False):
        assert case.number.startswith(f"{timezone.localtime(case.reported_at):%Y%m%d}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('cases_case', 'id'))")
        assert cursor.fetchone()[0] > Case.objects.latest("pk").pk
