"""Requests by the rules a city sets: chains, proof, lateness, caps, cycles; and their ledgers."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from openpyxl import load_workbook

from accounts.models import City
from accounts.services import organisation_create
from cases.exceptions.cycles import cycle_rows
from cases.exceptions.ledger import Month, ledger_figures, ledger_filter, ledger_of
from cases.exceptions.shares import month_shares, share_of
from cases.exceptions.views import ledgers
from cases.models import (
    ApprovalChain,
    ApprovalRequest,
    CaseEvent,
    CasePhoto,
    RequestCap,
    ReturnCycle,
)
from cases.services.overdue import suspended_wake
from cases.services.verify import case_verify
from cases.workflow import RequestKind, State
from tests.cast import NOW, Story, browser_of, photo_of

TODAY = date(2026, 3, 16)
MARCH = Month.of(TODAY)


@pytest.fixture
def story(cast) -> Story:
    return Story(cast).walk_to(State.HANDLING)


def asked(story: Story) -> ApprovalRequest:
    return ApprovalRequest.objects.filter(case=story.case).latest("pk")


def set_chain(cast, kind: str, *steps: list[str], **conditions) -> None:
    """Let a row of the city's own come before those it has."""
    ApprovalChain.objects.create(
        city=cast.city,
        kind=kind,
        position=1,
        steps=list(steps),
        valid_from=conditions.pop("valid_from", TODAY),
        **conditions,
    )


# ── chains ────────────────────────────────────────────────────────────────────────────────────


def test_a_city_lets_three_agree_and_each_only_in_turn(cast, story):
    set_chain(cast, "extension", ["DSP"], ["SUP"], ["LDR"])
    story.act("request_extension", cast.clerk_sun)
    due_at = story.case.due_at
    for name in ("supervisor_zhao", "leader_tang"):
        assert story.refused("approve_extension", cast.people[name]).code == "not_possible"
    story.act("approve_extension", cast.dispatcher_li, note="同意，请抓紧")
    assert asked(story).waits_for == ["SUP"]
    assert story.refused("approve_extension", cast.dispatcher_li).code == "not_possible"
    story.act("approve_extension", cast.supervisor_zhao)
    assert story.case.due_at == due_at
    story.act("approve_extension", cast.leader_tang)
    assert story.case.due_at > due_at
    request = asked(story)
    assert [step["post"] for step in request.approvals] == ["DSP", "SUP", "LDR"]
    assert request.approvals[0]["note"] == "同意，请抓紧"
    assert (request.status, request.waits_for) == ("approved", [])
    assert not list(case_verify(story.case))


def test_an_edit_of_the_chain_reaches_only_later_requests(cast, story):
    story.act("request_extension", cast.clerk_sun)
    set_chain(cast, "extension", ["SUP"])
    story.act("approve_extension", cast.dispatcher_li)
    story.act("request_extension", cast.clerk_sun)
    assert asked(story).chain == [["SUP"]]
    assert story.refused("approve_extension", cast.dispatcher_li).code == "role_refused"


def test_a_chain_holds_from_its_day_to_before_its_last(cast, story):
    set_chain(cast, "void", ["LDR"], valid_from=TODAY + timedelta(days=1))
    set_chain(cast, "void", ["LDR"], valid_from=date(2020, 1, 1), valid_to=TODAY)
    story.act("request_void", cast.dispatcher_li)
    assert asked(story).chain == [["SUP"]]


def test_the_leader_may_refuse_before_the_desk_has_agreed(cast, story):
    story.act("request_suspension", cast.clerk_sun)
    assert story.refused("reject_suspension", cast.supervisor_zhao).code == "role_refused"
    story.act("reject_suspension", cast.leader_tang)
    assert (asked(story).status, asked(story).decision_note) == ("rejected", "属于本辖区")


def test_nobody_agrees_twice_whatever_posts_they_have(cast, story):
    set_chain(cast, "void", ["SUP", "LDR"], ["SUP", "LDR"])
    story.act("request_void", cast.dispatcher_li)
    story.act("approve_void", cast.supervisor_zhao)
    assert story.refused("approve_void", cast.supervisor_zhao).code == "same_person"
    story.act("approve_void", cast.leader_tang)
    assert story.case.state == State.VOIDED


