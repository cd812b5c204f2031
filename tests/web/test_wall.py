"""The wall: its figures are those of the lists, its keys open nothing else, it names nobody."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta

import pytest
from django.db.models import Count
from django.test import Client
from django.utils import timezone

from cases.milestones import day_spans, milestone_of
from cases.models import Case, CaseEvent
from cases.models.history import MILESTONES
from cases.queues import light_of
from cases.services import case_report
from cases.workflow import ARROWS, OPEN_STATES, State
from desks.models import KioskKey, Wall, WallOrder
from desks.wall.day import DayOfCity
from desks.wall.open_cases import LIGHTS as WALL_LIGHTS
from desks.wall.open_cases import OpenCases
from desks.wall.scope import Scope
from desks.wall.services import kiosk_key_make, kiosk_key_revoke
from desks.wall.snapshot import EVALUATIONS, SNAPSHOTS
from evaluation.indicators import INDICATORS
from evaluation.loading import load_evaluation
from evaluation.periods import Period
from evaluation.selectors.figures import figure
from evaluation.selectors.standings import standings
from grid.models import Area, GridCell
from live.readers import readers_run
from live.services import events_sequence
from tests.cast import NOW, Cast, Story
from tests.databases import filled

DAY = timedelta(days=1)
SECRETS = ("陈秘密", "13912345678", "三幢二单元", "门口狗很凶")
LIGHTS = {1: "green", 2: "yellow", 3: "red"}


@pytest.fixture(autouse=True)
def at_the_time_of_the_story(monkeypatch):
    """Let the pages believe it is the moment of the story, and read everything anew."""
    monkeypatch.setattr("common.clock.now", lambda: NOW)
    for kept in (SNAPSHOTS, EVALUATIONS):
        kept.forget()
    yield
    for kept in (SNAPSHOTS, EVALUATIONS):
        kept.forget()


@pytest.fixture
def hall(cast: Cast) -> Wall:
    return Wall.objects.create(city=cast.city, code="hall", name="大厅", language="en")


@pytest.fixture
def xihu_wall(cast: Cast) -> Wall:
    district = Area.objects.get(code="330106")
    return Wall.objects.create(city=cast.city, code="xihu", name="西湖区", district=district)


@pytest.fixture
def screen_of(cast: Cast):
    """Return a browser that nobody logged in at, with a key of a wall."""

    def open_screen(wall: Wall) -> Client:
        _row, key = kiosk_key_make(wall=wall, label="", actor=cast.administrator_bai, now=NOW)
        return Client(headers={"x-wall-key": key, "accept-language": "en"})

    return open_screen


@filled("cast")
def cases_of_every_light(cast: Cast) -> None:
    """Cases of every stage and light: of today, of yesterday by this hour and later, overdue."""
    Story(cast, now=NOW - DAY - timedelta(minutes=5))
    Story(cast, now=NOW - DAY + timedelta(minutes=5))
    Story(cast, now=NOW - 20 * DAY).walk_to(State.HANDLING)
    for state in (State.REPORTED, State.ACCEPTED, State.FILED, State.HANDLING, State.HANDLED,
                  State.CHECKED, State.CLOSED, State.SUSPENDED):  # fmt: skip
        Story(cast, now=NOW - timedelta(minutes=30)).walk_to(state)
    events_sequence()


@pytest.fixture
def busy_city(cases_of_every_light: Cast) -> list[Story]:
    """Those cases, in the order they were told in."""
    cases = Case.objects.order_by("pk")
    return [Story(cases_of_every_light, now=case.reported_at, case=case) for case in cases]


def figures_of(client: Client, scope: str = "") -> dict:
    SNAPSHOTS.forget()
    answer = client.get("/wall/snapshot/", {"scope": scope})
    assert answer.status_code == 200, answer.content
    return answer.json()["figures"]


def listed(client: Client, **query) -> int:
    """Count the list that a figure links to."""
    answer = client.get("/api/v1/cases/", {"page_size": 100, **query})
    assert answer.status_code == 200, answer.content
    return len(answer.json()["results"])


# ── figures and lists ─────────────────────────────────────────────────────────────────────────


def test_every_figure_is_the_length_of_the_list_behind_it(busy_city, page_of):
    client = page_of("supervisor_zhao")
    figures = figures_of(client)
    day = f"{NOW:%Y-%m-%d}"
    for key, row in figures["today"].items():
        assert row["today"] == listed(client, **{f"{key}_after": day}), key
    assert figures["today"]["reported"]["today"] == 8
    assert figures["today"]["filed"]["today"] == 6
    assert figures["today"]["handled"]["today"] == 3
    assert figures["today"]["closed"]["today"] == 1
    assert [row["state"] for row in figures["stages"]] == list(OPEN_STATES)
    for row in figures["stages"]:
        assert sum(row["lights"]) == listed(client, state=row["state"]), row
        for place, light in LIGHTS.items():
            assert row["lights"][place] == listed(client, state=row["state"], light=light), row
    for hot in figures["hot"]:
        assert hot["today"] == listed(client, type=hot["code"], reported_after=day)


def added_up(scope: Scope, now: datetime) -> dict:
    """Add the open cases up plainly, with the condition that the lists use for a light."""
    states, districts, cells, oldest = Counter(), Counter(), {}, {}
    for case in scope.open_cases().annotate(light=light_of(now)):
        place = WALL_LIGHTS.index(case.light)
        states[case.state, case.light] += 1
        districts[case.district_id, case.light] += 1
        worst, count = cells.get(str(case.cell_id), (0, 0))
        cells[str(case.cell_id)] = [max(worst, place), count + 1]
        oldest[case.state] = min(oldest.get(case.state, case.reported_at), case.reported_at)
    return {"states": states, "districts": districts, "cells": cells, "oldest": oldest}


def followed(known: OpenCases, scope: Scope, now: datetime) -> dict:
    """Tell the same of what a process keeps in mind."""
    totals = known.totals(scope, now)
    by_light = {
        name: Counter(
            {(key, light): count for key, lit in part.items() for light, count in lit.items()}
        )
        for name, part in (("states", totals.states), ("districts", totals.districts))
    }
    return by_light | {"cells": totals.cells, "oldest": totals.oldest}


def test_what_is_kept_in_mind_of_open_cases_stays_what_the_database_says(cast, busy_city):
    city = Scope(cast.city.pk)
    scopes = [
        city,
        *(Scope(city.city, area.pk) for area in Area.objects.filter(level=Area.Level.DISTRICT)),
    ]
    known = OpenCases(city.city)

    def compare(now: datetime) -> None:
        for scope in scopes:
            assert followed(known, scope, now) == added_up(scope, now), (scope, now)

    moments = Case.objects.filter(is_open=True, due_at__isnull=False).values_list(
        "warn_at", "due_at"
    )
    for moment in sorted({at for pair in moments for at in pair}):
        for late_by in range(-1, 2):
            compare(moment + timedelta(microseconds=late_by))
    compare(NOW)  # a clock that goes back
    busy_city[-5].act("complete", cast.clerk_sun)
    Story(cast, now=NOW).walk_to(State.FILED)
    Story(cast, now=NOW).walk_to(State.CLOSED)
    events_sequence()
    compare(NOW)
    compare(NOW + 30 * DAY)


def counted(scope: Scope, now: datetime) -> dict:
    """Count both days plainly, with the conditions of the lists."""
    found = {}
    for name, (since, until) in day_spans(now).items():
        for milestone, condition in MILESTONES.items():
            steps = CaseEvent.objects.filter(condition, at__gte=since, at__lt=until)
            found[milestone, name] = scope.cases().filter(events__in=steps).distinct().count()
        reported = scope.cases().filter(reported_at__gte=since, reported_at__lt=until)
        for type_id, count in reported.order_by().values_list("type").annotate(n=Count("pk")):
            found[type_id, name] = count
    return {key: count for key, count in found.items() if count}


def test_what_is_kept_in_mind_of_the_day_stays_what_the_database_says(cast, busy_city):
    city = Scope(cast.city.pk)
    districts = Area.objects.filter(level=Area.Level.DISTRICT)
    scopes = [city, *(Scope(city.city, area.pk) for area in districts)]
    known = DayOfCity(city.city)

    def compare(now: datetime) -> None:
        for scope in scopes:
            passed = known.passed(scope, now)
            told = {
                (what, name): count
                for what, by_span in (passed.milestones | passed.reported).items()
                for name, count in by_span.items()
                if count
            }
            assert told == counted(scope, now), (scope, now)

    for now in (NOW, NOW - timedelta(hours=5), NOW + DAY, NOW + 2 * DAY, NOW):
        compare(now)
    busy_city[-5].act("complete", cast.clerk_sun)
    other = Story(cast, now=NOW).walk_to(State.FILED)
    Story(cast, now=NOW).walk_to(State.CLOSED)
    moved = next(area for area in districts if area.pk != other.case.district_id)
    Case.objects.filter(pk=other.case.pk).update(district=moved)  # the act below tells of it
    other.act("dispatch", cast.dispatcher_li, department="sanitation", reason="环卫")
    events_sequence()
    compare(NOW)
    compare(NOW + DAY)


@pytest.mark.parametrize("state", State)
def test_a_step_passes_the_milestone_that_its_condition_names(cast, state):
    story = Story(cast).walk_to(State.CLOSED)
    CaseEvent.objects.bulk_create(
        CaseEvent(
            case=story.case, sequence=100 + place, run=1, action=action, new_state=state, at=NOW
        )
        for place, action in enumerate(sorted({arrow.action for arrow in ARROWS}))
    )
    events = CaseEvent.objects.filter(sequence__gte=100)
    passed = {name: set(events.filter(condition)) for name, condition in MILESTONES.items()}
    for event in events:
        named = [name for name in MILESTONES if event in passed[name]]
        assert [milestone_of(event.action, event.new_state)] == (named or [None]), event.action


def test_who_looked_at_the_clock_a_moment_ago_has_nothing_read_anew(
    cast, busy_city, django_assert_num_queries
):
    city, known = Scope(cast.city.pk), OpenCases(cast.city.pk)
    told = known.totals(city, NOW)
    with django_assert_num_queries(1):
        assert known.totals(city, NOW - timedelta(seconds=1)) == told
    with django_assert_num_queries(2):  # a clock that goes back: the log's head, the cases
        known.totals(city, NOW - timedelta(minutes=1))


def test_yesterday_counts_until_the_same_hour(busy_city, page_of):
    reported = figures_of(page_of("supervisor_zhao"))["today"]["reported"]
    assert reported["yesterday"] == 1, "not the one of five minutes later"


def test_the_parts_add_up_to_the_whole(busy_city, page_of):
    client = page_of("leader_tang")
    figures = figures_of(client)
    whole = sum(sum(row["lights"]) for row in figures["stages"])
    late = sum(row["lights"][3] for row in figures["stages"])
    assert whole == listed(client, state=",".join(OPEN_STATES))
    assert late == listed(client, light="red") > 0
    assert sum(count for _light, count in figures["cells"].values()) == whole
    assert sum(count for count, _late in figures["districts"].values()) == whole
    assert sum(late for _count, late in figures["districts"].values()) == late
    assert max(light for light, _count in figures["cells"].values()) == 3, "the worst light"


def test_a_district_shows_what_lies_in_it_and_nothing_else(busy_city, page_of):
    client = page_of("supervisor_zhao")
    assert figures_of(client, "330106") | {"scope": ""} == figures_of(client) | {"scope": ""}
    empty = figures_of(client, "330105")
    assert not empty["cells"]
    assert not empty["news"]
    assert not any(sum(row["lights"]) for row in empty["stages"])
    assert not any(figure["today"] for figure in empty["today"].values())
    assert client.get("/wall/snapshot/", {"scope": "999999"}).status_code == 404


def test_the_longest_overdue_and_the_newest_steps_come_first(busy_city, page_of):
    figures = figures_of(page_of("supervisor_zhao"))
    dues = [row["due"] for row in figures["overdue"]]
    assert dues == sorted(dues)
    assert figures["overdue"][0]["number"] == busy_city[2].case.number
    positions = [row["position"] for row in figures["news"]]
    assert positions == sorted(positions, reverse=True)
    assert len(positions) == 5
    assert figures["news"][0]["at"] <= figures["at"]


def test_the_snapshot_takes_no_more_queries_for_more_cases(
    cast, busy_city, page_of, django_assert_max_num_queries
):
    client = page_of("supervisor_zhao")
    SNAPSHOTS.forget()
    with django_assert_max_num_queries(12):  # ten of the figures, session and person
        client.get("/wall/snapshot/", headers={"accept": "application/json"})
    with django_assert_max_num_queries(2):  # shared for a second by everybody who looks
        client.get("/wall/snapshot/", headers={"accept": "application/json"})


def test_rates_and_ranks_are_evaluation_s_own(busy_city, page_of):
    client = page_of("supervisor_zhao")
    EVALUATIONS.forget()
    before = client.get("/wall/evaluation/").json()["figures"]
    assert before["on_time"] is None, "without facts nothing is said"
    load_evaluation()
    readers_run(now=NOW)
    EVALUATIONS.forget()
    told = client.get("/wall/evaluation/").json()["figures"]
    period = Period.of("day", timezone.localdate(NOW))
    _value, counts = figure("handling_in_time_rate", period=period, now=NOW)
    indicator = INDICATORS["handling_in_time_rate"]
    assert told["on_time"]["days"][-1] == [indicator.above(counts), indicator.below(counts)]
    month = Period.of("month", timezone.localdate(NOW))
    ranks = {
        row.key: row.place.rank
        for row in standings("district", period=month, now=NOW).rows
        if row.place.rank
    }
    shown = told["districts"]["rows"] if told["districts"] else []
    assert {row["id"]: row["rank"] for row in shown} == ranks


# ── people, keys and what they may see ────────────────────────────────────────────────────────


def test_only_who_sees_the_whole_city_opens_the_wall(cast, page_of):
    for name in ("supervisor_zhao", "leader_tang", "acceptor_wang", "administrator_bai"):
        assert page_of(name).get("/wall/").status_code == 200, name
    for name in ("clerk_sun", "dispatcher_xihu", "collector_chen", "partner_dong"):
        assert page_of(name).get("/wall/").status_code == 403, name
        assert page_of(name).get("/wall/snapshot/").status_code == 403, name
    assert Client().get("/wall/").status_code == 302


def test_a_key_opens_its_wall_and_nothing_else(busy_city, hall, screen_of):
    screen = screen_of(hall)
    page = screen.get("/wall/")
    assert page.status_code == 200
    assert "Open cases" in page.content.decode(), "in the language of the wall"
    assert figures_of(screen)["cells"]
    for path in ("/cases/", "/supervision/", "/map/", "/tiles/cases/12/3416/1686.mvt"):
        assert screen.get(path).status_code == 302, path
    assert screen.get("/api/v1/cases/").status_code == 401
    assert screen.post("/wall/remote/hall/", {"scene": "overview"}).status_code == 302


def test_a_district_s_key_sees_its_district_only(cast, busy_city, xihu_wall, screen_of, page_of):
    screen = screen_of(xihu_wall)
    assert figures_of(screen)["scope"] == "330106"
    for scope in ("city", "330105", "\0"):
        assert screen.get("/wall/snapshot/", {"scope": scope}).status_code == 404, scope
        assert screen.get("/wall/evaluation/", {"scope": scope}).status_code == 404, scope
        assert screen.get("/wall/ground/", {"scope": scope}).status_code == 404, scope
    number = busy_city[0].case.number
    assert screen.get("/wall/cards/", {"case": number}).status_code == 200
    inside = busy_city[0].case.cell_id
    outside = GridCell.objects.filter(community__parent__parent__code="330105").first().pk
    drawn = screen.get("/wall/ground/", {"cells": f"{inside},{outside}"}).json()["cells"]
    assert drawn["ids"] == [inside]
    other = Wall.objects.create(
        city=cast.city, code="gongshu", name="拱墅区", district=Area.objects.get(code="330105")
    )
    elsewhere = screen_of(other)
    assert elsewhere.get("/wall/cards/", {"case": number}).status_code == 404
    assert (
        "No open case"
        in page_of("leader_tang").get("/wall/cards/", {"cell": "999"}).content.decode()
    )


def test_a_revoked_key_is_refused_at_once(cast, hall, screen_of):
    screen = screen_of(hall)
    assert screen.get("/wall/snapshot/").status_code == 200
    key = KioskKey.objects.get()
    assert key.seen_at is None or key.seen_at
    kiosk_key_revoke(key_id=key.pk, actor=cast.administrator_bai, now=NOW)
    pages = ("", "snapshot/", "evaluation/", "ground/", "cards/")
    for path in (f"/wall/{page}" for page in pages):
        assert screen.get(path).status_code == 404, path
    key.refresh_from_db()
    assert (key.revoked_by, key.revoked_at) == (cast.administrator_bai, NOW)


def test_a_key_is_kept_as_a_digest_and_shown_once(cast, hall, page_of):
    admin = page_of("administrator_bai")
    sent = admin.post("/admin/desks/kioskkey/add/", {"wall": hall.pk, "label": "一楼"}, follow=True)
    assert sent.status_code == 200
    shown = sent.content.decode()
    key = shown.split("/wall/?key=")[1][:32]
    assert Client().get("/wall/", {"key": key}).status_code == 200
    row = KioskKey.objects.get()
    assert key not in json.dumps([row.digest, row.label])
    assert key not in admin.get("/admin/desks/kioskkey/").content.decode()
    admin.post(
        "/admin/desks/kioskkey/", {"action": "revoke", "_selected_action": [row.pk]}, follow=True
    )
    assert Client().get("/wall/", {"key": key}).status_code == 404


@pytest.mark.parametrize("key", ["", "x", "\0", "x" * 32, "大屏"])
def test_what_is_no_key_opens_nothing(cast, key):
    answer = Client().get("/wall/", {"key": key})
    assert answer.status_code == (404 if key else 302)


# ── the remote control ────────────────────────────────────────────────────────────────────────


def order_of(client: Client) -> dict | None:
    return figures_of(client)["orders"].get("hall")


def test_the_shift_drives_a_wall_and_every_order_is_kept(cast, hall, page_of, screen_of):
    screen, shift = screen_of(hall), page_of("supervisor_zhao")
    assert order_of(screen) is None
    told = {"scene": "district", "district": "330105", "held": "on"}
    answer = shift.post("/wall/remote/hall/", told)
    assert answer.status_code == 200
    assert "supervisor_zhao" in answer.content.decode()
    order = order_of(screen)
    assert order | {"id": 0} == {"id": 0, "scene": "district", "district": "330105", "held": True}
    shift.post("/wall/remote/hall/", told)
    assert WallOrder.objects.count() == 1, "a second click adds nothing"
    page_of("leader_tang").post("/wall/remote/hall/", {"scene": ""})
    assert order_of(screen)["scene"] == ""
    kept = WallOrder.objects.order_by("pk").values_list("actor__username", "scene", "is_held")
    assert list(kept) == [("supervisor_zhao", "district", True), ("leader_tang", "", False)]
    assert "Command" not in shift.get("/supervision/panels/walls/").content.decode()
    assert 'data-wall="hall"' in shift.get("/supervision/panels/walls/").content.decode()


def test_only_the_shift_drives_and_only_to_what_there_is(cast, hall, xihu_wall, page_of):
    for name in ("acceptor_wang", "clerk_sun", "administrator_bai"):
        assert page_of(name).post("/wall/remote/hall/", {"scene": ""}).status_code == 403, name
    shift = page_of("supervisor_zhao")
    assert shift.post("/wall/remote/nowhere/", {"scene": ""}).status_code == 404
    assert shift.post("/wall/remote/hall/", {"scene": "nonsense"}).status_code == 400
    beyond = {"scene": "district", "district": "330105"}
    refused = shift.post("/wall/remote/xihu/", beyond)
    assert refused.status_code == 400
    assert "This wall does not show that district." in refused.content.decode()
    assert not WallOrder.objects.exists()
    assert shift.get("/wall/remote/hall/").status_code == 405


# ── nobody's name ─────────────────────────────────────────────────────────────────────────────


def test_nothing_personal_is_in_anything_a_wall_is_sent(cast, hall, page_of, screen_of):
    name, phone, address, note = SECRETS
    lon, lat = cast.place
    case = case_report(
        actor=cast.acceptor_wang,
        source="hotline",
        lon=lon,
        lat=lat,
        now=NOW - 20 * DAY,
        type_code="E0102",
        description=note,
        address=address,
        reporter_name=name,
        reporter_phone=phone,
    )
    story = Story(cast, now=NOW - 20 * DAY, case=case)
    story.act("accept", cast.acceptor_wang, address=address)
    story.act("file", cast.supervisor_zhao)
    story.act("dispatch", cast.dispatcher_li, reason=note)
    events_sequence()
    people = [*SECRETS, *(user.username for user in cast.everybody())]
    for client in (screen_of(hall), page_of("leader_tang")):
        for path in (
            "/wall/snapshot/",
            "/wall/evaluation/",
            "/wall/ground/",
            f"/wall/ground/?cells={case.cell_id}",
            f"/wall/cards/?case={case.number}",
            f"/wall/cards/?cell={case.cell_id}",
            "/wall/",
        ):
            SNAPSHOTS.forget()
            answer = client.get(path)
            assert answer.status_code == 200
            sent = answer.content.decode()
            assert not [secret for secret in people if secret in sent], path
    card = screen_of(hall).get(f"/wall/cards/?case={case.number}").content.decode()
    assert case.number in card
    assert "sanitation" in card
    assert "overdue" in card or "over" in card
    assert f"/cases/{case.number}/" not in card, "a screen has nowhere to go"
    assert (
        f"/cases/{case.number}/"
        in page_of("leader_tang").get(f"/wall/cards/?case={case.number}").content.decode()
    )
