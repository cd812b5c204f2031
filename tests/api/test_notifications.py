"""Who is told of what: rules as data over the event log, each person once."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import City, User
from accounts.roles import Role
from accounts.services import organisation_create, user_create
from cases.models import CaseEvent
from cases.workflow import ACTION_LABELS, State
from live.models import EventReader
from live.notifications.models import (
    Notification,
    NotificationPolicy,
    NotificationRule,
    NotificationTemplate,
)
from live.notifications.rules import SYSTEM_ACTIONS
from live.notifications.wording import Wordings, preview, with_case
from tests.cast import NOW, PASSWORD, Story
from tests.notices import read_log, rules_of, system_event, told

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rules(cast) -> None:
    rules_of(cast)


def lead_told(rule: str) -> list[tuple[str, str]]:
    """The people of the lead of the usual story."""
    return [(name, rule) for name in ("clerk_sun", "head_qian", "jack_lu", "jill_lu")]


# ── the usual events ──────────────────────────────────────────────────────────────────────────


def test_the_lead_organisation_is_told_of_a_dispatch_and_nobody_else(cast):
    Story(cast).walk_to(State.DISPATCHED)
    read_log()
    assert told() == lead_told("dispatched")


def test_an_urgent_dispatch_is_urgent_news(cast):
    story = Story(cast)
    story.act("dispatch_urgent", cast.dispatcher_li)
    read_log()
    assert told() == lead_told("dispatched-urgent")
    assert set(Notification.objects.values_list("is_urgent", flat=True)) == {True}


def test_cooperating_organisations_are_told_what_is_theirs(cast):
    story = Story(cast).walk_to(State.FILED)
    story.act("dispatch", cast.dispatcher_li, cooperating=[{"organisation": "gardens"}])
    read_log()
    assert told("cooperation") == [("clerk_hua", "cooperation"), ("head_shu", "cooperation")]


def test_who_led_until_now_is_told_that_a_case_was_taken_away(cast):
    story = Story(cast).walk_to(State.HANDLING)
    story.act("recall", cast.dispatcher_li)
    read_log()
    assert told("taken-away") == lead_told("taken-away")


def test_rework_by_the_same_department_takes_nothing_away(cast):
    story = Story(cast).walk_to(State.REWORK)
    story.act("dispatch", cast.dispatcher_li, department="sanitation")
    read_log()
    assert told("taken-away") == []
    assert told("rework") == lead_told("rework")


def test_whoever_asked_is_told_of_the_answer_and_who_decides_of_the_question(cast):
    story = Story(cast).walk_to(State.HANDLING)
    story.act("request_return", cast.clerk_sun)
    read_log()
    story.act("approve_return", cast.dispatcher_li)
    read_log()
    assert told("asked") == [("dispatcher_li", "asked")]
    assert told("approved") == [("clerk_sun", "approved")]


def test_an_extension_refused_is_told_to_the_one_who_asked(cast):
    story = Story(cast).walk_to(State.HANDLING)
    story.act("request_extension", cast.clerk_sun)
    story.act("reject_extension", cast.dispatcher_li)
    read_log()
    assert told("rejected") == [("clerk_sun", "rejected")]


def test_a_suspension_goes_from_the_desk_to_the_leader_to_the_asker(cast):
    story = Story(cast).walk_to(State.HANDLING)
    for action, actor in (
        ("request_suspension", cast.clerk_sun),
        ("approve_suspension", cast.dispatcher_li),
        ("approve_suspension", cast.leader_tang),
    ):
        assert told("approved") == [], "an approval of several is no answer yet"
        story.act(action, actor)
        read_log()
    assert set(told("asked")) == {
        ("dispatcher_li", "asked"),
        ("jack_lu", "asked-next"),
        ("jill_lu", "asked-next"),
        ("leader_tang", "asked-next"),
    }
    assert told("approved") == [("clerk_sun", "approved")]
    story.now = NOW + timedelta(days=11)
    story.act("resume", None)
    read_log(story.now)
    assert set(told("woken")) == {("dispatcher_li", "woken"), *lead_told("woken")}


def test_an_order_reaches_those_who_handle_and_its_answer_who_gave_it(cast):
    story = Story(cast).walk_to(State.HANDLING)
    story.act("order_supervision", cast.supervisor_zhao)
    story.act("reply_supervision", cast.clerk_sun)
    story.act("instruct", cast.leader_tang)
    story.act("reply_instruction", cast.clerk_sun)
    read_log()
    assert told("supervised") == lead_told("supervised")
    assert told("replied") == [
        ("leader_tang", "instruction-replied"),
        ("supervisor_zhao", "supervision-replied"),
    ]
    assert {name for name, _rule in told("instructed")} == {
        *(name for name, _rule in lead_told("")),
        "dispatcher_li",
        "supervisor_zhao",
    }


def test_a_collector_is_told_of_a_task(cast):
    Story(cast).walk_to(State.CONFIRMING)
    read_log()
    assert told() == [("collector_lin", "field-task")]


def test_nobody_is_told_what_they_did_themselves(cast):
    story = Story(cast).walk_to(State.HANDLING)
    system_event(
        story, "urge", actor=cast.head_qian, organisation=cast.bodies["sanitation"].pk, roles=[]
    )
    read_log()
    assert ("head_qian", "urged") not in told("urged")
    assert ("clerk_sun", "urged") in told("urged")


# ── what the system writes about deadlines ────────────────────────────────────────────────────


def test_a_warning_is_told_to_the_organisation_and_roles_it_names(cast):
    story = Story(cast).walk_to(State.HANDLING)
    system_event(
        story,
        "warn",
        clock="handle",
        threshold=80,
        organisation=cast.bodies["sanitation"].pk,
        roles=["department_head"],
        level=0,
    )
    read_log()
    assert told("warned") == [("head_qian", "warned")]


def test_a_warning_without_an_organisation_goes_to_the_posts_of_the_city(cast):
    story = Story(cast)
    system_event(story, "warn", clock="accept", threshold=50, organisation=None, roles=["acceptor"])
    read_log()
    names = {name for name, _rule in told("warned")}
    assert names == {"acceptor_wang", "acceptor_wu", "jack_lu", "jill_lu"}


def test_a_breach_reaches_the_supervisors_on_shift_too(cast):
    User.objects.filter(username="supervisor_zhao").update(last_login=NOW - timedelta(hours=3))
    User.objects.filter(username="jack_lu").update(last_login=NOW - timedelta(hours=13))
    story = Story(cast).walk_to(State.HANDLING)
    system_event(
        story,
        "breach",
        clock="handle",
        organisation=cast.bodies["sanitation"].pk,
        roles=["department_clerk"],
    )
    read_log()
    assert [name for name, rule in told("breached") if rule == "breached-shift"] == [
        "supervisor_zhao"
    ]
    assert ("clerk_sun", "breached") in told("breached")


def test_when_nobody_is_on_shift_all_supervisors_are_told(cast):
    User.objects.update(last_login=None)
    story = Story(cast).walk_to(State.HANDLING)
    system_event(story, "breach", clock="handle", organisation=None, roles=[])
    read_log()
    assert {name for name, _rule in told("breached")} == {"supervisor_zhao", "jack_lu", "jill_lu"}


@pytest.mark.parametrize("action", ["escalate", "urge"])
def test_escalation_and_urging_are_urgent(cast, action):
    story = Story(cast).walk_to(State.HANDLING)
    body = cast.bodies["gardens"].pk
    system_event(story, action, clock="handle", organisation=body, roles=["department_head"])
    read_log()
    rows = Notification.objects.filter(rule__actions__contains=[action])
    assert [row.person.username for row in rows] == ["head_shu"]
    assert rows[0].is_urgent


@pytest.mark.parametrize(
    ("clock", "english", "chinese"),
    [
        ("handle", "Handling overdue at sanitation", "sanitation处置超时"),
        ("accept", "Accepting overdue", "，受理超时"),
    ],
)
def test_a_department_is_named_for_what_was_its_own_to_do_alone(cast, clock, english, chinese):
    story = Story(cast).walk_to(State.HANDLING)
    system_event(story, "escalate", clock=clock, level=1, roles=["shift_supervisor"])
    read_log()
    row = with_case(Notification.objects.filter(rule__code="escalated")).earliest("pk")
    texts = Wordings.of_city(cast.city.pk)
    assert texts.line(row, "en").endswith(english)
    assert texts.line(row, "zh-hans").endswith(chinese)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"organisation": None, "roles": []},
        {"organisation": 10**15, "roles": ["department_head"]},
        {"organisation": "no-such", "roles": "department_head"},
        {"organisation": True, "roles": ["emperor"]},
        {"organisation": [1], "roles": None, "threshold": {"x": 1}, "request": 7},
    ],
)
def test_an_event_with_odd_data_is_passed_over_and_holds_nothing_up(cast, data):
    story = Story(cast).walk_to(State.HANDLING)
    system_event(story, "warn", **data)
    story.act("order_supervision", cast.supervisor_zhao)
    read_log()
    assert told("supervised") == lead_told("supervised")
    assert EventReader.objects.get(name="notifications").failed_position is None


def test_news_for_a_body_without_people_reaches_the_one_above_it(cast):
    squad = organisation_create(
        city=cast.city, code="night", kind="squad", name="night", parent=cast.bodies["gardens"]
    )
    story = Story(cast).walk_to(State.HANDLING)
    system_event(story, "urge", organisation=squad.pk, roles=[])
    read_log()
    assert told("urged") == [("clerk_hua", "urged"), ("head_shu", "urged")]
    user_create(
        username="night_guard",
        password=PASSWORD,
        city=cast.city,
        organisation=squad,
        display_name="",
        roles=[Role.DEPARTMENT_CLERK],
    )
    system_event(story, "urge", organisation=squad.pk, roles=["department_head"])
    read_log()
    assert len(told("urged")) == 2, "somebody works there now: their parents are not told"


def test_a_body_is_the_one_of_its_code_in_the_case_s_city(cast):
    NotificationRule.objects.filter(code="cooperation").update(
        actions=["decline_sub_order"], recipients=["addressed"], condition={}
    )
    story = Story(cast).walk_to(State.FILED)
    story.act("dispatch", cast.dispatcher_li, cooperating=[{"organisation": "gardens"}])
    story.act("sign", cast.clerk_sun)
    story.act("decline_sub_order", cast.clerk_hua)
    other = City.objects.create(code="330200", name="宁波市")
    organisation_create(city=other, code="gardens", kind="department", name="宁波园林")
    read_log()
    assert told("cooperation") == [("head_shu", "cooperation")]


def test_people_who_left_are_not_told(cast):
    User.objects.filter(username="clerk_sun").update(is_active=False)
    Story(cast, source="hotline").walk_to(State.FILED).act("dispatch", cast.dispatcher_li)
    read_log()
    assert "clerk_sun" not in {name for name, _rule in told()}


# ── switches, and nothing doubled ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("model", "change"),
    [
        (NotificationPolicy, {"is_on": False}),
        (NotificationRule, {"is_active": False}),
        (NotificationRule, {"condition": {"urgency": "urgent"}}),
        (NotificationRule, {"city": "another"}),
    ],
)
def test_what_is_switched_off_tells_nobody(cast, model, change):
    if "city" in change:
        change = {"city": City.objects.create(code="other", name="other")}
    model.objects.update(**change)
    Story(cast).walk_to(State.DISPATCHED)
    assert read_log() > 0
    assert told() == []


def test_reading_again_tells_nobody_twice(cast):
    Story(cast).walk_to(State.CLOSED)
    read_log()
    before = told()
    assert before
    EventReader.objects.update(position=0)
    read_log()
    assert told() == before


def test_what_happened_long_ago_is_no_news(cast):
    story = Story(cast, now=NOW - timedelta(days=8)).walk_to(State.DISPATCHED)
    read_log()
    assert told() == []
    story.now = NOW - timedelta(days=6)
    story.act("sign", cast.clerk_sun)
    story.act("order_supervision", cast.supervisor_zhao)
    read_log()
    assert told("supervised") == lead_told("supervised")
    assert told("dispatched") == []


def test_a_stretch_costs_the_same_however_many_events_it_holds(cast):
    def cost(count: int) -> int:
        for each in range(count):
            story = Story(cast, metres=each).walk_to(State.HANDLING)
            story.act("request_return", cast.clerk_sun)
            story.act("approve_return", cast.dispatcher_li)
        with CaptureQueriesContext(connection) as queries:
            read_log()
        return len(queries)

    cost(1)
    few = cost(2)
    assert cost(12) == few
    assert few <= 24


def test_a_notification_holds_identifiers_only(cast):
    cast.clerk_sun.phone = "13800001234"
    cast.clerk_sun.email = "sun@city.example"
    cast.clerk_sun.save()
    story = Story(cast).walk_to(State.HANDLING)
    story.act("request_return", cast.clerk_sun, reason="找张三 13912345678")
    read_log()
    kept = json.dumps(list(Notification.objects.values_list("variables", flat=True)))
    for secret in ("1380000", "1391234", "张三", "sun@", "古荡路"):
        assert secret not in kept


# ── rules and texts that come with the program ────────────────────────────────────────────────


def test_every_rule_that_comes_along_is_right(cast):
    known = {*ACTION_LABELS, *SYSTEM_ACTIONS}
    rules = list(NotificationRule.objects.all())
    assert len(rules) > 20
    for rule in rules:
        rule.full_clean()
        assert set(rule.actions) <= known, rule.code
        assert rule.name_en


def test_every_kind_has_a_text_in_both_languages(cast):
    for template in NotificationTemplate.objects.all():
        template.full_clean()
        assert preview(template)[1]
    kinds = set(NotificationRule.objects.values_list("kind", flat=True))
    for language in ("zh-hans", "en"):
        texts = NotificationTemplate.objects.filter(channel="inbox", language=language)
        assert kinds <= set(texts.values_list("kind", flat=True))


def test_loading_again_keeps_what_an_administrator_changed(cast):
    NotificationRule.objects.filter(code="warned").update(is_active=False)
    count = NotificationRule.objects.count()
    rules_of(cast)
    assert NotificationRule.objects.count() == count
    assert not NotificationRule.objects.get(code="warned").is_active


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("zh-hans", "处置时限已用 80%：暴露垃圾 · 古荡路 1 号"),
        ("en", "Handling: 80 % of the time used: "),
    ],
)
def test_a_notification_is_read_in_the_readers_language(cast, language, text):
    story = Story(cast).walk_to(State.HANDLING)
    body = cast.bodies["sanitation"].pk
    system_event(story, "warn", clock="handle", threshold=80, organisation=body, roles=[])
    read_log()
    row = with_case(Notification.objects.filter(kind="warned")).first()
    assert Wordings.of_city(cast.city.pk).line(row, language).startswith(text)


@pytest.mark.parametrize("body", [None, "{{ nothing_such }}", "  "])
def test_without_a_usable_text_the_event_is_named(cast, body):
    texts = NotificationTemplate.objects.filter(kind="dispatched", channel="inbox")
    texts.delete() if body is None else texts.update(body=body)
    story = Story(cast).walk_to(State.DISPATCHED)
    read_log()
    row = with_case(Notification.objects.filter(kind="dispatched")).first()
    line = Wordings.of_city(cast.city.pk).line(row, "en")
    assert line.startswith(f"Dispatch {story.case.number} ")


def test_the_log_is_told_by_its_own_time(cast):
    story = Story(cast).walk_to(State.DISPATCHED)
    read_log(NOW + timedelta(minutes=1))
    row = Notification.objects.first()
    event = CaseEvent.objects.get(case=story.case, action="dispatch")
    assert row.variables["at"] == event.at.isoformat()
    assert row.created_at == NOW + timedelta(minutes=1)
    assert timezone.is_aware(row.created_at)
