"""Facts: one row a stopped clock and an outcome, written once, the same when made again."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import IntegrityError, ProgrammingError, connection, transaction

from cases.models import CaseClock
from cases.workflow import State
from desks.watch.checks import CHECKS, Look
from evaluation.indicators import INDICATORS
from evaluation.measures import MEASURES
from evaluation.models import DirtyDay, Fact, FactCheck
from evaluation.periods import Period
from evaluation.seeding import facts_multiply
from evaluation.selectors.behind import cases_behind
from evaluation.selectors.figures import figures
from evaluation.selectors.scope import EVERYWHERE
from evaluation.services.facts import READER
from evaluation.services.rebuilding import facts_check, facts_compare
from evaluation.services.sums import days_fold
from live.readers import reader_run
from live.services import events_sequence, head
from tests.cast import NOW, Story

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MARCH = Period.of("month", NOW.date())


def read() -> None:
    events_sequence()
    reader_run(reader=READER, now=NOW)


def facts_of(story: Story, *columns: str):
    return list(Fact.objects.filter(case=story.case).values_list(*columns))


def test_a_closed_case_leaves_a_fact_of_each_clock_and_outcome(cast):
    story = Story(cast).walk_to(State.CLOSED)
    read()
    assert [kind for (kind,) in facts_of(story, "kind")] == [
        "reported", "accept", "file", "filed", "effective", "dispatch", "send_check", "handle",
        "check", "whole", "close",
    ]  # fmt: skip


def test_handling_is_charged_to_the_department_and_whoever_completed_it(cast):
    story = Story(cast).walk_to(State.HANDLING)
    story.now += 90 * MINUTE  # Monday 11:30
    story.act("complete", cast.clerk_sun)
    done_at = story.now
    story.now += DAY
    story.act("send_check", cast.acceptor_wang)
    story.act("check_pass", cast.collector_lin)
    read()
    fact = Fact.objects.get(case=story.case, kind="handle")
    assert (fact.organisation.code, fact.person.username) == ("sanitation", "clerk_sun")
    assert (fact.outcome, fact.action, fact.is_late) == ("done", "check_pass", False)
    assert (fact.started_at, fact.actual_end_at) == (NOW, done_at)
    assert (fact.happened_at, fact.day) == (story.now, story.now.date())
    assert (fact.used_seconds, fact.paused_seconds) == (90 * 60, 0)
    assert fact.standard_id == story.case.standard_id


def test_a_fact_knows_type_and_place_as_they_were_at_its_moment(cast):
    story = Story(cast)
    before = story.case.cell_code
    story.act("accept", cast.acceptor_wang)
    story.act("send_back", cast.supervisor_zhao)
    lon, lat = cast.near(900)
    story.act("accept", cast.acceptor_wang, type="E0104", location={"lon": lon, "lat": lat})
    read()
    case = story.case
    case.refresh_from_db()
    assert case.cell_code != before
    rows = facts_of(story, "kind", "type__code", "cell_code", "community__code")
    assert rows[0] == ("reported", "E0102", before, before[:12])
    assert rows[-1] == ("accept", "E0104", case.cell_code, case.community_code)


def test_a_return_an_extension_and_a_suspension_count_for_the_department(cast):
    story = Story(cast).walk_to(State.HANDLING)
    story.extend()
    story.act("request_suspension", cast.clerk_sun)
    story.act("approve_suspension", cast.dispatcher_li)
    story.act("approve_suspension", cast.leader_tang)
    story.act("resume", cast.dispatcher_li)
    story.act("request_return", cast.clerk_sun)
    story.act("approve_return", cast.dispatcher_li)
    story.act("dispatch", cast.dispatcher_li, department="gardens")
    read()
    rows = facts_of(story, "kind", "organisation__code", "person__username")
    assert ("extended", "sanitation", "clerk_sun") in rows
    assert ("suspended", "sanitation", "clerk_sun") in rows
    assert ("returned", "sanitation", "clerk_sun") in rows
    assert ("redispatched", "platform", "dispatcher_li") in rows
    assert [kind for kind, *_who in rows].count("suspended") == 1
    handle = Fact.objects.get(case=story.case, kind="handle")
    assert (handle.outcome, handle.organisation.code) == ("annulled", "sanitation")


def test_a_failed_check_counts_for_whoever_said_it_was_done(cast):
    story = Story(cast).walk_to(State.REWORK)
    story.act("dispatch", cast.dispatcher_li)
    read()
    rows = facts_of(story, "kind", "organisation__code", "person__username")
    assert ("reworked", "sanitation", "clerk_sun") in rows
    assert "redispatched" not in [kind for kind, *_who in rows]


def test_what_the_public_found_is_missed_by_each_collector_of_the_beat(cast):
    seen = Story(cast).walk_to(State.FILED)
    called = Story(cast, metres=4, source="hotline").walk_to(State.FILED)
    read()
    rows = facts_of(called, "kind", "person__username", "organisation__code")
    assert sorted(row for row in rows if row[0] == "missed") == [
        ("missed", "collector_chen", "eyes"),
        ("missed", "collector_lin", "eyes"),
    ]
    assert "missed" not in [kind for (kind,) in facts_of(seen, "kind")]


def test_the_same_type_in_the_same_cell_is_a_repeat_only_within_the_days_set(cast):
    first = Story(cast).walk_to(State.FILED)
    other = Story(cast, metres=1, type_code="E0104").walk_to(State.FILED)
    again = Story(cast, now=NOW + 29 * DAY, metres=2).walk_to(State.FILED)
    late = Story(cast, now=NOW + 60 * DAY, metres=3).walk_to(State.FILED)
    read()
    found = {story.case.pk for story in (first, other, again, late)}
    assert set(Fact.objects.filter(kind="repeated").values_list("case", flat=True)) == {
        again.case.pk
    }
    assert len(found) == 4


def test_a_new_run_has_facts_of_its_own_and_a_report_counts_as_effective_once(cast):
    story = Story(cast).walk_to(State.VOIDED)
    story.act("appeal", cast.supervisor_zhao)
    story.act("accept", cast.acceptor_wang)
    story.act("file", cast.supervisor_zhao)
    read()
    rows = facts_of(story, "kind", "run", "person__username")
    assert [row for row in rows if row[0] in ("filed", "effective", "voided")] == [
        ("filed", 1, "supervisor_zhao"),
        ("effective", 1, "collector_chen"),
        ("voided", 1, "supervisor_zhao"),
        ("filed", 2, "supervisor_zhao"),
    ]


def test_facts_read_one_event_at_a_time_are_those_read_at_once(cast):
    Story(cast).walk_to(State.REWORK)
    Story(cast, metres=5, source="hotline").walk_to(State.CLOSED)
    events_sequence()
    small = type(READER)(READER.name, READER.handle, batch=1, begin=READER.begin)
    reader_run(reader=small, now=NOW)
    assert Fact.objects.exists()
    assert list(facts_compare()) == []


def test_nobody_changes_a_fact_or_a_stopped_clock(cast):
    Story(cast).walk_to(State.FILED)
    read()
    for rows, change in (
        (Fact.objects.filter(kind="file"), {"is_late": True}),
        (CaseClock.objects.filter(kind="file"), {"due_at": NOW}),
    ):
        with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
            rows.update(**change)
        with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
            rows._raw_delete(rows.db)


@pytest.mark.usefixtures("as_app_role")
def test_the_program_may_not_even_try(cast):
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        Fact.objects.update(is_late=True)


def spoil(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE evaluation_fact DISABLE TRIGGER USER")
        cursor.execute(sql)
        cursor.execute("ALTER TABLE evaluation_fact ENABLE TRIGGER USER")


def test_facts_changed_behind_its_back_are_found_by_night_and_by_command(cast):
    story = Story(cast).walk_to(State.FILED)
    read()
    look = Look(NOW)
    assert facts_check(now=NOW).difference_count == 0
    assert CHECKS["fact_differs"](look) == []
    spoil("UPDATE evaluation_fact SET is_late = true WHERE kind = 'file'")
    spoil("DELETE FROM evaluation_fact WHERE kind = 'accept'")
    assert [(found.kind, found.what) for found in facts_compare()] == [
        ("accept", "missing"),
        ("file", "is_late"),
    ]
    assert facts_check(now=NOW).case_count >= 1
    assert [found.subject for found in CHECKS["fact_differs"](look)] == ["2"]
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("rebuild_facts", "--check", stdout=out, stderr=StringIO())
    assert f"case {story.case.pk}: file" in out.getvalue()
    call_command("rebuild_facts", stdout=out)
    assert list(facts_compare()) == []
    assert FactCheck.objects.count() == 2


def test_every_figure_has_as_many_rows_behind_it_before_and_after_days_are_added_up(cast):
    Story(cast).walk_to(State.CLOSED)
    Story(cast, metres=5, source="hotline").walk_to(State.CLOSED)
    late = Story(cast, metres=9).walk_to(State.HANDLING)
    late.now += 9 * DAY
    read()
    for by in ("organisation", "person", "type", "cell", "district"):
        found = figures(indicators=INDICATORS, by=(by,), period=MARCH, now=late.now)
        assert found
        for (key,), counts in found.items():
            scope = EVERYWHERE.narrowed(by, key)
            for measure, count in counts.items():
                if not MEASURES[measure].adds:
                    behind = cases_behind(measure, period=MARCH, now=late.now, scope=scope)
                    assert behind.count() == len(behind.rows(0, 99)) == count, (by, measure)
        days_fold(now=late.now)
        assert not DirtyDay.objects.exists()
        again = figures(indicators=INDICATORS, by=(by,), period=MARCH, now=late.now)
        assert {key: value for key, value in again.items() if any(value.values())} == {
            key: value for key, value in found.items() if any(value.values())
        }
        Story(cast, metres=11).walk_to(State.ACCEPTED)  # the day is dirty again
        read()
        assert DirtyDay.objects.exists()
    everything = figures(indicators=["handling_open_late", "open_late"], period=MARCH, now=late.now)
    assert everything == {(): {"handling_open_late": 1, "open_late": 1}}


def test_copies_of_facts_lie_weeks_earlier_and_lead_to_the_same_cases(cast):
    story = Story(cast).walk_to(State.CLOSED)
    read()
    once = Fact.objects.count()
    added = list(facts_multiply(copies=2, cases=5500, days=1, until=head()))
    assert added == [once, once]
    days = Fact.objects.filter(kind="handle").order_by("day").values_list("day", flat=True)
    assert list(days) == [NOW.date() - 2 * DAY, NOW.date() - DAY, NOW.date()]
    assert set(Fact.objects.values_list("case", flat=True)) == {story.case.pk}
    assert Fact.objects.values("cell").distinct().count() > 1
    assert DirtyDay.objects.count() == 3
