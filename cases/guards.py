"""The named conditions and guards that rows of the workflow table refer to.

``CONDITIONS`` choose between rows of one action in one state. ``POSSIBLE`` guards answer 409,
``PERSONS`` guards 403; each returns a sentence when it refuses and None when it does not. Guards
named in ``NEED_FIELDS`` can only be asked once the fields are read.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from cases.desks import works
from cases.errors import Sentence, role_refused
from cases.models import ApprovalRequest, LeaderInstruction, SupervisionOrder
from cases.models.case import WHOLE_CITY_DESKS
from cases.models.work import OrderFromAbove
from cases.parts import parts_of
from cases.situation import Situation
from cases.workflow import ClockKind, Post, RequestKind
from common.templatetags.ui import named
from common.text import list_words

Condition = Callable[[Situation, RequestKind | None], bool]
Guard = Callable[[Situation, RequestKind | None], Sentence | None]


# ── conditions ────────────────────────────────────────────────────────────────────────────────


def filing_directly(situation: Situation, kind: RequestKind | None) -> bool:
    """The acceptor asked to file without the shift supervisor."""
    return situation.raw.get("direct_filing") is True


def same_department(situation: Situation, kind: RequestKind | None) -> bool:
    """Rework goes to the department whose clock is paused in this run (the default)."""
    department = situation.case.department
    wanted = situation.raw.get("department") or (department and department.code)
    if department is None or wanted != department.code:
        return False
    return any(
        clock.kind == ClockKind.HANDLE and clock.sub_order_id is None
        for clock in situation.live_clocks
    )


def was_filed(situation: Situation, kind: RequestKind | None) -> bool:
    """A standard's limit was stored with the case."""
    return situation.case.limit_value is not None


def was_dispatched(situation: Situation, kind: RequestKind | None) -> bool:
    """A department has the case; what was handled on the spot never had one."""
    return situation.case.department_id is not None


def more_approvals_follow(situation: Situation, kind: RequestKind | None) -> bool:
    """Somebody else has to agree after this approval."""
    request = situation.open_request(kind) if kind else None
    return request is not None and request.has_more_steps


CONDITIONS: dict[str, Condition] = {
    function.__name__: function
    for function in (
        filing_directly,
        same_department,
        was_filed,
        was_dispatched,
        more_approvals_follow,
    )
}


# ── what must be so (409) ─────────────────────────────────────────────────────────────────────


