"""The shift log and its hand-over, what the supervisor's table tells, notices with receipts."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from accounts.roles import Role
from cases.workflow import State
from common import clock
from desks.models import Notice, NoticeReceipt, ShiftEntry, ShiftHandover
from desks.supervision import first_of_each, queue_table, state_counts, today_figures
from desks.wall.snapshot import EVALUATIONS
from evaluation.loading import load_evaluation
from live.readers import readers_run
from tests.cast import NOW, Story


@pytest.fixture(autouse=True)
def at_ten(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def next_shift(cast):
    """Who has the next shift."""
    return cast.hire("supervisor_next", "centre", Role.SHIFT_SUPERVISOR)


# ── the shift ─────────────────────────────────────────────────────────────────────────────────


def test_a_shift_is_handed_over_with_its_open_points_and_received_by_the_next(
    cast, page_of, next_shift
):
    number = Story(cast).case.number
    client, after = page_of("supervisor_zhao"), page_of("supervisor_next")
    entry = "/supervision/shift/entries/"
    client.post(entry, {"text": "德胜路污水外溢，水务已到场", "case": number, "is_point": "on"})
    client.post(entry, {"text": "普通记事"})
    client.post("/supervision/shift/hand-over/", {"note": "夜市周边占道，18:00 前回复"})
    handover = ShiftHandover.objects.get()
    assert [point["case"] for point in handover.points] == [number]
    assert handover.figures == {"reported": [1, 0]}
    receive = f"/supervision/shift/{handover.pk}/receive/"
    refused = client.post(receive)
    assert refused.status_code == 403
    assert "the next shift receives it" in refused.text
    assert "夜市周边占道" in after.get("/supervision/panels/shift/").text
    assert after.post(receive).status_code == 302
    assert after.post(receive).status_code == 409
    handover.refresh_from_db()
    assert handover.received_by == next_shift
    point = ShiftEntry.objects.get(is_point=True)
    assert "德胜路" in after.get("/supervision/panels/shift/").text  # goes on until it is ticked
    after.post(f"/supervision/shift/points/{point.pk}/")
    assert "德胜路" not in after.get("/supervision/panels/shift/").text


def test_one_hand_over_waits_at_a_time_and_leaders_only_look(cast, page_of):
    client = page_of("supervisor_zhao")
    assert client.post("/supervision/shift/hand-over/").status_code == 302
    assert client.post("/supervision/shift/hand-over/").status_code == 409
    leader = page_of("leader_tang")
    assert leader.get("/supervision/shift/").status_code == 200
    assert leader.post("/supervision/shift/entries/", {"text": "x"}).status_code == 403
    for odd in ({"text": ""}, {"text": "x" * 501}, {"text": "x", "case": "\x00"}):
        assert client.post("/supervision/shift/entries/", odd).status_code == 400


def table_of(user):
    counts = state_counts(user, NOW)
    first = first_of_each(user, NOW, counts)[""]
    return queue_table(user, NOW, counts, first)


# ── the table ─────────────────────────────────────────────────────────────────────────────────


def test_the_table_says_in_whose_hands_cases_are_and_where_they_pile_up(cast):
    for number in range(3):
        Story(cast, metres=40 * number).walk_to(State.DISPATCHED)
    Story(cast, metres=200).walk_to(State.CHECKING)
    before = Story(cast, NOW - timedelta(hours=3), metres=300).walk_to(State.ACCEPTED)
    rows = {row["state"]: row for row in table_of(cast.supervisor_zhao)}
    given_out = rows["dispatched"]
    assert [(body.code, count) for body, count in given_out["bodies"]] == [("sanitation", 3)]
    assert rows["checking"]["people"] == [("collector_lin", 1)]
    assert (given_out["came"], given_out["went"], given_out["net"]) == (4, 1, 3)
    assert given_out["is_bottleneck"]
    assert (rows["accepted"]["came"], rows["accepted"]["went"]) == (4, 4)  # not the one before
    assert rows["accepted"]["urgent"] == before.case


def test_the_day_is_counted_from_midnight_beside_yesterday_by_this_hour(cast):
    Story(cast, NOW - timedelta(days=1, minutes=1))
    Story(cast, NOW - timedelta(hours=20), metres=40)  # yesterday, later than now
    Story(cast, metres=80).walk_to(State.CLOSED)
    told = today_figures(cast.supervisor_zhao, NOW)
    with translation.override("en"):
        figures = {str(row["label"]): (row["today"], row["yesterday"]) for row in told["figures"]}
    assert figures == {"Reported": (1, 1), "Filed": (1, 0), "Handled": (1, 0), "Closed": (1, 0)}


def test_the_day_s_on_time_rate_is_the_wall_s_and_says_of_what_it_is(cast, page_of):
    Story(cast).walk_to(State.CLOSED)
    late = Story(cast, NOW - timedelta(hours=14, minutes=15), metres=40).walk_to(State.DISPATCHED)
    assert NOW - timedelta(hours=1) < late.case.due_at < NOW, "fell due today, and is still open"
    load_evaluation()
    readers_run(now=NOW)
    client = page_of("supervisor_zhao")
    EVALUATIONS.forget()
    part, whole = client.get("/wall/evaluation/").json()["figures"]["on_time"]["days"][-1]
    told = today_figures(cast.supervisor_zhao, NOW)["on_time"]
    assert (told["part"], told["whole"], told["share"]) == (part, whole, "50.0%")
    panel = client.get("/supervision/panels/today/").text
    assert f"{part} of {whole} due" in panel
    behind = client.get(told["url"]).text
    assert len(set(re.findall(r'href="/cases/(\d+)/"', behind))) == whole == 2


def test_a_request_comes_with_what_the_approver_must_know(cast, page_of):
    story = Story(cast).walk_to(State.HANDLING)
    story.act("request_suspension", cast.clerk_sun, reason="等待产权单位")
    story.act("approve_suspension", cast.dispatcher_li)
    panel = page_of("leader_tang").get("/supervision/panels/decisions/").text
    assert "in time" in panel
    assert "share this month" in panel


def test_the_supervisors_page_takes_twelve_queries(cast, page_of):
    for state in (State.ACCEPTED, State.DISPATCHED, State.CHECKING, State.CHECKED):
        Story(cast, metres=10 * len(state)).walk_to(state)
    client = page_of("supervisor_zhao")
    client.get("/supervision/")
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/supervision/").status_code == 200
    assert len(queries) <= 12, [query["sql"][:90] for query in queries]


# ── notices ───────────────────────────────────────────────────────────────────────────────────


def publish(client, **fields):
    local = timezone.localtime(NOW)
    sent = {
        "title": "台风预警",
        "text": "今夜起停收户外广告案卷。",
        "starts_at": f"{local:%Y-%m-%dT%H:%M}",
        "ends_at": f"{local + timedelta(days=2):%Y-%m-%dT%H:%M}",
        "key": str(uuid4()),
    }
    return client.post("/notices/", sent | fields)


def test_a_notice_and_an_entry_sent_twice_are_one(cast, page_of):
    client = page_of("supervisor_zhao")
    for _twice in range(2):
        assert publish(client, key="pressed-twice").status_code == 302
    assert Notice.objects.count() == 1
    assert publish(client, key="another").status_code == 302
    assert Notice.objects.count() == 2
    key = re.search(r'name="key" value="([^"]+)"', client.get("/supervision/shift/").text)[1]
    for _twice in range(2):
        client.post("/supervision/shift/entries/", {"text": "水务已到场", "key": key})
    assert ShiftEntry.objects.count() == 1


def test_a_notice_stands_on_the_desks_it_is_for_until_it_is_read(cast, page_of):
    publisher = page_of("supervisor_zhao")
    bodies = [cast.bodies["xihu"].pk]
    answer = publish(publisher, roles=["dispatcher", "department_clerk"], organisations=bodies)
    assert answer.status_code == 302
    strip = "/notices/strip/"
    desk = page_of("dispatcher_xihu")
    assert "台风预警" in desk.get(strip).text
    for other in ("dispatcher_li", "collector_chen"):  # another body, another role
        assert "台风预警" not in page_of(other).get(strip).text
        assert page_of(other).get("/notices/1/").status_code == 404
    notice = next(iter(desk.get(strip).context["notices"]))
    for _twice in range(2):
        desk.post(f"/notices/{notice.pk}/read/")
    assert NoticeReceipt.objects.get().person == cast.dispatcher_xihu
    assert "台风预警" not in desk.get(strip).text
    assert "1 have read it, 0 not" in publisher.get(f"/notices/{notice.pk}/").text


def test_a_notice_shown_once_comes_with_every_page_until_it_is_read(cast, page_of):
    publish(page_of("supervisor_zhao"))
    reader, page = page_of("clerk_sun"), "/notifications/"
    assert "台风预警" not in reader.get(page).text  # the page fetches the strip
    notice = next(iter(reader.get("/notices/strip/").context["notices"]))
    shown = reader.get(page).text
    assert "台风预警" in shown
    assert "/notices/strip/" not in shown  # nothing comes later and pushes the page down
    reader.post(f"/notices/{notice.pk}/read/")
    read = reader.get(page).text
    assert "台风预警" not in read
    assert "/notices/strip/" in read
    reader.get("/notices/strip/")
    assert "notices" not in reader.cookies or not reader.cookies["notices"].value


def test_a_notice_is_withdrawn_and_ends_by_itself(cast, page_of, monkeypatch):
    publisher, reader = page_of("leader_tang"), page_of("clerk_sun")
    publish(publisher)
    notice = next(iter(reader.get("/notices/strip/").context["notices"]))
    assert page_of("clerk_sun").post(f"/notices/{notice.pk}/withdraw/").status_code == 403
    with monkeypatch.context() as later:
        later.setattr(clock, "now", lambda: NOW + timedelta(days=2))
        assert "台风预警" not in reader.get("/notices/strip/").text
    publisher.post(f"/notices/{notice.pk}/withdraw/")
    assert "台风预警" not in reader.get("/notices/strip/").text


def test_only_publishers_publish_and_odd_notices_are_refused(cast, page_of):
    assert publish(page_of("acceptor_wang")).status_code == 404
    publisher = page_of("administrator_bai")
    for odd in ({"title": ""}, {"text": "\x00"}, {"ends_at": "2020-01-01T00:00"}, {"roles": ["x"]}):
        assert publish(publisher, **odd).status_code == 400
