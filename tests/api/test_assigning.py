"""Inside a department: an order goes to a squad or a person and back; nobody's clock changes."""

from __future__ import annotations

import pytest
from django.db import transaction

from accounts.roles import Role
from accounts.services import organisation_create
from cases.errors import CaseNotFound
from cases.models import Case, CaseClock, CaseEvent, SubOrder
from cases.workflow import State
from tests.cast import Cast, Story
from tests.matrix.invariants import check_case

SQUADS = ("east", "west")


@pytest.fixture
def squads(cast: Cast) -> Cast:
    """Two squads of sanitation, each with a clerk; added to the cast."""
    for name in SQUADS:
        cast.bodies[name] = organisation_create(
            city=cast.city,
            code=name,
            kind="squad",
            name=f"{name} squad",
            parent=cast.bodies["sanitation"],
        )
        cast.hire(f"clerk_{name}", name, Role.DEPARTMENT_CLERK)
    return cast


@pytest.fixture
def story(squads: Cast) -> Story:
    """Sanitation has signed."""
    return Story(squads).walk_to(State.HANDLING)


def lead(story: Story) -> SubOrder:
    return story.case.sub_orders.select_related("squad", "person").get(is_lead=True, ended_at=None)


def clocks(story: Story) -> list[tuple]:
    fields = ("kind", "started_at", "due_at", "warn_at", "paused_at", "stopped_at", "organisation")
    return list(CaseClock.objects.filter(case=story.case).order_by("pk").values_list(*fields))


def test_an_order_goes_to_a_squad_to_another_to_a_person_and_back(squads, story):
    before = clocks(story)
    story.act("assign", squads.clerk_sun, assignee="squad:east")
    assert lead(story).squad == squads.bodies["east"]
    story.act("assign", squads.head_qian, assignee="squad:west")
    assert lead(story).squad == squads.bodies["west"]
    story.act("assign", squads.head_qian, assignee="person:clerk_sun")
    assert (lead(story).squad, lead(story).person) == (None, squads.clerk_sun)
    story.act("take_back", squads.clerk_sun)
    assert not lead(story).is_assigned
    assert clocks(story) == before
    assert story.case.department == squads.bodies["sanitation"]
    said = CaseEvent.objects.filter(case=story.case, action="assign").order_by("pk")
    assert [event.data.get("squad") or event.data["person"] for event in said] == [
        "east",
        "west",
        squads.clerk_sun.pk,
    ]
    check_case(story.case.pk)


def test_the_squad_that_has_it_completes_it_for_the_department(squads, story):
    story.act("assign", squads.clerk_sun, assignee="squad:east")
    story.act("complete", squads.clerk_east)
    assert story.case.state == State.HANDLED
    assert lead(story).completed_by == squads.clerk_east


def test_a_squad_gives_it_to_its_own_people_but_not_to_a_neighbour(squads, story):
    story.act("assign", squads.clerk_sun, assignee="squad:east")
    for other in ("squad:west", "person:clerk_west", "person:clerk_sun"):
        refusal = story.refused("assign", squads.clerk_east, assignee=other)
        assert (refusal.code, list(refusal.fields)) == ("invalid", ["assignee"]), other
    story.act("assign", squads.clerk_east, assignee="person:clerk_east")
    assert lead(story).person == squads.clerk_east


def test_a_squad_sees_what_it_has_and_a_neighbour_nothing(squads, story):
    visible = {name: Case.objects.visible_to(squads.people[f"clerk_{name}"]) for name in SQUADS}
    assert [rows.count() for rows in visible.values()] == [0, 0]
    story.act("assign", squads.clerk_sun, assignee="squad:east")
    assert [rows.count() for rows in visible.values()] == [1, 0]
    for action in ("assign", "take_back", "complete"):
        with pytest.raises(CaseNotFound), transaction.atomic():
            story.act(action, squads.clerk_west)
    story.act("assign", squads.clerk_sun, assignee="person:clerk_west")
    assert [rows.count() for rows in visible.values()] == [0, 1]
    story.act("take_back", squads.clerk_west)  # not for us: the department has it again
    assert [rows.count() for rows in visible.values()] == [0, 0]


@pytest.mark.parametrize(
    "assignee",
    ["squad:gardens", "person:clerk_hua", "squad:sanitation", "person:collector_chen", "east", "",
     "squad:", 7, None, "squad:\x00", "person:" + "x" * 200],
)  # fmt: skip
def test_nobody_outside_the_department_gets_it(squads, story, assignee):
    refusal = story.refused("assign", squads.clerk_sun, assignee=assignee)
    assert refusal.status == 400
    assert list(refusal.fields) == ["assignee"]


def test_what_nobody_has_is_not_taken_back(squads, story):
    assert story.refused("take_back", squads.clerk_sun).code == "not_possible"


def test_a_closed_squad_and_a_person_who_left_get_nothing(squads, story):
    squads.bodies["east"].is_active = False
    squads.bodies["east"].save()
    squads.clerk_west.is_active = False
    squads.clerk_west.save()
    for gone in ("squad:east", "person:clerk_east", "person:clerk_west"):
        assert story.refused("assign", squads.clerk_sun, assignee=gone).code == "invalid"


def test_a_part_is_assigned_inside_its_own_department(squads, cast):
    story = Story(cast).walk_to(State.FILED)
    story.act("dispatch", cast.dispatcher_li, cooperating=[{"organisation": "water"}])
    story.act("assign", cast.clerk_shui, assignee="person:clerk_shui")
    water = story.case.sub_orders.get(organisation__code="water")
    assert water.person == cast.clerk_shui
    assert not lead(story).is_assigned
    assert story.refused("assign", cast.clerk_shui, assignee="squad:east").code == "invalid"


def test_other_levels_do_not_assign_what_is_not_theirs(squads, story, api_of, assert_refused):
    for name, status, code in (
        ("dispatcher_li", 403, "role_refused"),  # sees it, gave it out, has no post inside
        ("clerk_hua", 404, "not_found"),  # another department: it does not exist
        ("dispatcher_gongshu", 404, "not_found"),  # another district
    ):
        answer = api_of(name).act(story.case, "assign", assignee="squad:east")
        assert_refused(answer, status, code)