def test_the_one_who_asked_does_not_approve_though_the_chain_names_their_post(cast, story):
    set_chain(cast, "proxy", ["LDR"])
    story.act("request_proxy", cast.jack_lu)  # of the department, and a leader too
    assert story.refused("approve_proxy", cast.jack_lu).code == "same_person"


def test_of_two_approvals_at_once_the_second_finds_a_stale_page(cast, story):
    story.act("request_extension", cast.clerk_sun)
    seen = story.case.version
    story.act("approve_extension", cast.dispatcher_li, version=seen)
    refusal = story.refused("approve_extension", cast.leader_tang, version=seen)
    assert refusal.code == "stale_version"
    assert len(asked(story).approvals) == 1


@pytest.mark.parametrize("steps", [[], [[]], ["DSP"], [["DSP"], []], [["COL"]], [["LDR"]], "DSP"])
def test_the_table_bounds_what_a_chain_may_name(cast, steps):
    chain = ApprovalChain(city=cast.city, kind="return", steps=steps, valid_from=TODAY)
    with pytest.raises(ValidationError):
        chain.full_clean()


# ── late, and on holidays ─────────────────────────────────────────────────────────────────────


def test_what_is_asked_after_the_deadline_is_shown_as_such(cast, story):
    story.now = story.case.due_at + timedelta(minutes=30)
    story.act("request_extension", cast.clerk_sun)
    request = asked(story)
    assert (request.was_overdue, request.due_at) == (True, story.case.due_at)
    rows = ledger_of(cast.supervisor_zhao, RequestKind.EXTENSION)
    assert ledger_figures(rows)["late"] == 1


def test_a_suspension_asked_in_time_and_granted_late_is_shown_as_such(cast, story):
    story.act("request_suspension", cast.clerk_sun)
    story.act("approve_suspension", cast.dispatcher_li)
    story.now = story.case.due_at + timedelta(minutes=1)
    story.act("approve_suspension", cast.leader_tang)
    request = asked(story)
    assert not request.was_overdue
    assert request.is_late_only_when_decided
    assert ledger_filter(
        ledger_of(cast.leader_tang, RequestKind.SUSPENSION), cast.leader_tang, {"late": "yes"}
    ).count()


def test_a_review_on_a_holiday_moves_to_the_next_working_day_and_says_so(cast, story):
    story.act("request_suspension", cast.clerk_sun, review_at="2026-10-01T09:00:00+08:00")
    details = asked(story).details
    assert details["review_at"].startswith("2026-10-08T09:00")
    assert details["review_wanted_at"].startswith("2026-10-01T")
    event = CaseEvent.objects.get(case=story.case, action="request_suspension")
    assert event.data["request"]["review_wanted_at"] == details["review_wanted_at"]


def test_a_suspended_case_wakes_up_by_itself_at_its_review(cast, story):
    story.act("request_suspension", cast.clerk_sun)
    story.act("approve_suspension", cast.dispatcher_li)
    story.act("approve_suspension", cast.leader_tang)
    review_at = story.case.review_at
    assert suspended_wake(now=review_at - timedelta(seconds=1)) == 0
    assert suspended_wake(now=review_at) == 1
    assert suspended_wake(now=review_at) == 0
    story.case.refresh_from_db()
    assert (story.case.state, story.case.review_at) == (State.HANDLING, None)


def test_proof_sent_with_a_request_stays_with_it(cast, story):
    photo = photo_of(cast.clerk_sun)
    story.act("request_return", cast.clerk_sun, photos=[photo], reason_code="wrong_place")
    use = CasePhoto.objects.get(photo=photo)
    event = CaseEvent.objects.get(case=story.case, action="request_return")
    assert (use.purpose, use.event_sequence) == ("evidence", event.sequence)
    assert asked(story).reason_code == "wrong_place"
    refusal = story.refused("request_extension", cast.clerk_sun, reason_code="wrong_place")
    assert (refusal.code, list(refusal.fields)) == ("invalid", ["reason_code"])


# ── returns that go round in circles ──────────────────────────────────────────────────────────


