"""The department's inbox at its several levels, and co-operation on the desks."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.roles import Role
from accounts.services import organisation_create
from cases.models import Case
from cases.queues import inbox_cases, inbox_parts
from cases.workflow import State
from tests.cast import Cast, Story
from tests.web.test_desks import count_of, rows_of


@pytest.fixture
def squad(cast: Cast) -> Cast:
    """A squad of sanitation with a clerk of its own."""
    cast.bodies["east"] = organisation_create(
        city=cast.city, code="east", kind="squad", name="East", parent=cast.bodies["sanitation"]
    )
    cast.hire("clerk_east", "east", Role.DEPARTMENT_CLERK)
    return cast


@pytest.fixture
def story(cast: Cast) -> Story:
    """Sanitation leads, water must do a part."""
    story = Story(cast).walk_to(State.FILED)
    story.act(
        "dispatch", cast.dispatcher_li, cooperating=[{"organisation": "water", "task": "关阀"}]
    )
    return story


def test_a_part_stands_in_the_co_operating_departments_inbox(story, page_of):
    client = page_of("clerk_shui")
    page = client.get(f"/inbox/?queue=parts&case={story.case.number}")
    assert count_of(page, "parts") == len(rows_of(page)) == 1
    assert "关阀" in page.text
    assert "actions/complete_sub_order/" in page.text
    assert "queue=parts" not in page_of("clerk_hua").get("/inbox/").text


def test_who_works_on_a_case_is_shown_by_name_on_every_page(story, page_of):
    number = story.case.number
    for name, address in (
        ("dispatcher_li", f"/dispatch/?queue=dispatched&case={number}"),
        ("clerk_sun", f"/inbox/?case={number}"),
        ("supervisor_zhao", f"/cases/{number}/"),
    ):
        page = page_of(name).get(address).text
        orders = page[page.index('<ul class="orders">') :]
        assert orders.index("sanitation") < orders.index("water"), address
        assert "Lead" in orders
        assert "Mandatory" in orders
    page = page_of("supervisor_zhao").get(f"/cases/{number}/").text
    assert "with water" in page  # the step of the history names it


def test_what_a_squad_was_given_stands_in_its_inbox_and_in_its_departments(squad, page_of):
    story = Story(squad).walk_to(State.HANDLING)
    assert not rows_of(page_of("clerk_east").get("/inbox/"))
    story.act("assign", squad.clerk_sun, assignee="squad:east")
    page = page_of("clerk_east").get(f"/inbox/?case={story.case.number}")
    assert count_of(page, "open") == len(rows_of(page)) == 1
    assert "actions/complete/" in page.text
    assert count_of(page_of("clerk_sun").get("/inbox/"), "squads") == 1
    story.act("assign", squad.head_qian, assignee="person:clerk_sun")
    mine = page_of("clerk_sun").get("/inbox/?queue=me")
    assert count_of(mine, "me") == len(rows_of(mine)) == 1
    assert not rows_of(page_of("clerk_east").get("/inbox/"))


def test_the_inbox_shows_nothing_its_reader_may_not_see(squad, page_of):
    for metres, state in enumerate((State.DISPATCHED, State.HANDLING, State.HANDLED)):
        Story(squad, metres=metres).walk_to(state)
    story = Story(squad, metres=5).walk_to(State.FILED)
    story.act("dispatch", squad.dispatcher_li, cooperating=[{"organisation": "water"}])
    story.act("assign", squad.clerk_sun, assignee="squad:east")
    for name, count in (("clerk_sun", 4), ("clerk_shui", 1), ("clerk_east", 1), ("clerk_hua", 0)):
        found = set(inbox_cases(squad.people[name]).values_list("pk", flat=True))
        assert len(found) == count, name
        parts = [
            part.cases.values_list("pk", flat=True) for part in inbox_parts(squad.people[name])
        ]
        assert sorted(pk for part in parts for pk in part) == sorted(found)  # each stands in one
        visible = Case.objects.visible_to(squad.people[name]).values_list("pk", flat=True)
        assert found <= set(visible)


def test_the_choice_of_one_line_a_row_is_kept(story, page_of):
    client = page_of("clerk_sun")
    assert "fixed-table dense" not in client.get("/inbox/").text
    assert "fixed-table dense" in client.get("/inbox/?density=line").text
    assert "fixed-table dense" in client.get("/inbox/").text
    assert "fixed-table dense" not in client.get("/inbox/?density=full").text
    assert client.get("/inbox/?density=x").status_code == 200


def test_co_operating_departments_are_chosen_with_boxes(cast, send, page_of):
    story = Story(cast).walk_to(State.FILED)
    page = page_of("dispatcher_li").get(f"/dispatch/?case={story.case.number}").text
    assert re.search(r'type="checkbox" name="cooperating" value="water"', page)
    answer = send(
        "dispatcher_li",
        story,
        "dispatch",
        department="sanitation",
        reason="环卫",
        cooperating=["water", "gardens"],
        cooperating_mandatory=["water"],
        cooperating_task_gardens="修枝",
    )
    assert answer.status_code == 302
    parts = story.case.sub_orders.filter(is_lead=False).order_by("organisation__code")
    assert list(parts.values_list("organisation__code", "is_mandatory", "task")) == [
        ("gardens", False, "修枝"),
        ("water", True, ""),
    ]


def test_a_refused_dispatch_keeps_the_boxes(cast, send):
    story = Story(cast).walk_to(State.FILED)
    answer = send(
        "dispatcher_li",
        story,
        "dispatch",
        reason="环卫",
        cooperating=["water"],
        cooperating_mandatory=[],
        htmx=True,
    )
    assert answer.status_code == 400
    assert re.search(r'name="cooperating" value="water" checked', answer.text)
    assert not re.search(r'name="cooperating_mandatory" value="water" checked', answer.text)


def test_the_assign_form_offers_own_squads_and_people(squad, page_of):
    story = Story(squad).walk_to(State.HANDLING)
    page = page_of("clerk_sun").get(f"/cases/{story.case.number}/actions/assign/").text
    assert 'value="squad:east"' in page
    assert 'value="person:head_qian"' in page
    assert "clerk_hua" not in page


def test_hand_down_offers_only_desks_below_that_work(cast, page_of):
    story = Story(cast).walk_to(State.FILED)
    address = f"/cases/{story.case.number}/actions/hand_down/"
    page = page_of("dispatcher_li").get(address).text
    assert re.search(r'value="xihu" selected', page)  # the case lies there
    assert 'value="gongshu"' in page
    cast.bodies["gongshu"].has_dispatch_desk = False
    cast.bodies["gongshu"].save()
    assert 'value="gongshu"' not in page_of("dispatcher_li").get(address).text


def test_the_rollout_page_previews_and_switches(cast, page_of):
    client = page_of("administrator_bai")
    Story(cast).walk_to(State.FILED).act("hand_down", cast.dispatcher_li)
    page = client.get("/dispatch/desks/?desk=xihu").text
    assert "1 open case moves from this desk" in page
    day = re.search(r'name="from_date" value="([\d-]+)"', page).group(1)
    sent = {"code": "xihu", "is_on": "0", "from_date": day, "note": "停电"}
    assert client.post("/dispatch/desks/", sent).status_code == 302
    page = client.get("/dispatch/desks/").text
    assert "1 case moved" in page
    assert "停电" in page
    assert client.post("/dispatch/desks/", sent).status_code == 409
    assert client.post("/dispatch/desks/", {"code": "xihu"}).status_code == 400
    assert client.get("/dispatch/desks/?desk=nowhere").status_code == 404


def test_the_list_comes_first_and_in_eight_queries(cast, page_of):
    story = Story(cast).walk_to(State.HANDLING)
    client = page_of("clerk_sun")
    client.get("/inbox/")
    with CaptureQueriesContext(connection) as queries:
        page = client.get("/inbox/").text
    assert len(queries) <= 8, [query["sql"][:80] for query in queries]
    late = re.search(r'<aside class="pane" hx-get="([^"]+)"', page).group(1)
    pane = client.get(late.replace("&amp;", "&")).text
    assert f"/cases/{story.case.number}/actions/complete/" in pane
