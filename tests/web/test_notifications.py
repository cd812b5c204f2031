"""The inbox of notifications, the bell, the wishes of a person, and what an administrator sets."""

from __future__ import annotations

import base64
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from cases.workflow import State
from live.notifications.models import (
    Delivery,
    Notification,
    NotificationPreference,
    NotificationRule,
    NotificationTemplate,
)
from live.notifications.services import notifications_read
from tests.cast import NOW, Cast, Story
from tests.notices import read_log, rules_of, system_event

INBOX = "/notifications/"


@pytest.fixture(autouse=True)
def rules(cast) -> None:
    rules_of(cast)


def warn(story: Story, **data) -> None:
    body = story.cast.bodies["sanitation"].pk
    system_event(
        story,
        "warn",
        **{"clock": "handle", "threshold": 80, "organisation": body, "roles": [], **data},
    )


def text_of(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def unread_of(client: Client) -> str:
    """Return what the bell says."""
    found = re.search(
        r"bell-count[^>]*>([^<]*)<", client.get("/notifications/count/").content.decode()
    )
    return found[1] if found else ""


def mine(name: str) -> list[Notification]:
    return list(Notification.objects.filter(person__username=name).order_by("position"))


def test_the_inbox_shows_what_one_was_told_unread_first(cast, page_of):
    story = Story(cast).walk_to(State.DISPATCHED)
    read_log()
    other = Story(cast, metres=3).walk_to(State.DISPATCHED)
    read_log(NOW + timedelta(minutes=2))
    older, newer = mine("clerk_sun")
    notifications_read(person=cast.clerk_sun, ids=[newer.pk], now=NOW)
    page = text_of(page_of("clerk_sun").get(INBOX))
    assert page.index(story.case.number) < page.index("Read before") < page.index(other.case.number)
    everything = text_of(page_of("clerk_sun").get(f"{INBOX}?show=all"))
    assert everything.index(other.case.number) < everything.index(story.case.number)
    assert story.case.number not in text_of(page_of("clerk_hua").get(INBOX))
    assert older.read_at is None


def test_fifty_warnings_of_a_minute_are_one_line_that_opens(cast, page_of):
    story = Story(cast).walk_to(State.HANDLING)
    for each in range(50):
        warn(story, threshold=50 + each)
    read_log()
    answer = page_of("clerk_sun").get(INBOX)
    lines = re.findall(r'<li class="notice notice-unread">', answer.content.decode())
    assert len(lines) == 2, "the dispatch, and the warnings together"
    assert "50 of this kind" in text_of(answer)
    assert unread_of(page_of("clerk_sun")) == "51"


def test_the_bell_counts_up_to_99_and_only_what_may_still_be_seen(cast, page_of):
    story = Story(cast).walk_to(State.HANDLING)
    read_log()
    clerk = page_of("clerk_sun")
    assert unread_of(clerk) == "1"
    assert unread_of(page_of("clerk_hua")) == ""
    for each in range(110):
        warn(story, threshold=each)
    read_log()
    assert unread_of(clerk) == "99+"
    cast.clerk_sun.groups.clear()
    assert unread_of(clerk) == ""
    assert story.case.number not in text_of(clerk.get(INBOX))


def test_one_is_marked_as_read_and_then_all_that_were_shown(cast, page_of):
    story = Story(cast).walk_to(State.HANDLING)
    warn(story)
    read_log()
    first, second = mine("clerk_sun")
    clerk = page_of("clerk_sun")
    answer = clerk.post("/notifications/read/", {"ids": [first.pk]}, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Trigger"]) == (200, "notifications-changed")
    assert [row.read_at is None for row in mine("clerk_sun")] == [False, True]
    warn(story, threshold=100)  # comes after the page was shown
    read_log()
    assert clerk.post("/notifications/read/", {"until": second.position}).status_code == 302
    assert [row.read_at is None for row in mine("clerk_sun")] == [False, False, True]
    assert [row.read_at is None for row in mine("head_qian")] == [True, True, True]


def test_opening_marks_as_read_and_leads_to_the_case(cast, page_of):
    story = Story(cast).walk_to(State.DISPATCHED)
    read_log()
    (row,) = mine("clerk_sun")
    answer = page_of("clerk_sun").post(f"/notifications/{row.pk}/open/")
    assert answer["Location"] == f"/cases/{story.case.number}/"
    assert mine("clerk_sun")[0].read_at is not None


def test_what_is_anothers_or_no_longer_visible_or_nothing_looks_the_same(cast, page_of):
    Story(cast).walk_to(State.DISPATCHED)
    read_log()
    (row,) = mine("clerk_sun")
    addresses = [f"/notifications/{row.pk}/open/", "/notifications/987654321/open/"]
    assert [page_of("clerk_hua").post(one).status_code for one in addresses] == [404, 404]
    page_of("clerk_hua").post("/notifications/read/", {"ids": [row.pk]})
    assert mine("clerk_sun")[0].read_at is None, "nobody marks what is another's"
    cast.clerk_sun.groups.clear()
    assert page_of("clerk_sun").post(addresses[0]).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{"ids": ["x"]}, {"ids": ["1", "-2"]}, {"until": "1e9"}, {"until": "9" * 40}, {"ids": ["٣"]}],
)
def test_what_is_no_number_is_refused(cast, page_of, body):
    assert page_of("clerk_sun").post("/notifications/read/", body).status_code == 400