def test_the_supervisor_is_told_when_a_department_gets_again_what_it_returned(cast):
    story = Story(cast).walk_to(State.FILED)
    version = story.case.version
    story.sent_back("sanitation", "gardens")
    assert not ReturnCycle.objects.exists()
    story.act("dispatch", cast.dispatcher_li, department="sanitation")
    cycle = ReturnCycle.objects.get()
    assert cycle.departments == ["sanitation", "gardens", "sanitation"]
    event = CaseEvent.objects.get(case=story.case, action="return_cycle")
    assert (event.role, event.actor) == ("SYS", None)
    assert event.data["roles"] == ["shift_supervisor"]
    assert event.data["departments"] == cycle.departments
    assert story.case.version == version + 7, "a notice makes nobody's page stale"
    story.act("sign", cast.clerk_sun)
    assert not list(case_verify(story.case))


def test_who_is_named_is_of_the_case_s_own_city(cast, page):
    story = Story(cast).walk_to(State.FILED).sent_back("sanitation", "gardens")
    story.act("dispatch", cast.dispatcher_li, department="sanitation")
    other = City.objects.create(code="330200", name="宁波市")
    for code in ("gardens", "sanitation"):
        organisation_create(city=other, code=code, kind="department", name=f"宁波 {code}")
    (row,) = cycle_rows(ReturnCycle.objects.select_related("case"), 5)
    assert row["way"] == "sanitation → gardens → sanitation"
    assert "宁波" not in page("supervisor_zhao", f"/cases/{story.case.number}/").text


def test_rework_and_a_recall_are_no_cycle(cast, story):
    story.act("recall", cast.dispatcher_li)
    story.act("dispatch", cast.dispatcher_li)
    assert not ReturnCycle.objects.exists()


# ── shares and caps ───────────────────────────────────────────────────────────────────────────


def test_shares_are_granted_requests_of_dispatched_cases(cast):
    for metres in (0, 40, 80):
        Story(cast, metres=metres).walk_to(State.HANDLING)
    granted, refused = Story(cast, metres=120), Story(cast, metres=160)
    for each, decision in ((granted, "approve_extension"), (refused, "reject_extension")):
        each.walk_to(State.HANDLING)
        each.act("request_extension", cast.clerk_sun)
        each.act(decision, cast.dispatcher_li)
    city, sanitation = month_shares(cast.city.pk, MARCH, TODAY)
    assert sanitation.organisation == cast.bodies["sanitation"]
    assert (sanitation.dispatched, city.dispatched) == (5, 5)
    share = sanitation.shares["extension"]
    assert (share.granted, share.ratio, share.light) == (1, Decimal("0.2"), "red")
    assert sanitation.shares["return"].light == "green"
    listed = ledger_filter(
        ledger_of(cast.leader_tang, RequestKind.EXTENSION),
        cast.leader_tang,
        {"department": "sanitation", "month": "2026-03", "status": "approved"},
    )
    assert listed.count() == share.granted, "a figure and the list it opens are the same query"
    assert len(month_shares(cast.city.pk, MARCH.before, TODAY)) == 1


def test_a_departments_own_cap_comes_before_the_citys(cast, story):
    RequestCap.objects.create(
        city=cast.city,
        kind="extension",
        organisation=cast.bodies["sanitation"],
        ratio=Decimal(1),
        valid_from=TODAY,
    )
    story.act("request_extension", cast.clerk_sun)
    share = share_of(
        city_id=cast.city.pk,
        department_id=cast.bodies["sanitation"].pk,
        kind=RequestKind.EXTENSION,
        month=MARCH,
        today=TODAY,
    )
    assert (share.granted, share.dispatched, share.cap.ratio) == (0, 1, 1)
    assert share.with_one_more().light == "yellow"


# ── ledgers as pages and files ────────────────────────────────────────────────────────────────


@pytest.fixture
def page(cast):
    def get(name: str, address: str, **query):
        return browser_of(cast.people[name]).get(address, query)

    return get


def test_a_ledger_is_narrowed_by_what_stands_in_its_address(cast, story, page):
    other = Story(cast, metres=60).walk_to(State.FILED)
    other.act("dispatch", cast.dispatcher_li, department="gardens")
    other.act("request_return", cast.clerk_hua)
    story.act("request_return", cast.clerk_sun, reason_code="wrong_place")
    story.act("reject_return", cast.dispatcher_li)
    mine, theirs = story.case.number, other.case.number
    for query, shown, hidden in (
        ({"department": "gardens"}, theirs, mine),
        ({"status": "rejected"}, mine, theirs),
        ({"reason": "wrong_place"}, mine, theirs),
        ({"reason": "none"}, theirs, mine),
    ):
        text = page("supervisor_zhao", "/supervision/ledgers/return/", **query).text
        assert shown in text, query
        assert hidden not in text, query
    text = page("supervisor_zhao", "/supervision/ledgers/return/", month="2026-02").text
    assert mine not in text


