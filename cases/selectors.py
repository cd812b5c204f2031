"""Reading cases: one for a person, the actions they may take, its timeline, what lies near."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.scopes import PreparedFor
from cases.errors import ActionRefused, CaseNotFound
from cases.models import Case, CaseEvent
from cases.parts import parts_of
from cases.services.act import check_guards, choose_arrow
from cases.situation import Situation
from cases.workflow import ACTION_LABELS, Arrow, Post, State, arrows_from
from common.prepared import Prepared, Slot
from components.models import CaseStandard, CaseType, Component
from grid.publish import Stake

WITH_DETAILS = (
    "type__type_class",
    "component",
    "standard",
    "department",
    "desk",
    "collector",
    "reporter",
    "cell",
    "community",
    "street",
    "district",
    "management_area",
    "master",
)

# What the API shows of a case.
WITH_DOCUMENT = ("type", "component", "department", "desk", "collector", "master", "person")


@dataclass(frozen=True, slots=True)
class ActionOption:
    """An action somebody may take now: what it still requires, what it may bring."""

    action: str
    label: str | Promise
    requires: tuple[str, ...]
    optional: tuple[str, ...]
    post: Post
    request_id: int | None = None


def _of_number(viewer: Any, related: tuple[str, ...]) -> QuerySet[Case]:
    visible = Case.objects.visible_to(viewer, from_case=True).filter(number=Slot("number"))
    return visible.select_related(*related).order_by()


FOR_PAGE = PreparedFor(lambda viewer: _of_number(viewer, WITH_DETAILS))
FOR_DOCUMENT = PreparedFor(lambda viewer: _of_number(viewer, WITH_DOCUMENT))


def case_get_visible(*, user: User, number: str, visible: PreparedFor[Case] = FOR_PAGE) -> Case:
    """Return the case of a number, with what its page or document shows.

    Raises:
        CaseNotFound: there is none, or this person may not see it: both look the same.
    """
    if "\x00" in number:
        raise CaseNotFound
    found = visible(user, number=number)
    if not found:
        raise CaseNotFound
    return found[0]


def actions_for(
    case: Case, user: User, now: datetime | None = None, situation: Situation | None = None
) -> list[ActionOption]:
    """Return exactly the actions the door would let this person take now, in the table's order.

    Guards that need fields cannot be asked yet; everything else is the door's own code. A page that
    shows more of the situation gives its own, so that nothing is read twice.
    """
    situation = situation or Situation(case, user, now or case.reported_at)
    options: dict[str, ActionOption] = {}
    for arrow in arrows_from(State(case.state)):
        if arrow.is_inner or arrow.action in options:
            continue
        if not any(situation.holds(post) for post in arrow.posts):
            continue
        option = _option(situation, arrow.action)
        if option is not None:
            options[arrow.action] = option
    return list(options.values())


def may_act(situation: Situation, action: str) -> bool:
    """Tell whether the door would let this person take an action now, inner ones included."""
    return _option(situation, action) is not None


def _option(situation: Situation, action: str) -> ActionOption | None:
    try:
        arrow, post = choose_arrow(situation, action)
        check_guards(situation, arrow)
    except ActionRefused:
        return None
    missing = situation.lacks(arrow)
    known = tuple(name for name in arrow.requires if name not in missing)
    return ActionOption(
        action,
        ACTION_LABELS[action],
        missing,
        (*known, *(name for name in arrow.optional if name not in arrow.requires)),
        post,
        _request_of(situation, arrow),
    )


def _request_of(situation: Situation, arrow: Arrow) -> int | None:
    if arrow.request is None or "request" not in arrow.requires:
        return None
    request = situation.open_request(arrow.request[1])
    return request.pk if request else None


def case_timeline(case: Case) -> list[CaseEvent]:
    """Return the case's events, first to last, with people and texts: one query."""
    return parts_of(case).read_events()


def standards_for(case_type: CaseType, zone_grade: str, on: date) -> QuerySet[CaseStandard]:
    """Return the standards of a type in force on a day in a zone; those made for the zone first."""
    return (
        CaseStandard.objects.valid_on(on)
        .filter(type=case_type, zone_grade__in=("", zone_grade))
        .order_by("-profile", "-zone_grade", "limit_value", "id")  # general, engineering, emergency
    )


LATELY = 1000
_LATEST_TYPES = Prepared(
    Case.objects.filter(city=Slot("city"), type__isnull=False)
    .order_by("-reported_at", "-id")
    .values_list("type__code", flat=True)[:LATELY]
)


def types_lately(city_id: int | None) -> Counter[str]:
    """Return how often each type, by its code, stands among the newest reports; case_newest."""
    return Counter(_LATEST_TYPES(city=city_id))


def open_case_of(component: Component) -> Case | None:
    """Return the open case that is about a component, the oldest of several; index case_component.

    Whether somebody may read it is for ``visible_to`` to say: the public is told that there is one.
    """
    return Case.objects.filter(component=component, is_open=True).order_by("reported_at").first()


def cases_in_cells(*, cells: Sequence[int], **_rest: Any) -> list[Stake]:
    """Count the open cases filed in cells (ids); every case, closed ones too, keeps its cell."""
    rows = Case.objects.filter(cell__in=cells)
    open_cases = rows.filter(is_open=True)
    numbers = tuple(rows.order_by("-is_open", "-pk").values_list("number", flat=True)[:5])
    return [Stake(_("Open cases"), open_cases.count(), numbers, bound_count=rows.count())]
