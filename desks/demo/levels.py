"""The demo's two levels at work: rules of the desks, squads, parts, links to a contractor.

Everything goes through the services a city uses, by the log-ins that are for people, so that the
simulator leaves these cases to whoever looks at them.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import City, User
from cases.choices import assignees_for
from cases.models import Case, DeskRule
from cases.services import case_act
from cases.workflow import State
from common.errors import DomainError
from components.models import TypeKind
from desks.demo.pictures import AFTER, picture
from dispatch.links.services import contractor_add, link_answer, link_send
from dispatch.models import Contractor
from grid.models import Area

# The pilots: events of these districts go to their own desk, components to the city's.
PILOTS = ("330106", "330108")
CLERKS = ("dept_sanitation", "dept_sanitation_xihu", "dept_municipal_xihu", "dept_gardens_xihu")
HELPERS = ("city-municipal", "city-water")
CREW, CREW_PHONE = "净洁保洁服务队", "0571-10000000"
LINKS_EACH = 2
PHOTO_SCENE = "asphalt"


@transaction.atomic
def load_desk_rules(city: City) -> None:
    """Give the pilots their lines, where there are none yet."""
    if DeskRule.objects.filter(city=city).exists():
        return
    areas = Area.objects.filter(city=city, code__in=PILOTS, valid_to=None).order_by("code")
    DeskRule.objects.bulk_create(
        DeskRule(city=city, position=10 * number, kind=TypeKind.EVENT, area=area, level="district")
        for number, area in enumerate(areas, 1)
    )


def show_levels(city: City, now: datetime) -> None:
    """Let some departments assign, co-operate and send links in cases they have in hand."""
    people = {row.username: row for row in User.objects.with_roles().filter(username__in=CLERKS)}
    for clerk in (people[name] for name in CLERKS if name in people):
        cases = iter(_in_hand(city, clerk)[: LINKS_EACH + 2])
        crew = contractor_add(
            actor=clerk, department=clerk.organisation, name=CREW, phone=CREW_PHONE
        )
        for number, case in zip(range(LINKS_EACH), cases, strict=False):
            _send(case, clerk, crew, now, is_answered=number == 0)
        for case in cases:
            _assign(case, clerk, now)
            _add_part(case, now)


def _in_hand(city: City, clerk: User) -> QuerySet[Case]:
    return (
        Case.objects.filter(city=city, department=clerk.organisation, state=State.HANDLING)
        .select_related("desk")
        .order_by("-reported_at")
    )


def _send(case: Case, clerk: User, crew: Contractor, now: datetime, *, is_answered: bool) -> None:
    try:
        _link, token = link_send(
            case_id=case.pk,
            actor=clerk,
            contractor=crew,
            task="请到现场处理并清理干净，完成后拍照回传。",
            days=7,
            now=now,
        )
        if is_answered:
            link_answer(
                token=token,
                key=f"demo-{case.number}",
                outcome="done",
                note="已处理完毕，现场已清理。",
                uploads=[picture(PHOTO_SCENE, AFTER, 0)],
                now=now,
            )
    except DomainError:
        return  # the case has moved on: the demo shows another


def _assign(case: Case, clerk: User, now: datetime) -> None:
    squads, people = assignees_for(case, clerk, now)
    squad, person = squads.first(), people.first()
    assignee = f"squad:{squad.code}" if squad else f"person:{person.username}" if person else None
    if assignee is not None:
        case_act(case_id=case.pk, action="assign", actor=clerk, now=now, assignee=assignee)


def _add_part(case: Case, now: datetime) -> None:
    """The desk that gave the case out asks another department for a part, a mandatory one."""
    dispatcher = User.objects.with_roles().filter(
        organisation=case.desk, username__startswith="dispatcher", is_active=True
    )
    actor = dispatcher.order_by("pk").first()
    taken = set(case.sub_orders.values_list("organisation__code", flat=True))
    helper = next((code for code in HELPERS if code not in taken), None)
    if actor is None or helper is None:
        return
    part = {"organisation": helper, "mandatory": True, "task": "请配合关闭管线并恢复路面"}
    case_act(case_id=case.pk, action="add_sub_orders", actor=actor, now=now, cooperating=[part])
