"""The cases part of API v1: reporting, reading, acting."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import IdempotentRequest
from cases.api import serializers
from cases.models import Case, CaseEvent, NumberCounter
from cases.services import case_report
from cases.workflow import ACTIONS, State
from tests.cast import NOW, PASSWORD, Story, photo_of

HUBIN = (120.1600, 30.2520)  # 湖滨街道 in 上城, another district than the usual place


def keys(serializer) -> set[str]:
    """Return the fields a serializer documents."""
    return set(serializer().fields)


# ── log-in ────────────────────────────────────────────────────────────────────────────────────


def test_a_token_is_given_for_the_right_password_only(cast, client, assert_refused):
    def log_in(**body):
        return client.post("/api/v1/auth/token/", body, content_type="application/json")

    token = log_in(username="acceptor_wang", password=PASSWORD).json()["token"]
    headers = {"Authorization": f"Token {token}"}
    assert client.get("/api/v1/cases/", headers=headers).status_code == 200
    assert_refused(log_in(username="acceptor_wang", password="x"), 400, "invalid")
    assert_refused(log_in(username="acceptor_wang"), 400, "missing_field", "password")


def test_without_a_token_nothing_is_told(cast, client):
    for path in ("cases/", "events/", "meta/", "organisations/", "catalogue/types/", "cases/1/"):
        assert client.get(f"/api/v1/{path}").status_code == 401


# ── reporting ─────────────────────────────────────────────────────────────────────────────────


def test_a_report_becomes_a_case(collector, cast):
    photo = collector.photo()
    answer = collector.report(photos=[photo], reporter={"name": "陈", "phone": "138"})
    assert answer.status_code == 201
    document = answer.json()
    assert keys(serializers.CaseDetailsSerializer) == set(document)
    day = timezone.localdate()
    assert document["number"] == f"{day:%Y%m%d}00001"
    assert (document["state"], document["version"], document["type"]) == ("reported", 1, "E0102")
    assert (document["district"], len(document["cell"])) == ("330106", 15)
    assert {clock["kind"] for clock in document["clocks"]} == {"whole", "accept"}
    assert [photo["id"] for photo in document["photos"]] == [photo]
    assert document["actions"] == [], "a collector has nothing to do with it now"
    assert document["reporter"] is None, "nor do they see personal data"


def test_who_may_see_personal_data_sees_the_reporter(acceptor, api_of):
    number = acceptor.report(source="hotline", reporter={"name": "陈", "phone": "138"}).json()
    number = number["number"]
    assert acceptor.get(f"cases/{number}/").json()["reporter"] == {"name": "陈", "phone": "138"}
    assert api_of("inspector_he").get(f"cases/{number}/").json()["reporter"] is None


@pytest.mark.parametrize(
    ("source", "allowed"),
    [
        ("collector", {"collector_chen"}),
        ("hotline", {"acceptor_wang"}),
        ("public", {"acceptor_wang", "partner_dong"}),
        ("sensor", {"partner_dong"}),
        ("leader", {"leader_tang"}),
        ("media", {"acceptor_wang"}),
        ("video", {"acceptor_wang", "partner_dong"}),
    ],
)
def test_a_source_is_claimed_only_by_its_roles(api_of, assert_refused, source, allowed):
    for name in ("collector_chen", "acceptor_wang", "partner_dong", "leader_tang", "clerk_sun",
                 "dispatcher_li", "supervisor_zhao", "inspector_he", "root"):  # fmt: skip
        answer = api_of(name).report(source=source)
        if name in allowed:
            assert answer.status_code == 201
        else:
            assert_refused(answer, 403, "role_refused")


def test_an_unknown_source_is_refused(collector, assert_refused):
    assert_refused(collector.report(source="rumour"), 400, "invalid", "source")
    assert_refused(collector.report(source=None), 400, "missing_field", "source")


def test_numbers_have_no_gap_after_a_refusal(collector, cast):
    collector.report()
    collector.report(type="C9999")
    collector.report(photos=[photo_of(cast.collector_lin)])
    collector.report()
    last = [
        number[-5:] for number in Case.objects.order_by("number").values_list("number", flat=True)
    ]
    assert last == ["00001", "00002"]
    assert NumberCounter.objects.get().last == 2


# ── the same key again ────────────────────────────────────────────────────────────────────────


def test_the_same_key_and_body_get_the_same_case(collector):
    first = collector.report(key="k-1")
    again = collector.report(key="k-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert Case.objects.count() == 1
    assert collector.report(key="k-2").json()["number"] != first.json()["number"]


def test_the_same_key_with_another_body_is_refused(collector, assert_refused):
    collector.report(key="k-1")
    answer = collector.report(key="k-1", description="另一件事")
    assert_refused(answer, 409, "key_reused", "Idempotency-Key")
    assert Case.objects.count() == 1


def test_a_key_belongs_to_its_user_and_its_operation(collector, acceptor, assert_refused):
    case = collector.report(key="k-1").json()
    assert acceptor.report(key="k-1", source="hotline").status_code == 201
    body = {"version": 1}
    other = collector.post(f"cases/{case['number']}/actions/accept/", body, "k-1")
    assert_refused(other, 409, "key_reused")


def test_a_refused_write_may_be_sent_again_with_its_key(collector, assert_refused):
    assert_refused(collector.report(key="k-1", type="C9999"), 400, "invalid")
    assert not IdempotentRequest.objects.exists()
    assert collector.report(key="k-1").status_code == 201


def test_a_key_of_101_characters_is_refused(collector, assert_refused):
    assert_refused(collector.report(key="k" * 101), 400, "invalid")
    assert collector.report(key="k" * 100).status_code == 201


def test_a_resent_act_gets_its_first_answer_though_its_version_is_stale(
    collector, acceptor, assert_refused
):
    number = collector.report().json()["number"]
    body = {"version": 1, "type": "E0102"}
    path = f"cases/{number}/actions/accept/"
    first = acceptor.post(path, body, "k-1")
    assert (first.status_code, first.json()["state"]) == (200, "accepted")
    again = acceptor.post(path, body, "k-1")
    assert (again.status_code, again.json()) == (200, first.json())
    assert CaseEvent.objects.count() == 2
    assert_refused(acceptor.post(path, body, "k-2"), 409, "stale_version")


# ── acting ────────────────────────────────────────────────────────────────────────────────────


def test_an_action_returns_the_case_as_it_is_then(acceptor, cast):
    answer = acceptor.act(Story(cast).case, "accept")
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["version"]) == ("accepted", 2)
    assert "refuse" not in {action["action"] for action in answer.json()["actions"]}


def test_refusals_say_so_in_the_order_of_the_contract(cast, api_of, assert_refused):
    number = Story(cast).walk_to(State.HANDLING).case.number
    wrong = {"version": 1, "request": 1}
    act = lambda name, action, **body: api_of(name).post(  # noqa: E731
        f"cases/{number}/actions/{action}/", body
    )
    assert_refused(act("inspector_he", "explode", **wrong), 404, "not_found")
    assert_refused(act("partner_dong", "approve_return", **wrong), 404, "not_found")
    assert_refused(act("inspector_he", "approve_return", **wrong), 403, "role_refused")
    assert_refused(act("dispatcher_li", "approve_return", **wrong), 409, "stale_version")
    wrong["version"] = Case.objects.get().version
    assert_refused(act("dispatcher_li", "approve_return", **wrong), 409, "not_possible")
    assert_refused(act("clerk_sun", "complete"), 400, "missing_field", "version")
    document = act("clerk_sun", "complete", version=wrong["version"])
    assert_refused(document, 400, "missing_field", "photos", "note", "closing_answers")


def test_a_409_carries_the_case_as_it_is_now(acceptor, cast, assert_refused):
    case = Story(cast).case
    acceptor.act(case, "accept")
    document = assert_refused(acceptor.act(case, "accept", version=1), 409, "stale_version")
    assert (document["case"]["state"], document["case"]["version"]) == ("accepted", 2)
    document = assert_refused(acceptor.act(case, "accept"), 409, "not_possible")
    assert document["case"]["number"] == case.number
    assert "case" not in assert_refused(acceptor.act(case, "close"), 403, "role_refused")


def test_what_a_person_may_not_see_does_not_exist_for_them(cast, api_of, assert_refused):
    number = Story(cast).case.number
    stranger = api_of("clerk_hua")
    for path in (f"cases/{number}/", f"cases/{number}/events/", "cases/20260101/"):
        assert_refused(stranger.get(path), 404, "not_found")
    assert_refused(stranger.act(number, "sign"), 404, "not_found")
    assert stranger.get("cases/").json()["results"] == []


def test_the_actions_of_a_case_are_those_the_door_takes(cast, api_of):
    number = Story(cast).walk_to(State.HANDLING).case.number
    document = api_of("clerk_sun").get(f"cases/{number}/").json()
    offered = {action["action"] for action in document["actions"]}
    assert {"complete", "request_return", "request_extension"} <= offered
    assert set(ACTIONS) >= offered
    for name in ("inspector_he", "collector_chen", "administrator_bai"):
        assert api_of(name).get(f"cases/{number}/").json()["actions"] == []


def test_every_part_of_a_case_has_the_documented_keys(cast, api_of):
    story = Story(cast).walk_to(State.HANDLING)
    story.act("request_extension", cast.clerk_sun)
    for action in ("complete",):
        story.act(action, cast.clerk_sun)
    document = api_of("acceptor_wang").get(f"cases/{story.case.number}/").json()
    assert set(document) == keys(serializers.CaseDetailsSerializer)
    for part, serializer in (
        ("clocks", serializers.ClockSerializer),
        ("photos", serializers.PhotoUseSerializer),
        ("requests", serializers.RequestSerializer),
        ("actions", serializers.ActionSerializer),
    ):
        assert document[part]
        for row in document[part]:
            assert set(row) == keys(serializer)
    assert set(document["history"]) == keys(serializers.HistorySerializer)
    assert set(document["limit"]) == keys(serializers.LimitSerializer)


# ── history ───────────────────────────────────────────────────────────────────────────────────


def test_the_steps_of_a_case_are_told_from_the_first(cast, api_of):
    story = Story(cast).walk_to(State.DISPATCHED)
    rows = api_of("inspector_he").get(f"cases/{story.case.number}/events/").json()
    assert [row["action"] for row in rows] == ["report", "accept", "file", "dispatch"]
    assert [row["sequence"] for row in rows] == [1, 2, 3, 4]
    assert all(set(row) == keys(serializers.EventSerializer) for row in rows)
    chained = zip([None, *(row["hash"] for row in rows)], rows, strict=False)
    assert all(row["previous_hash"] == before for before, row in chained)


# ── lists ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def three_cases(cast):
    """One here and old, one far away and new, one with a department and nearly due."""
    now = timezone.now()
    here = Story(cast).case
    lon, lat = HUBIN
    away = case_report(
        actor=cast.acceptor_wang,
        source="hotline",
        lon=lon,
        lat=lat,
        now=now,
        type_code="C0101",
        description="湖滨的井盖松动",
        address="延安路 200 号",
    )
    Case.objects.filter(pk=away.pk).update(
        warn_at=now + timedelta(hours=1), due_at=now + timedelta(hours=2)
    )
    handled = Story(cast, NOW + timedelta(days=1)).walk_to(State.DISPATCHED).case
    Case.objects.filter(pk=handled.pk).update(
        warn_at=now - timedelta(hours=1), due_at=now + timedelta(hours=1)
    )
    return {"here": here, "away": away, "handled": handled}


FILTERED = [
    ({"state": "reported"}, {"here", "away"}),
    ({"state": "dispatched"}, {"handled"}),
    ({"state": "reported,dispatched"}, {"here", "away", "handled"}),
    ({"state": "closed"}, set()),
    ({"type": "C0101"}, {"away"}),
    ({"type": "e0102"}, {"here", "handled"}),
    ({"type": "C0101,E0102"}, {"here", "away", "handled"}),
    ({"department": "sanitation"}, {"handled"}),
    ({"department": "gardens"}, set()),
    ({"district": "330106"}, {"here", "handled"}),
    ({"district": "330102"}, {"away"}),
    ({"light": "red"}, {"here"}),
    ({"light": "yellow"}, {"handled"}),
    ({"light": "green"}, {"away"}),
    ({"source": "hotline"}, {"away"}),
    ({"source": "collector,media"}, {"here", "handled"}),
    ({"q": "湖滨"}, {"away"}),
    ({"q": "延安路"}, {"away"}),
    ({"q": "20260316"}, {"here"}),
    ({"q": "20260"}, {"here", "handled"}),
    ({"reported_after": "2026-03-17"}, {"away", "handled"}),
    ({"reported_after": "2026-03-16T10:00:00+08:00"}, {"here", "away", "handled"}),
    ({"reported_before": "2026-03-16T10:00:00+08:00"}, set()),
    ({"reported_before": "2026-03-17"}, {"here"}),
    ({"district": "330106", "state": "reported"}, {"here"}),
    ({"state": ""}, {"here", "away", "handled"}),
]


def test_every_filter_keeps_some_and_leaves_out_others(three_cases, acceptor):
    for query, expected in FILTERED:
        rows = acceptor.get("cases/", **query).json()["results"]
        numbers = {three_cases[name].number for name in expected}
        assert {row["number"] for row in rows} == numbers, query
    cell = three_cases["here"].cell_code
    rows = acceptor.get("cases/", cell=cell).json()["results"]
    assert three_cases["here"].number in {row["number"] for row in rows}
    assert three_cases["away"].number not in {row["number"] for row in rows}


@pytest.mark.parametrize(
    "query",
    [
        {"state": "sleeping"},
        {"light": "blue"},
        {"source": "rumour"},
        {"ordering": "colour"},
        {"reported_after": "yesterday"},
        {"q": "x"},
        {"colour": "red"},
        {"q": "a\x00b"},
    ],
)
def test_a_filter_that_means_nothing_is_refused(acceptor, assert_refused, query):
    assert_refused(acceptor.get("cases/", **query), 400, "invalid", *query)


def test_rows_of_a_list_have_the_documented_keys(three_cases, acceptor):
    rows = acceptor.get("cases/").json()["results"]
    assert all(set(row) == keys(serializers.CaseSummarySerializer) for row in rows)


@pytest.mark.parametrize("ordering", ["-reported_at", "reported_at", "due_at", "-due_at"])
def test_pages_hold_every_case_once_in_order(cast, acceptor, ordering):
    for minute in (0, 0, 0, 7, 14):
        Story(cast, NOW + timedelta(minutes=minute))
    Story(cast, NOW + timedelta(minutes=30)).walk_to(State.CLOSED)
    found, address = [], f"/api/v1/cases/?ordering={ordering}&page_size=2"
    while address:
        page = acceptor.client.get(address).json()
        assert len(page["results"]) <= 2
        found += page["results"]
        address = page["next"]
    field = ordering.removeprefix("-")
    wanted = Case.objects.filter(due_at__isnull=False) if field == "due_at" else Case.objects.all()
    assert sorted(row["number"] for row in found) == sorted(wanted.values_list("number", flat=True))
    values = [row[field] for row in found]
    assert values == sorted(values, reverse=ordering.startswith("-"))


def test_a_cursor_that_is_none_is_refused(acceptor, assert_refused):
    assert_refused(acceptor.get("cases/", cursor="junk"), 404, "not_found")


# ── numbers of queries: the same for 10 rows and for 100 ──────────────────────────────────────

LISTS = ["cases/?page_size=100", "events/?page_size=500", "organisations/", "catalogue/types/"]


def test_lists_take_as_many_queries_for_100_rows_as_for_10(cast, acceptor):
    def counts() -> dict[str, int]:
        found = {}
        for path in LISTS:
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert acceptor.client.get(f"/api/v1/{path}").status_code == 200
            found[path] = len(queries)
        return found

    for each in range(10):
        Story(cast, metres=each)
    acceptor.client.get("/api/v1/events/")
    few = counts()
    for each in range(90):
        Story(cast, metres=each)
    acceptor.client.get("/api/v1/events/")
    assert counts() == few
    assert few["cases/?page_size=100"] <= 8


def test_a_case_takes_as_many_queries_with_a_long_history(cast, acceptor):
    story = Story(cast)

    def count(path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            acceptor.client.get(f"/api/v1/cases/{story.case.number}/{path}")
        return len(queries)

    few = count(""), count("events/")
    for _each in range(10):
        story.act("instruct", cast.leader_tang)
    assert (count(""), count("events/")) == few


# ── vocabulary and schema ─────────────────────────────────────────────────────────────────────


def test_the_vocabulary_is_told_in_both_languages(acceptor):
    document = acceptor.get("meta/").json()
    assert [row["state"] for row in document["states"]] == [state.value for state in State]
    assert [row["action"] for row in document["actions"]] == list(ACTIONS)
    for part in ("states", "actions", "clocks"):
        assert [row["order"] for row in document[part]] == list(range(len(document[part])))
        for row in document[part]:
            assert set(row["label"]) == {"zh-hans", "en"}


def test_the_schema_is_valid_and_says_all_addresses(acceptor, tmp_path):
    target = tmp_path / "schema.yaml"
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(target))
    text = target.read_text()
    for path in (
        "auth/token/", "photos/", "cases/", "cases/{number}/", "cases/{number}/events/",
        "cases/{number}/actions/{action}/", "events/", "grid/locate/", "catalogue/types/",
        "organisations/", "components/{code}/", "components/nearest/", "meta/",
    ):  # fmt: skip
        assert f"/api/v1/{path}:" in text
    assert acceptor.client.get("/api/v1/schema/").status_code == 200