def direct_filing_is_allowed(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """Type and source must be marked for direct filing."""
    allowed = situation.type.direct_filing_sources if situation.type else []
    if situation.case.source in allowed:
        return None
    return _("Reports of this type and source are filed by the shift supervisor.")


def was_self_handled(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """Only what the collector put right on the spot is judged without handling."""
    if situation.case.is_self_handled:
        return None
    return _("The collector did not handle this on the spot.")


def type_may_be_self_handled(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """What the collector put right must be of a type marked so."""
    if situation.type and situation.type.is_self_handling_allowed:
        return None
    return _("This type may not be handled on the spot.")


def supervision_waits(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """A supervision order has not been answered yet."""
    return _waits(situation, SupervisionOrder)


def instruction_waits(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """A leader's instruction has not been answered yet."""
    return _waits(situation, LeaderInstruction)


def _waits(situation: Situation, model: type[OrderFromAbove]) -> Sentence | None:
    if any(order.waits for order in parts_of(situation.case).orders(model)):
        return None
    return _("Nothing waits for a reply here.")


def system_only_when_overdue(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """The system takes a task back only when its time is over."""
    if situation.actor is not None:
        return None
    due_at = situation.case.due_at
    if due_at is not None and due_at <= situation.now:
        return None
    return _("The task is not overdue.")


def system_only_at_review_date(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """The system resumes a suspended case only at its review date."""
    if situation.actor is not None:
        return None
    review_at = situation.case.review_at
    if review_at is not None and review_at <= situation.now:
        return None
    return _("The review date has not come.")


def system_only_by_a_rule(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """The system gives out what a rule says it may, to whom it says, and once in a run."""
    if situation.actor is not None:
        return None
    routing, wanted = situation.routing, situation.fields.get("department")
    if routing is None or not routing.is_automatic or wanted is None:
        return _("No rule lets the system give this case out.")
    if wanted.pk != routing.organisation:
        return _("The rules lead to another department.")
    if situation.case.sub_orders.filter(run=situation.case.run).exists():
        return _("This case has been given out before: a person decides.")
    return None


def desk_lies_below(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """A case is handed down to another desk below the one that holds it."""
    target, desk = situation.fields.get("desk"), situation.case.desk
    if target is None or desk is None:
        return None
    below = desk.kind in WHOLE_CITY_DESKS or desk.contains(target)
    if works(target) and target.pk != desk.pk and below:
        return None
    return _("A case can only be handed down to a desk below yours.")


def desk_has_one_above(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """The city's desk has nobody to hand a case up to."""
    desk = situation.case.desk
    if desk is not None and desk.kind not in WHOLE_CITY_DESKS:
        return None
    return _("There is no desk above yours.")


def desk_differs(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """A case moves to another desk only once."""
    target = situation.fields.get("desk")
    if target is None or target.pk != situation.case.desk_id:
        return None
    return _("The case is at this desk already.")


def mandatory_orders_done(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """Mandatory co-operating departments finish first; the sentence names those that have not."""
    waiting = [order for order in situation.open_parts if order.is_mandatory]
    if not waiting:
        return None
    names = list_words(named(order.organisation) for order in waiting)
    return ngettext(
        "%(names)s has not finished its mandatory part yet.",
        "%(names)s have not finished their mandatory parts yet.",
        len(waiting),
    ) % {"names": names}


def part_under_way(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """Some co-operating department still works on its part."""
    return None if situation.open_parts else _("No co-operating department is at work here.")


def part_declined(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """Some co-operating department says that the part is not theirs."""
    if any(order.declined_at for order in situation.open_parts):
        return None
    return _("No co-operating department has declined its part.")


def part_not_declined(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """Declining once is enough: the desk decides."""
    order = situation.own_order
    if order is None or order.declined_at is None:
        return None
    return _("Your department has declined its part already; the desk decides.")


def order_is_assigned(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """There is somebody to take the order back from."""
    order = situation.order_in_hand
    if order is not None and order.is_assigned:
        return None
    return _("Nobody inside the department has this order.")


def check_may_be_skipped(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """Only types marked so are closed without a look on site."""
    if situation.case.type and situation.case.type.is_check_skippable:
        return None
    return _("This type must be checked on site.")


def filing_is_complete(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """An urgent case is closed or sent back only after its filing was completed."""
    if situation.case.has_open_filing:
        return _("The filing of this urgent case must be completed first.")
    return None


def filing_is_open(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """There is a filing to complete."""
    return None if situation.case.has_open_filing else _("The filing is complete already.")


def no_such_request_open(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """At most one open request of a kind."""
    if any(request.kind == kind for request in situation.open_requests):
        return _("Such a request is open already.")
    return None


def request_is_open(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """The request named is open and the case still where it was asked."""
    request = situation.open_request(kind) if kind else None
    wanted = situation.raw.get("request")
    if request is None or (wanted not in (None, "") and str(wanted) != str(request.pk)):
        return _("This request has been decided or has lapsed.")
    return None


def turn_has_come(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """Those who agree do so in the order set when it was asked; others do not decide it."""
    request = situation.open_request(kind) if kind else None
    if request is None or any(situation.holds(Post(post)) for post in request.posts_due):
        return None
    _decides(situation, request)
    return _("Another post agrees to this request first, or you have agreed already.")


def decides_this_request(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """Only those who are asked to agree may refuse."""
    request = situation.open_request(kind) if kind else None
    if request is not None:
        _decides(situation, request)
    return None


def _decides(situation: Situation, request: ApprovalRequest) -> None:
    posts = {Post(post) for step in request.steps for post in step}
    if not any(situation.holds(post) for post in posts):
        raise role_refused(_("A request of this size or number is decided by another post."))


def supervision_is_unrated(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """A supervision order was answered, and nobody has rated the answer."""
    return _unrated(situation, SupervisionOrder)


def instruction_is_unrated(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """A leader's instruction was answered, and nobody has rated the answer."""
    return _unrated(situation, LeaderInstruction)


def _unrated(situation: Situation, model: type[OrderFromAbove]) -> Sentence | None:
    if any(order.is_unrated for order in parts_of(situation.case).orders(model)):
        return None
    return _("No reply waits for a rating here.")


def time_runs_out(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """Urging is for what is due soon or overdue."""
    warn_at = situation.case.warn_at or situation.case.due_at
    if warn_at is not None and warn_at <= situation.now:
        return None
    return _("This case is neither overdue nor due soon.")


def was_not_urged_lately(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """The same body is not urged again in a case before a while has passed."""
    last = situation.last_urge
    if last is None:
        return None
    again_at = last.urged_at + timedelta(minutes=situation.policy.urge_pause_minutes)
    if again_at <= situation.now:
        return None
    return _("Urged at %(last)s already; again from %(again)s on.") % {
        "last": f"{timezone.localtime(last.urged_at):%H:%M}",
        "again": f"{timezone.localtime(again_at):%m-%d %H:%M}",
    }


NEED_FIELDS = frozenset(
    {
        "direct_filing_is_allowed",
        "type_may_be_self_handled",
        "desk_lies_below",
        "desk_differs",
        "system_only_by_a_rule",
    }
)

POSSIBLE: dict[str, Guard] = {
    function.__name__: function
    for function in (
        direct_filing_is_allowed,
        was_self_handled,
        type_may_be_self_handled,
        supervision_waits,
        instruction_waits,
        system_only_when_overdue,
        system_only_at_review_date,
        system_only_by_a_rule,
        desk_lies_below,
        desk_has_one_above,
        desk_differs,
        mandatory_orders_done,
        part_under_way,
        part_declined,
        part_not_declined,
        order_is_assigned,
        check_may_be_skipped,
        filing_is_complete,
        filing_is_open,
        no_such_request_open,
        request_is_open,
        turn_has_come,
        decides_this_request,
        supervision_is_unrated,
        instruction_is_unrated,
        time_runs_out,
        was_not_urged_lately,
    )
}


# ── pairs that must differ (403) ──────────────────────────────────────────────────────────────


def handler_person_differs(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """Nobody checks, closes or approves what they handled."""
    if situation.persons & situation.handling_people:
        return _("You handled this case yourself; somebody else must do this.")
    return None


def handler_organisation_differs(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """Nor does anybody of the organisation that handled it."""
    actor = situation.actor
    if actor and actor.organisation_id in situation.handling_bodies:
        return _("Your organisation handled this case; another one must do this.")
    return None


def asker_differs(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """Nobody decides what they asked for."""
    request = situation.open_request(kind) if kind else None
    if request and situation.persons & {request.asked_by_id, request.asked_for_id}:
        return _("You asked for this yourself; somebody else decides.")
    return None


def approver_differs(situation: Situation, kind: RequestKind | None) -> Sentence | None:
    """Nobody agrees twice to the same request, whatever posts they have."""
    request = situation.open_request(kind) if kind else None
    steps = request.approvals if request else []
    given = {step.get(name) for step in steps for name in ("user", "for")}
    if situation.persons & given:
        return _("You have agreed to this already; somebody else does so next.")
    return None


PERSONS: dict[str, Guard] = {
    function.__name__: function
    for function in (
        handler_person_differs,
        handler_organisation_differs,
        asker_differs,
        approver_differs,
    )
}