@pytest.mark.parametrize(
    "query",
    [{"month": "2026-13"}, {"month": "x"}, {"status": "odd"}, {"department": "\x00"}, {"odd": "1"},
     {"department": "nobody"}, {"late": "no"}, {"format": "pdf"}, {"reason": "x" * 31}],
)  # fmt: skip
def test_a_filter_that_means_nothing_is_refused_in_words(story, page, query):
    answer = page("supervisor_zhao", "/supervision/ledgers/return/", **query)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


def test_a_ledger_shows_nothing_of_cases_the_reader_may_not_see(cast, story, page):
    story.act("request_return", cast.clerk_sun)
    assert story.case.number in page("clerk_sun", "/supervision/ledgers/return/").text
    assert story.case.number not in page("clerk_hua", "/supervision/ledgers/return/").text
    export = page("clerk_hua", "/supervision/ledgers/return/", format="csv")
    assert story.case.number not in export.content.decode()


def test_an_export_is_exactly_what_is_filtered_with_formulas_defused(cast, story, page):
    story.act("request_return", cast.clerk_sun, reason='=HYPERLINK("http://x")')
    other = Story(cast, metres=60).walk_to(State.HANDLING)
    other.act("request_return", cast.clerk_sun)
    other.act("reject_return", cast.dispatcher_li)
    query = {"status": "open", "format": "csv"}
    content = page("leader_tang", "/supervision/ledgers/return/", **query).content
    header, line = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    row = dict(zip(header, line, strict=True))
    assert row["Case"] == story.case.number
    assert row["In words"] == '\'=HYPERLINK("http://x")'
    assert row["Approval"] == "dispatcher"
    query["format"] = "xlsx"
    content = page("leader_tang", "/supervision/ledgers/return/", **query).content
    cells = list(load_workbook(io.BytesIO(content)).active.values)
    assert len(cells) == 2
    assert cells[1][0] == story.case.number
    assert cells[1][9].startswith("'=")


def test_who_decides_sees_the_cap_the_lateness_and_the_moved_review(cast, story, page):
    story.now = story.case.due_at + timedelta(hours=1)
    story.act("request_suspension", cast.clerk_sun, review_at="2026-10-01T09:00:00+08:00")
    address = f"/cases/{story.case.number}/actions/approve_suspension/"
    text = page("dispatcher_li", address).text
    assert "The cap is exceeded." in text  # 1 of 1
    assert "after the deadline" in text
    assert "moved to 2026-10-08" in text
    assert "decides now" in text


def test_a_review_set_for_a_day_is_shown_on_that_day(cast, story, page):
    story.act("request_suspension", cast.clerk_sun, review_at="2026-03-26")
    story.act("approve_suspension", cast.dispatcher_li)
    story.act("approve_suspension", cast.leader_tang)
    assert "review 03-26" in page("leader_tang", "/cases/").text


def test_suspended_cases_are_listed_by_age(cast, page):
    story = Story(cast, now=NOW).walk_to(State.SUSPENDED)
    text = page("leader_tang", "/supervision/suspended/").text
    assert story.case.number in text
    assert page("leader_tang", "/supervision/suspended/", age="odd").status_code == 400


def test_the_figures_of_suspended_cases_are_those_of_the_department_chosen(cast, page, monkeypatch):
    number = Story(cast).walk_to(State.SUSPENDED).case.number
    for department, count in (("gardens", 0), ("sanitation", 1)):
        answer = page("leader_tang", "/supervision/suspended/", department=department)
        whole, *by_age = (tab[2] for tab in answer.context["tabs"])
        assert whole == sum(by_age) == count
        assert (number in answer.text) is bool(count)
    Story(cast, metres=40).walk_to(State.SUSPENDED)
    monkeypatch.setattr(ledgers, "MOST_SUSPENDED", 1)
    assert "and 1 more" in page("leader_tang", "/supervision/suspended/").text
