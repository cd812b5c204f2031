"""The door: the only code that changes a case after it was reported.

In this order: lock the row, find the arrow, refuse or go through (the order of refusals stands in
docs/rules/door.md), change, move the clocks, chain the event, write. Pages, API,
tasks and the simulator all come through here; requests and their decisions too.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.scopes import PreparedFor
from cases.errors import (
    CaseNotFound,
    missing_field,
    not_possible,
    role_refused,
    same_person,
    stale_version,
)
from cases.fields import TEXT_FIELDS, is_code, read_fields
from cases.guards import CONDITIONS, NEED_FIELDS, PERSONS, POSSIBLE
from cases.models import ApprovalRequest, Case, CaseEvent, CasePhoto, FieldTask, SubOrder
from cases.publish import tell_case_acted
from cases.services.context import Act
from cases.services.effects import EFFECTS
from cases.services.history import event_append, event_chain, notice_append
from cases.services.marks import deadlines_settle
from cases.services.photos import photos_link
from cases.situation import Situation
from cases.workflow import FINAL_STATES, Arrow, Post, State, arrows_from, arrows_of
from common.prepared import Prepared, Slot

PHOTO_PURPOSE = {
    "confirm": CasePhoto.Purpose.CONFIRM,
    "complete": CasePhoto.Purpose.AFTER,
    "complete_sub_order": CasePhoto.Purpose.AFTER,
    "check_pass": CasePhoto.Purpose.CHECK,
    "check_fail": CasePhoto.Purpose.CHECK,
}

# What most acts look at; the rest is loaded by the few that need it.
LOCKED_WITH = ("type", "department", "desk", "person")


def _locking(cases: QuerySet[Case]) -> QuerySet[Case]:
    locking = cases.filter(pk=Slot("case")).select_for_update(of=("self",))
    return locking.select_related(*LOCKED_WITH).order_by()


LOCKED = Prepared(_locking(Case.objects.all()))
LOCKED_FOR = PreparedFor(lambda viewer: _locking(Case.objects.visible_to(viewer, from_case=True)))
HEAD_FIELDS = ("version", "history_head", "history_length")


def case_act(
    *,
    case_id: int,
    action: str,
    actor: User | None,
    now: datetime,
    version: int | None = None,
    is_version_required: bool = False,
    idempotency_key: str = "",
    **fields: Any,
) -> Case:
    """Walk one arrow of the workflow table and return the case as it is then.

    ``actor`` None is the system. ``version`` is the version the actor saw; None (tasks, commands)
    takes the case as it is, unless ``is_version_required``. ``fields`` are raw values named as in
    the table.

    Raises:
        CaseNotFound: the actor may not see the case, or there is no such action (404).
        ActionRefused: role_refused 403, stale_version 409, not_possible 409, same_person 403,
            missing_field or invalid 400, in this order.
    """
    if not arrows_of(action):
        raise CaseNotFound(_("There is no such action."))
    with transaction.atomic(savepoint=False):
        situation = _lock(case_id, action, actor, now, fields)
        if actor is not None and not actor.stands_in_at(now):
            raise role_refused(_("The duty you stood in for has ended."))
        arrow, post = choose_arrow(situation, action, version)
        check_guards(situation, arrow)
        if is_version_required and version is None:
            raise missing_field("version")
        read_fields(situation, (*arrow.requires, *arrow.optional))
        _check_fields(situation, arrow)
        return _walk(Act(situation, arrow, post), idempotency_key)


def _lock(
    case_id: int, action: str, actor: User | None, now: datetime, fields: dict[str, Any]
) -> Situation:
    """Lock the case, and for a merge its master too, in the order of their ids."""
    wanted = [case_id]
    if action == "merge" and is_code(fields.get("master")):
        wanted += Case.objects.filter(number=fields["master"]).values_list("pk", flat=True)
    locked: dict[int, Case] = {}
    for pk in sorted(set(wanted)):
        rows = LOCKED(case=pk) if actor is None else LOCKED_FOR(actor, case=pk)
        locked |= {case.pk: case for case in rows}
    if case_id not in locked:
        raise CaseNotFound
    situation = Situation(locked[case_id], actor, now)
    situation.raw = {**fields, "action": action}
    situation.master = next((case for pk, case in locked.items() if pk != case_id), None)
    return situation


# ── refusals ──────────────────────────────────────────────────────────────────────────────────


def choose_arrow(
    situation: Situation, action: str, version: int | None = None
) -> tuple[Arrow, Post]:
    """Return the row for this action, state and person, with the post that carries it.

    Raises role_refused, stale_version or not_possible, in this order.
    """
    state = situation.case.current_state
    here = arrows_from(state, action)
    rows = here or arrows_of(action)
    is_stale = version is not None and version != situation.case.version
    if not any(situation.holds(post) for row in rows for post in row.posts):
        # A tie to the case may have ended with the step this person has not seen yet.
        if is_stale and any(situation.has_role_for(post) for row in rows for post in row.posts):
            raise stale_version()
        raise role_refused()
    if is_stale:
        raise stale_version()
    if not here:
        raise not_possible(_("This cannot be done in the case's present state."))
    return _fitting_row(situation, here)


def _fitting_row(situation: Situation, rows: tuple[Arrow, ...]) -> tuple[Arrow, Post]:
    held_elsewhere = False
    for row in rows:
        post = situation.acting_post(row)
        if _condition_holds(situation, row):
            if post is not None:
                return row, post
        elif post is not None:
            held_elsewhere = True
    if held_elsewhere:
        raise not_possible(_("This cannot be done in the case's present state."))
    raise role_refused()


def _condition_holds(situation: Situation, row: Arrow) -> bool:
    kind = row.request[1] if row.request else None
    return not row.when or CONDITIONS[row.when](situation, kind)


def check_guards(situation: Situation, arrow: Arrow) -> None:
    """Ask the guards that need no fields: not_possible before same_person."""
    kind = arrow.request[1] if arrow.request else None
    for name in arrow.possible:
        if name not in NEED_FIELDS and (sentence := POSSIBLE[name](situation, kind)):
            raise not_possible(sentence)
    for name in arrow.persons:
        if sentence := PERSONS[name](situation, kind):
            raise same_person(sentence)


def _check_fields(situation: Situation, arrow: Arrow) -> None:
    missing = situation.lacks(arrow)
    if missing:
        raise missing_field(*missing)
    for name in arrow.possible:
        if name in NEED_FIELDS and (sentence := POSSIBLE[name](situation, None)):
            raise not_possible(sentence)


# ── the change ────────────────────────────────────────────────────────────────────────────────


def _walk(act: Act, idempotency_key: str) -> Case:
    """Go the arrow with a case that is locked and may go it. What comes first matters:

    1. What fell due before this act is told, with the clocks as they ran until now.
    2. Effects and the new state; only then the clocks, which depend on both, and the case repeats
       the one it waits for; then what needs those deadlines (``after_clocks``).
    3. The event is chained over all of that and moves the case's head on; case and event are
       written, photos and notices refer to the event.
    """
    case, arrow = act.case, act.arrow
    deadlines_settle(act.clocks)
    old_state = case.current_state
    for name in arrow.effects:
        EFFECTS[name](act)
    new_state = arrow.target or old_state
    _enter(act, new_state)
    act.clocks.apply(arrow.clocks)
    act.clocks.show_on_case()
    for finish in act.after_clocks:
        finish()
    _settle_requests(act, old_state)
    act.clocks.save()
    if not arrow.notice:
        case.version += 1
    text = {**act.text, **{n: v for n, v in act.fields.items() if n in TEXT_FIELDS and v}}
    if photos := act.fields.get("photos"):
        act.data["photos"] = [photo.sha256 for photo in photos]
    event = CaseEvent(
        case=case,
        run=case.run,
        action=arrow.action,
        actor=act.actor,
        principal=act.principal,
        role=act.post.value,
        organisation_id=act.actor.organisation_id if act.actor else None,
        old_state=old_state.value,
        new_state=new_state.value,
        at=act.now,
        data=act.data,
        idempotency_key=idempotency_key,
    )
    event, salt = event_chain(case, event, text)
    case.save(update_fields=act.changed_fields)
    event_append(event, salt, text)
    photos_link(
        case=case,
        photos=act.fields.get("photos", ()),
        purpose=PHOTO_PURPOSE.get(arrow.action, CasePhoto.Purpose.EVIDENCE),
        sequence=event.sequence,
    )
    if arrow.action == "merge":
        _tell_master(act)
    for action, data in act.notices:
        notice_append(case=case, action=action, data=data, now=act.now)
    tell_case_acted(act)
    return case


def _enter(act: Act, state: State) -> None:
    """Set the state, and end with the case what only an open case can have."""
    case = act.case
    case.state = state.value
    case.is_open = state not in FINAL_STATES
    if not case.is_open and act.arrow.leaves:
        case.ended_at = act.now
        case.collector = None
        case.sub_orders.filter(ended_at__isnull=True).update(
            ended_at=act.now, outcome=SubOrder.Outcome.ENDED
        )
        if act.arrow.source is State.CONFIRMING or act.arrow.source is State.CHECKING:
            case.field_tasks.filter(ended_at__isnull=True).update(
                ended_at=act.now, outcome=FieldTask.Outcome.ENDED
            )


def _settle_requests(act: Act, old_state: State) -> None:
    """Save the request decided; those asked in a state the case has left lapse."""
    touched = [act.decided] if act.decided else []
    if act.arrow.leaves or act.changes_hands:
        for request in act.situation.open_requests:
            if request is not act.decided and request.asked_in == old_state.value:
                request.status, request.waits_for = ApprovalRequest.Status.LAPSED, []
                request.decided_at = act.now
                touched.append(request)
    if touched:
        ApprovalRequest.objects.bulk_update(
            touched,
            ["status", "approvals", "waits_for", "decided_by", "decided_at", "decision_note"],
        )
    lapsed = [request.pk for request in touched if request is not act.decided]
    if lapsed:
        act.data["lapsed_requests"] = lapsed


def _tell_master(act: Act) -> None:
    """The master's history says that it took another report in; it is locked already."""
    master = act.case.master
    assert master is not None
    event = CaseEvent(
        case=master,
        run=master.run,
        action="take_in",
        actor=act.actor,
        principal=act.principal,
        role=act.post.value,
        organisation_id=act.actor.organisation_id if act.actor else None,
        old_state=master.state,
        new_state=master.state,
        at=act.now,
        data={"merged": act.case.number},
    )
    event, salt = event_chain(master, event, {})
    master.version += 1
    master.save(update_fields=HEAD_FIELDS)
    event_append(event, salt, {})
