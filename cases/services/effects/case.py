"""Effects on the case itself: what it is, where it stands, which desk holds it."""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from cases.desks import city_desk, desk_for, works
from cases.errors import invalid, missing_field, not_possible
from cases.fields import check_component
from cases.intake import THE_PUBLIC
from cases.models import (
    Source,
    Urgency,
)
from cases.services.context import Act
from cases.services.effects.registry import effect
from cases.services.place import place_case
from cases.workflow import State
from components.models import CaseStandard, Profile
from grid.models import BeatAssignment


@effect
def correct(act: Act) -> None:
    """Take over what the post corrected; the history keeps old and new codes."""
    case, fields = act.case, act.fields
    if "type" in fields and fields["type"].pk != case.type_id:
        act.note("type", case.type.code if case.type else None, fields["type"].code)
        case.type = fields["type"]
        if case.component and case.component.type_id != case.type_id:
            case.component = None
    if "location" in fields:
        act.note("cell", case.cell_code, fields["location"].cell_code)
        place_case(case, fields["location"])
    if "component" in fields:
        act.note(
            "component", case.component.code if case.component else None, fields["component"].code
        )
        case.component = fields["component"]
    elif "location" in fields and case.component:
        check_component("component", case.component, act.situation)
    for name in ("address", "description", "urgency"):
        if name in fields:
            setattr(case, name, fields[name])


@effect
def file_under_standard(act: Act) -> None:
    """Store the limit and closing conditions as they are today: later editions change nothing."""
    case, standard = act.case, act.fields.get("standard") or act.case.standard
    if standard is None:
        raise missing_field("standard")
    if case.type_id != standard.type_id:
        raise invalid("standard", _("This standard is of another type."))
    case.standard = standard
    case.profile = standard.profile
    case.limit_value, case.limit_unit = standard.limit_value, standard.limit_unit
    case.closing_conditions = standard.closing_conditions
    act.data["standard"] = {
        "id": standard.pk,
        "profile": standard.profile,
        "limit": str(standard.limit_value),
        "unit": standard.limit_unit,
    }
    _name_the_beat(act)


def _name_the_beat(act: Act) -> None:
    """What the public found first keeps who walked the beat on the day of the report."""
    case = act.case
    if case.source not in THE_PUBLIC:
        return
    walkers = BeatAssignment.objects.valid_on(timezone.localdate(case.reported_at)).filter(
        beat__cells=case.cell_id, collector__is_active=True
    )
    people = walkers.values_list("collector_id", "collector__organisation_id")
    if found := sorted(set(people)):
        act.data["beat"] = [list(pair) for pair in found]


@effect
def set_whole_deadline(act: Act) -> None:
    """From filing the whole has a deadline; after a reopening once its clock has started."""
    act.after_clocks.append(act.clocks.set_whole_deadline)


@effect
def filing_completed(act: Act) -> None:
    """The urgent case is filed like any other now."""
    act.case.has_open_filing = False


@effect
def make_urgent(act: Act) -> None:
    """Dispatch first, file later: the emergency limit of the type, else the city's urgent one."""
    case = act.case
    case.urgency, case.has_open_filing = Urgency.URGENT, True
    standard = (
        CaseStandard.objects.valid_on(timezone.localdate(act.now))
        .filter(
            type_id=case.type_id, profile=Profile.EMERGENCY, zone_grade__in=("", case.zone_grade)
        )
        .order_by("-zone_grade", "id")
        .first()
    )
    if standard is not None:
        act.fields["standard"] = standard
        file_under_standard(act)
    else:
        case.profile = Profile.EMERGENCY


@effect
def answer_reporter(act: Act) -> None:
    """The history keeps the reason's code; citizens are told in words why."""
    act.data["reason_code"] = act.fields["reason_code"]
    if act.case.source in (Source.HOTLINE, Source.PUBLIC) and "reply" not in act.fields:
        raise missing_field("reply")


@effect
def count_rework(act: Act) -> None:
    """One more time the check failed."""
    act.case.rework_count += 1


@effect
def set_review(act: Act) -> None:
    """A suspended case wakes up at its review date."""
    request = act.request
    assert request is not None
    act.case.review_at = datetime.fromisoformat(request.details["review_at"])


@effect
def clear_review(act: Act) -> None:
    """The case is no longer suspended."""
    act.case.review_at = None


@effect
def new_run(act: Act) -> None:
    """Begin again: facts are per run; what was filed stays only where handling goes on."""
    case = act.case
    case.run += 1
    case.ended_at = None
    case.handled_at = None
    case.rework_count = 0
    case.collector = None
    if act.arrow.target is State.REPORTED:
        case.department = None
        case.standard, case.profile = None, ""
        case.limit_value, case.limit_unit, case.closing_conditions = None, "", []
        case.has_open_filing = False
        case.review_at = None
        case.desk = city_desk(case.city_id)
    elif not works(case.desk):
        case.desk = city_desk(case.city_id)


@effect
def join_master(act: Act) -> None:
    """Merge into the master; its history tells of it too."""
    act.case.master = act.fields["master"]
    act.data["master"] = act.fields["master"].number


@effect
def leave_master(act: Act) -> None:
    """The case stands on its own again."""
    act.case.master = None


@effect
def choose_desk(act: Act) -> None:
    """A filed case goes to the desk that the city's rules name (``cases.desks``)."""
    desk = desk_for(act.case, timezone.localdate(act.now))
    if desk is not None and desk.pk != act.case.desk_id:
        _give_to(act, desk)


@effect
def change_desk(act: Act) -> None:
    """Hand the case to another desk."""
    if "switch" in act.fields:
        act.data["switch"] = act.fields["switch"]
    _give_to(act, act.fields["desk"])


@effect
def desk_above(act: Act) -> None:
    """Hand the case up to the city's desk."""
    desk = city_desk(act.case.city_id)
    if desk is None:
        raise not_possible(_("There is no desk above yours."))
    _give_to(act, desk)


def _give_to(act: Act, desk: Organisation) -> None:
    act.note("desk", act.case.desk.code if act.case.desk else None, desk.code)
    act.case.desk = desk