def cursor_of(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor", ['["after","x","y"]', '["after",1]', '["after",1,true]', "[" * 3000, '{"after":1}']
)
def test_a_cursor_that_was_tampered_with_means_the_first_page(cast, page_of, cursor):
    number = Story(cast).walk_to(State.DISPATCHED).case.number
    read_log()
    page = page_of("clerk_sun").get(INBOX, {"cursor": cursor_of(cursor)})
    assert page.status_code == 200
    assert number in page.text


@pytest.mark.parametrize(
    "query", ["show=x", "kind=nothing", "cursor=broken", "cursor=%00", "kind=%00"]
)
def test_an_odd_address_shows_a_page(cast, page_of, query):
    Story(cast).walk_to(State.DISPATCHED)
    read_log()
    assert page_of("clerk_sun").get(f"{INBOX}?{query}").status_code == 200


def test_a_filter_keeps_one_kind_and_urgent_what_is_urgent(cast, page_of):
    story = Story(cast).walk_to(State.HANDLING)
    system_event(story, "urge", organisation=cast.bodies["sanitation"].pk, roles=[])
    read_log()
    clerk = page_of("clerk_sun")
    lines = lambda query: clerk.get(f"{INBOX}?{query}").content.decode().count('class="notice ')  # noqa: E731
    assert lines("show=unread") == 2
    assert lines("show=unread&kind=urged") == 1
    assert lines("show=urgent") == 1
    assert lines("show=urgent&kind=dispatched") == 0


def test_a_long_inbox_has_pages_and_as_many_queries_as_a_short_one(cast, page_of):
    story = Story(cast).walk_to(State.HANDLING)
    clerk = page_of("clerk_sun")

    def count() -> int:
        clerk.get(INBOX)
        with CaptureQueriesContext(connection) as queries:
            assert clerk.get(INBOX).status_code == 200
        return len(queries)

    for each in range(5):
        warn(story, threshold=each)
    read_log()
    few = count()
    for each in range(250):
        warn(story, threshold=each)
    read_log()
    assert count() == few
    first = clerk.get(f"{INBOX}?show=all")
    second = first.context["page"].next
    assert second
    rows = clerk.get(f"{INBOX}?show=all&cursor={second}").context["groups"]
    shown = {pk for group in [*first.context["groups"], *rows] for pk in group["ids"]}
    assert len(shown) == 200


def test_every_page_has_the_bell_and_asks_for_its_number_afterwards(cast, page_of):
    page = page_of("inspector_he").get("/cases/").content.decode()
    assert 'hx-get="/notifications/count/"' in page
    assert 'hx-trigger="load, bell"' in page
    assert "data-bell" not in Client().get("/login/").content.decode()


def test_the_bell_costs_one_query_besides_the_log_in(cast, page_of):
    clerk = page_of("clerk_sun")
    clerk.get("/notifications/count/", headers={"hx-request": "true"})
    with CaptureQueriesContext(connection) as queries:
        clerk.get("/notifications/count/", headers={"hx-request": "true"})
    asked = [
        query["sql"]
        for query in queries
        if "live_notification" in query["sql"] or "EXECUTE notification" in query["sql"]
    ]
    assert len(asked) == 1
    assert len(queries) <= 3


# ── wishes ────────────────────────────────────────────────────────────────────────────────────


def test_a_person_says_how_they_are_told(cast, page_of, settings):
    settings.NOTIFICATION_EMAIL = True
    User.objects.filter(username="clerk_sun").update(email="sun@city.example")
    clerk = page_of("clerk_sun")
    page = text_of(clerk.get("/notifications/settings/"))
    assert "s***@city.example" in page
    assert "sun@city.example" not in page
    body = {"wants_email": "on", "quiet_from": "22:00", "quiet_to": "07:00", "language": "en"}
    assert clerk.post("/notifications/settings/", body).status_code == 302
    wish = NotificationPreference.objects.get(person=cast.clerk_sun)
    assert (wish.wants_email, wish.wants_sms, wish.quiet_from.hour) == (True, False, 22)
    clerk.post("/notifications/settings/", {"wants_sms": "on"})
    wish.refresh_from_db()
    assert (wish.wants_email, wish.wants_sms, wish.quiet_from) == (False, True, None)


@pytest.mark.parametrize(
    "body",
    [{"quiet_from": "22:00"}, {"quiet_to": "07:00"}, {"quiet_from": "25:00"}, {"language": "xx"}],
)
def test_wishes_that_make_no_sense_are_refused_with_a_sentence(cast, page_of, body):
    answer = page_of("clerk_sun").post("/notifications/settings/", body)
    assert answer.status_code == 400
    assert "field-error" in answer.content.decode()
    assert not NotificationPreference.objects.exists()


# ── the administrator ─────────────────────────────────────────────────────────────────────────


@pytest.fixture
def admin(page_of) -> Client:
    return page_of("administrator_bai")


def rule_body(rule: NotificationRule, **changes) -> dict:
    body = {
        "name": rule.name,
        "name_en": rule.name_en,
        "actions": rule.actions,
        "condition": "{}",
        "recipients": rule.recipients,
        "channels": rule.channels,
        "kind": rule.kind,
        "is_active": "on",
    }
    return body | changes


def test_a_rule_is_changed_in_the_admin_and_holds_from_then_on(cast, admin):
    rule = NotificationRule.objects.get(code="dispatched")
    address = f"/admin/live/notificationrule/{rule.pk}/change/"
    assert admin.get(address).status_code == 200
    answer = admin.post(address, rule_body(rule, recipients=["lead_heads"], channels=["sms"]))
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    Story(cast).walk_to(State.DISPATCHED)
    read_log()
    told = Notification.objects.values_list("person__username", flat=True)
    assert set(told) == {"head_qian"}


@pytest.mark.parametrize(
    "changes",
    [
        {"condition": '{"weather": "rain"}'},
        {"condition": "{"},
        {"actions": ["explode"]},
        {"actions": []},
        {"recipients": ["everybody"]},
        {"channels": ["inbox"]},
        {"kind": "a b"},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(cast, admin, changes):
    rule = NotificationRule.objects.get(code="dispatched")
    answer = admin.post(
        f"/admin/live/notificationrule/{rule.pk}/change/", rule_body(rule, **changes)
    )
    assert answer.status_code == 200
    assert set(answer.context["adminform"].form.errors) == set(changes)
    rule.refresh_from_db()
    assert rule.recipients == ["lead_clerks", "lead_heads"]


def test_a_text_is_checked_when_it_is_saved_and_shown_with_invented_values(cast, admin):
    template = NotificationTemplate.objects.get(kind="warned", channel="inbox", language="en")
    address = f"/admin/live/notificationtemplate/{template.pk}/change/"
    body = {
        "city": template.city_id,
        "kind": "warned",
        "channel": "inbox",
        "language": "en",
        "subject": "",
    }
    for wrong in ("{{ phone }}", "{% debug %}", "{{ number|ljust:9999999 }}", "{% if number %}"):
        answer = admin.post(address, {**body, "body": wrong})
        assert answer.status_code == 200
        assert set(answer.context["adminform"].form.errors) == {"body"}
    assert admin.post(address, {**body, "body": "Hurry: {{ number }}"}).status_code == 302
    page = text_of(admin.get(address))
    assert "Hurry: 202611260042" in page
    assert "{{ threshold }}" in page


def given_up(cast: Cast) -> Delivery:
    return Delivery.objects.create(
        person=cast.clerk_sun,
        channel="sms",
        kind="warned",
        notification_ids=[],
        address="13800001234",
        language="en",
        state="given_up",
        reason="refused",
        detail="HTTP 400",
        created_at=NOW,
        useful_until=NOW,
    )


def test_a_failed_message_is_seen_with_its_reason_and_tried_again(cast, admin):
    delivery = given_up(cast)
    page = text_of(admin.get("/admin/live/delivery/?state__exact=given_up"))
    assert "the service refused it" in page
    assert "138****1234" in page
    assert "13800001234" not in page
    body = {"action": "try_again", "_selected_action": [delivery.pk]}
    answer = admin.post("/admin/live/delivery/", body, follow=True)
    assert "1 message is tried again." in text_of(answer)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("queued", 0)
    answer = admin.post("/admin/live/delivery/", body, follow=True)
    assert "1 had not failed and was left alone." in text_of(answer)


def test_nobody_else_sees_messages_or_rules(cast, page_of):
    given_up(cast)
    for name in ("supervisor_zhao", "clerk_sun", "leader_tang"):
        for page in ("delivery", "notificationrule", "notificationtemplate", "eventreader"):
            assert page_of(name).get(f"/admin/live/{page}/").status_code == 302


def test_a_message_cannot_be_changed_or_deleted_by_hand(cast, admin):
    delivery = given_up(cast)
    address = f"/admin/live/delivery/{delivery.pk}"
    assert "138****1234" in text_of(admin.get(f"{address}/change/"))
    assert admin.post(f"{address}/change/", {"address": "1"}).status_code == 403
    assert admin.post(f"{address}/delete/", {"post": "yes"}).status_code == 403
