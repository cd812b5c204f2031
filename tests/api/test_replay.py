"""Another city's requests replayed: interrupted anywhere, none is lost and none taken twice."""

from collections import Counter
from datetime import date
from itertools import islice

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import City
from cases.models import Case, CaseEvent
from cases.services.verify import case_verify
from cases.workflow import NOTICES
from common import clock
from common.errors import DomainError
from components.models import CaseType
from desks.models import ReplayedRequest
from desks.replay.database import database_use
from desks.replay.play import replay_request
from desks.replay.run import Chosen, Summary, choose, replay, unfinished
from tests.cast import NOW
from tests.replay_rows import row, write_rows
from tests.tried_rules import Administrator

DAY = "2019-07-02T10:00:00"


@pytest.fixture
def requests_file(tmp_path):
    return write_rows(
        tmp_path / "requests.csv",
        [
            row(unique_key="closed"),
            row(
                unique_key="closed-collector",
                open_data_channel_type="UNKNOWN",
                longitude="-73.951",
            ),
            row(
                unique_key="urgent",
                complaint_type="Damaged Tree",
                descriptor="Entire Tree Has Fallen Down",
                longitude="-73.99",
            ),
            row(unique_key="open", status="Open", closed_date=""),
            row(unique_key="assigned", status="Assigned", closed_date="", created_date=DAY),
            row(unique_key="progress", status="In Progress", closed_date="", created_date=DAY),
            row(unique_key="pending", status="Pending", closed_date="", created_date=DAY),
            row(unique_key="reversed", closed_date="2019-06-30T00:00:00"),
            row(unique_key="closed"),
            row(unique_key="indoor", complaint_type="PLUMBING"),
            row(unique_key="nowhere", longitude=""),
            row(unique_key="never", created_date=""),
        ],
    )


def chosen_from(path, city: City, days=(), limit=None) -> Chosen:
    return choose(path, city, days, limit, NOW)


def run(path, city: City, **options) -> Summary:
    return replay(chosen_from(path, city, **options), 1, lambda size: None)


def test_every_row_comes_out_as_a_case_or_with_its_reason(cast, requests_file):
    summary = run(requests_file, cast.city)
    assert summary.agrees
    assert (summary.rows, summary.requests, summary.cases) == (12, 8, 8)
    assert summary.left_out == Counter(duplicate_key=1, indoor=1, no_place=1, no_creation_time=1)
    assert summary.mended == Counter(closing_time_before_creation=1)
    assert summary.states == Counter(closed=4, reported=1, dispatched=1, handling=1, suspended=1)


def test_a_second_run_adds_nothing(cast, requests_file):
    run(requests_file, cast.city)
    events = CaseEvent.objects.count()
    again = run(requests_file, cast.city)
    assert again.agrees
    assert (again.done_before, again.done_now, again.calls) == (8, 0, Counter())
    assert CaseEvent.objects.count() == events


@pytest.mark.parametrize("calls", range(1, 11))
def test_a_request_stopped_after_any_call_is_taken_up_with_the_next(cast, requests_file, calls):
    chosen = chosen_from(requests_file, cast.city)
    request = chosen.requests[0]
    taken = list(islice(replay_request(request, chosen.stage), calls))
    rest = list(replay_request(request, chosen.stage))
    case = ReplayedRequest.objects.get(key=request.key).case
    acts = case.events.exclude(action__in=NOTICES).order_by("sequence")
    assert taken + rest == list(acts.values_list("action", flat=True))
    assert case.state == "closed"
    assert len(taken + rest) == 11
    assert Case.objects.count() == 1
    assert case_verify(case) == []


def test_days_are_chosen_and_the_rest_is_the_same_command_again(cast, requests_file):
    first = run(requests_file, cast.city, days=[date(2019, 7, 1)])
    assert first.agrees
    assert (first.requests, first.other_days) == (5, 4)
    second = run(requests_file, cast.city)
    assert second.agrees
    assert (second.done_before, second.done_now) == (5, 3)


def test_hours_stay_on_the_wall_and_nobody_closes_what_they_handled(cast, requests_file):
    run(requests_file, cast.city)
    case = ReplayedRequest.objects.get(key="closed").case
    assert case.reported_at.astimezone().strftime("%H:%M") == "09:30"
    assert case.reported_at.weekday() == date(2019, 7, 1).weekday()
    events = {event.action: event for event in case.events.all()}
    moments = [event.at for event in case.events.order_by("sequence")]
    assert moments == sorted(moments)
    people = {events[name].actor_id for name in ("complete", "check_pass", "close")}
    assert len(people) == 3


def test_a_request_nobody_can_handle_is_counted_and_the_others_go_on(cast, tmp_path):
    path = write_rows(
        tmp_path / "requests.csv",
        [
            row(unique_key="gas", complaint_type="Street Light Condition", descriptor="Dim"),
            row(unique_key="fine"),
        ],
    )
    summary = run(path, cast.city)
    assert not summary.agrees
    assert [reason.split()[0] for reason in summary.refused] == ["nobody"]
    assert summary.states == Counter(closed=1, filed=1)
    assert [request.key for request in unfinished(chosen_from(path, cast.city))] == ["gas"]


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n"])
def test_a_file_that_holds_no_requests_is_refused(cast, tmp_path, content):
    path = tmp_path / "other.csv"
    path.write_text(content)
    with pytest.raises(DomainError) as refused:
        run(path, cast.city)
    assert refused.value.code == "no_requests"


def test_the_main_database_is_refused(db):
    with pytest.raises(DomainError) as refused:
        database_use(connection.settings_dict["NAME"])
    assert refused.value.code == "main_database"


def test_only_a_demo_takes_requests_in(cast, requests_file, settings):
    settings.DEMO = False
    with pytest.raises(CommandError, match="demo"):
        call_command("replay_requests", str(requests_file), "--into-demo")


def test_a_changed_rule_moves_exactly_the_replayed_cases_that_its_dry_run_showed(
    cast, requests_file, monkeypatch
):
    run(requests_file, cast.city)
    monkeypatch.setattr(clock, "now", lambda: NOW)
    administrator = Administrator(cast.administrator_bai, NOW)
    busiest = CaseType.objects.filter(case__isnull=False).first()
    gardens = cast.bodies["gardens"].pk
    administrator.add(
        code="moved", lead_by="organisation", lead_organisation=gardens, types=busiest.pk
    )
    administrator.switch_off("owner")
    shown, _seconds = administrator.publish_as_tried()
    assert shown.asked == 8
    assert 0 < len(shown.changes) < 8
