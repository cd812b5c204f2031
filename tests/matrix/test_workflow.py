"""Every state, action and role at the door, against the contract's table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache

import pytest
from django.db import transaction

from accounts.models import User
from cases.errors import ActionRefused, CaseNotFound
from cases.models import Case
from cases.services import case_act
from cases.workflow import ACTIONS, State, arrows_from
from components.models import CaseType
from tests.cast import NOW, PEOPLE, Cast, Story
from tests.matrix.contract import CHAINS, agreed_rows
from tests.matrix.invariants import NOTICES, check_case

# (state, action) → the posts that may, and where it may lead.
MAY: dict[tuple[str, str], set[str]] = {}
LEADS_TO: dict[tuple[str, str], set[str]] = {}
POSTS_OF: dict[str, set[str]] = {}
for _row in agreed_rows():
    _state, _action, _target, _posts, _clocks = (cell.strip() for cell in _row.split("|"))
    if _state != "-":
        MAY.setdefault((_state, _action), set()).update(_posts.split())
        LEADS_TO.setdefault((_state, _action), set()).add(_state if _target == "=" else _target)
        POSTS_OF.setdefault(_action, set()).update(_posts.split())

POST_OF_ROLE = {
    "acceptor": {"ACC"},
    "shift_supervisor": {"SUP"},
    "leader": {"LDR"},
}
SEES_EVERYTHING = {"acceptor", "shift_supervisor", "leader", "inspector", "administrator"}
ROLE_OF = {name: role.value for name, role, _body in PEOPLE} | {
    "root": "",
    "jack_lu": "",
    "jill_lu": "",
}
BODY_OF = {name: body for name, _role, body in PEOPLE}
# One of every role who is tied to the case in some state, and where it matters one who is not.
TRIED = (
    "collector_lin", "collector_chen", "collector_far", "acceptor_wang", "supervisor_zhao",
    "dispatcher_li", "dispatcher_xihu", "clerk_sun", "head_qian", "clerk_hua", "clerk_shui",
    "squad_gao", "leader_tang", "inspector_he", "manager_ma", "administrator_bai", "partner_dong",
    "root",
)  # fmt: skip


# ── building each case ────────────────────────────────────────────────────────────────────────


def usual(cast: Cast, state: State) -> Story:
    if state is State.MERGED:
        Story(cast, metres=5)
    return Story(cast).walk_to(state)


def urgent(cast: Cast, state: State) -> Story:
    story = Story(cast)
    story.act("dispatch_urgent", cast.dispatcher_li)
    road = {
        State.DISPATCHED: (),
        State.FILED: (("dispatcher_li", "recall"),),
        State.HANDLING: (("clerk_sun", "sign"),),
    }
    road[State.SUSPENDED] = (
        *road[State.HANDLING],
        ("clerk_sun", "request_suspension"),
        ("dispatcher_li", "approve_suspension"),
        ("leader_tang", "approve_suspension"),
    )
    road[State.HANDLED] = (*road[State.HANDLING], ("clerk_sun", "complete"))
    road[State.CHECKING] = (*road[State.HANDLED], ("acceptor_wang", "send_check"))
    road[State.REWORK] = (*road[State.CHECKING], ("collector_lin", "check_fail"))
    road[State.CHECKED] = (*road[State.CHECKING], ("collector_lin", "check_pass"))
    for name, action in road[state]:
        story.act(action, cast.people[name])
    return story


def with_cooperation(cast: Cast, state: State) -> Story:
    story = Story(cast).walk_to(State.FILED)
    story.act("dispatch", cast.dispatcher_li, cooperating=[{"organisation": "water"}])
    if state is State.HANDLING:
        story.act("sign", cast.clerk_sun)
    return story


def declined(cast: Cast, state: State) -> Story:
    story = with_cooperation(cast, state)
    story.act("decline_sub_order", cast.clerk_shui)
    return story


def assigned(cast: Cast, state: State) -> Story:
    story = with_cooperation(cast, state)
    for name in ("clerk_sun", "clerk_shui"):
        story.act("assign", cast.people[name])
    return story


def at_the_district(cast: Cast, state: State) -> Story:
    story = Story(cast).walk_to(State.FILED)
    story.act("hand_down", cast.dispatcher_li)
    return story


def handled_on_the_spot(cast: Cast, state: State) -> Story:
    return Story(cast, is_self_handled=True)


def beside_another(cast: Cast, state: State) -> Story:
    Story(cast, metres=5)
    return usual(cast, state)


def without_a_check(cast: Cast, state: State) -> Story:
    CaseType.objects.filter(code="E0102").update(is_check_skippable=True)
    return usual(cast, state)


def with_an_instruction(cast: Cast, state: State) -> Story:
    story = usual(cast, state)
    story.act("instruct", cast.leader_tang)
    return story


def under_supervision(cast: Cast, state: State) -> Story:
    story = usual(cast, state)
    story.act("order_supervision", cast.supervisor_zhao)
    return story


def with_a_reply(cast: Cast, state: State) -> Story:
    """Build a case under a supervision order that was answered."""
    story = usual(cast, State.HANDLING if state is State.FILED else state)
    story.act("order_supervision", cast.supervisor_zhao)
    story.act("reply_supervision", cast.clerk_sun)
    if state is State.FILED:
        story.act("recall", cast.dispatcher_li)
    return story


def with_an_answer(cast: Cast, state: State) -> Story:
    """Build a case with a leader's instruction that was answered."""
    story = usual(cast, State.CHECKED if state is State.CLOSED else state)
    story.act("instruct", cast.leader_tang)
    story.act("reply_instruction", cast.supervisor_zhao)
    if state is State.CLOSED:
        story.act("close", cast.supervisor_zhao)
    return story


def overdue(cast: Cast, state: State) -> Story:
    story = usual(cast, state)
    story.now = NOW + timedelta(days=30)
    return story


ASKED_BY = {"unsolved_close": "dispatcher_li", "void": "dispatcher_li", "reopen": "acceptor_wu"}
ASK = {"reopen": "propose_reopen"}


@cache
def with_a_request(kind: str) -> Callable[[Cast, State], Story]:
    def build(cast: Cast, state: State) -> Story:
        story = usual(cast, state)
        # The deputy asks, so that the clerk too is somebody who did not.
        asker = cast.people[ASKED_BY.get(kind, "head_qian")]
        if kind == "proxy" and state is State.FILED:
            asker = cast.dispatcher_li
        story.act(ASK.get(kind, f"request_{kind}"), asker)
        return story

    return build


def agreed_by_the_desk(cast: Cast, state: State) -> Story:
    story = with_a_request("suspension")(cast, state)
    story.act("approve_suspension", cast.dispatcher_li)
    return story


BUILDERS: dict[str, Callable[[Cast, State], Story]] = {
    "complete_filing": urgent,
    "sign_sub_order": with_cooperation,
    "complete_sub_order": with_cooperation,
    "decline_sub_order": with_cooperation,
    "recall_sub_order": with_cooperation,
    "keep_sub_order": declined,
    "take_back": assigned,
    "hand_up": at_the_district,
    "judge_valid": handled_on_the_spot,
    "merge": beside_another,
    "skip_check": without_a_check,
    "reply_instruction": with_an_instruction,
    "reply_supervision": under_supervision,
    "rate_instruction": with_an_answer,
    "rate_supervision": with_a_reply,
    "urge": overdue,
    "reopen": with_a_request("reopen"),
    **{
        action: with_a_request(action.partition("_")[2])
        for action in ACTIONS
        if action.startswith(("approve_", "reject_", "withdraw_"))
    },
}


def build(cast: Cast, state: State, action: str) -> Story:
    """Return a case in a state in which nothing but the person decides about an action."""
    return BUILDERS.get(action, usual)(cast, state)


# ── what the contract expects ─────────────────────────────────────────────────────────────────


def posts_of(name: str | None, case: Case) -> set[str]:
    """Return the posts somebody has in a case, by role and tie, worked out by hand."""
    if name is None:
        return {"SYS"}
    role, body = ROLE_OF[name], BODY_OF.get(name)
    if role in POST_OF_ROLE:
        return POST_OF_ROLE[role]
    if role == "collector":
        return {"COL"} if case.collector and case.collector.username == name else set()
    if role == "dispatcher":
        return {"DSP"} if case.desk.code == body else set()
    lead = case.department.code if case.department else None
    if role in ("department_clerk", "department_head"):
        posts = {"DEP"} if body == lead else set()
        waiting = {
            order.organisation.code
            for order in case.sub_orders.all()
            if not order.is_lead and order.completed_at is None and order.ended_at is None
        }
        return posts | ({"COO"} if body in waiting else set())
    if role == "proxy_squad":
        return {"PXY"} if body == lead else set()
    return set()


def is_visible(name: str, case: Case) -> bool:
    """Tell whether the case exists for somebody, by hand."""
    role, body = ROLE_OF[name], BODY_OF.get(name)
    sent = {task.collector.username for task in case.field_tasks.all()}
    ordered = {order.organisation.code for order in case.sub_orders.all()}
    return (
        role in SEES_EVERYTHING
        or name in {"collector_chen", "dispatcher_li", "dispatcher_xihu", "manager_ma"}
        or name in sent
        or (role in ("department_clerk", "department_head", "proxy_squad") and body in ordered)
    )


def expected(name: str | None, case: Case, action: str) -> str:
    """Return the answer the contract gives: a refusal's code, or ``done``."""
    if name is not None and not is_visible(name, case):
        return "not_found"
    held = posts_of(name, case)
    here = MAY.get((case.state, action))
    if here is not None and (chain := chain_of(action)):
        if not held & set().union(*chain):
            return "role_refused"  # in the table, but not asked this time
        if not action.startswith("reject_") and not held & chain[0]:
            return "not_possible"  # their turn comes later: a test of its own
    if here is None:
        return "not_possible" if held & POSTS_OF[action] else "role_refused"
    return "done" if held & here else "role_refused"


def chain_of(action: str) -> list[set[str]]:
    """Return the posts of each step of the usual approval that an action is about."""
    kind = action.removeprefix("approve_").removeprefix("reject_")
    is_decision = action == "reopen" or action.startswith(("approve_", "reject_"))
    return [set(step.split("/")) for step in CHAINS[kind].split(" > ")] if is_decision else []


def answer(story: Story, action: str, actor: User | None) -> str:
    """Return what the door says to somebody who sends what is needed; then undo it."""
    as_before = story.case
    try:
        with transaction.atomic():
            before = Case.objects.get(pk=story.case.pk)
            version = None if actor is None else before.version
            after = story.act(action, actor, version=version)
            assert after.version == before.version + (action not in NOTICES)
            assert after.state in LEADS_TO[before.state, action]
            check_case(after.pk)
            raise Undo
    except Undo:
        return "done"
    except (ActionRefused, CaseNotFound) as refusal:
        return refusal.code
    finally:
        story.case = as_before


def bare_answer(story: Story, action: str, actor: User | None) -> str:
    """Return what the door says to somebody who sends nothing; it must be a refusal."""
    try:
        with transaction.atomic():
            case_act(case_id=story.case.pk, action=action, actor=actor, now=story.now)
    except (ActionRefused, CaseNotFound) as refusal:
        return refusal.code
    raise AssertionError(f"{action} by {actor} went through in {story.case.state}")


class Undo(Exception):
    """Rolls back an act that went through."""


def as_it_is(story: Story) -> Case:
    """Return the case with what decides about posts and about who sees it."""
    cases = Case.objects.select_related("collector", "desk", "department")
    cases = cases.prefetch_related("field_tasks__collector", "sub_orders__organisation")
    return cases.get(pk=story.case.pk)


# ── the matrix ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", list(State))
def test_what_the_contract_allows_goes_through_and_only_for_those_posts(cast, state):
    stories: dict[Callable, Story] = {}  # an answer is undone: actions share what was built
    for action in sorted(action for source, action in MAY if source == state):
        builder = BUILDERS.get(action, usual)
        story = stories[builder] = stories.get(builder) or builder(cast, state)
        case = as_it_is(story)
        assert case.state == state
        # What only the system does is tried by the system too.
        tried = (*TRIED, None) if MAY[state, action] == {"SYS"} else TRIED
        promised = {name: expected(name, case, action) for name in tried}
        answers = {
            name: (answer if says == "done" else bare_answer)(story, action, cast.people.get(name))
            for name, says in promised.items()
        }
        assert answers == promised, action
        assert "done" in answers.values() or MAY[state, action] <= {"LDR"}, action
        assert Case.objects.get(pk=case.pk).version == case.version


@pytest.mark.parametrize("state", list(State))
def test_what_the_contract_does_not_know_in_a_state_is_refused_to_everybody(cast, state):
    story = usual(cast, state)
    case = as_it_is(story)
    foreign = [action for action in ACTIONS if (state, action) not in MAY]
    for name in TRIED:
        has_a_post = bool(posts_of(name, case)) and is_visible(name, case)
        for action in foreign if has_a_post else foreign[::12]:  # to the others all say the same
            said = bare_answer(story, action, cast.people[name])
            assert said == expected(name, case, action), (action, name)
            assert said in ("role_refused", "not_possible", "not_found")


@pytest.mark.parametrize("state", [State.DISPATCHED, State.HANDLING])
def test_a_proxy_squad_that_leads_signs_and_completes(cast, state):
    story = Story(cast).walk_to(State.FILED)
    story.act("request_proxy", cast.dispatcher_li)
    story.act("approve_proxy", cast.leader_tang)
    if state is State.HANDLING:
        story.act("sign", cast.squad_gao)
    case = as_it_is(story)
    action = {State.DISPATCHED: "sign", State.HANDLING: "complete"}[state]
    for name in TRIED:
        assert answer(story, action, cast.people[name]) == expected(name, case, action), name
    assert expected("squad_gao", case, action) == "done"


def test_the_leader_agrees_to_a_suspension_after_the_desk_has(cast):
    story = agreed_by_the_desk(cast, State.HANDLING)
    assert story.case.state == State.HANDLING
    assert story.refused("approve_suspension", cast.dispatcher_li).code == "not_possible"
    assert answer(story, "approve_suspension", cast.leader_tang) == "done"


# ── the system ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("state", "action"),
    [
        (State.CONFIRMING, "recall"),
        (State.CHECKING, "recall"),
        (State.SUSPENDED, "resume"),
    ],
)
def test_the_system_acts_when_the_time_has_come_and_not_before(cast, state, action):
    story = usual(cast, state)
    assert story.refused(action, None).code == "not_possible"
    story.now = NOW + timedelta(days=11)
    assert answer(story, action, None) == "done"


def test_the_system_has_no_other_post(cast):
    may = {(state, action) for (state, action), posts in MAY.items() if "SYS" in posts}
    for state in State:
        story = usual(cast, state)
        story.now = NOW + timedelta(days=11)
        for action in ACTIONS[::4]:
            if (state, action) not in may:
                said = bare_answer(story, action, None)
                assert said in ("role_refused", "not_possible"), (state, action, said)


# ── pairs that must differ ────────────────────────────────────────────────────────────────────

HANDLED_BY_JACK = (
    (State.CHECKING, "check_pass"),
    (State.CHECKING, "check_fail"),
    (State.HANDLED, "skip_check"),
    (State.CHECKED, "close"),
    (State.HANDLING, "approve_proxy"),
    (State.HANDLING, "approve_extension"),
    (State.SUSPENDED, "approve_unsolved_close"),
    (State.HANDLING, "approve_void"),
    (State.CLOSED, "reopen"),
)


def handled_by_jack(cast: Cast, state: State, action: str) -> Story:
    """Build a case that jack signed and completed, up to where the action is possible."""
    jack = cast.jack_lu
    handlers = {"clerk_sun": jack, "head_qian": jack}
    CaseType.objects.filter(code="E0102").update(is_check_skippable=True)
    story = Story(replace(cast, people={**cast.people, **handlers})).walk_to(
        State.CHECKING if action.startswith("check_") else state
    )
    asks = {
        "approve_proxy": ("request_proxy", cast.dispatcher_li),
        "approve_extension": ("request_extension", cast.head_qian),
        "approve_unsolved_close": ("request_unsolved_close", cast.dispatcher_li),
        "approve_void": ("request_void", cast.dispatcher_li),
        "reopen": ("propose_reopen", cast.acceptor_wu),
    }
    if action in asks:
        story.act(*asks[action])
    return story


@pytest.mark.parametrize(("state", "action"), HANDLED_BY_JACK)
def test_who_handled_can_neither_check_nor_close_nor_approve(cast, state, action):
    story = handled_by_jack(cast, state, action)
    if action.startswith(
        "check_"
    ):  # whoever is sent by mistake of the data is refused all the same
        Case.objects.filter(pk=story.case.pk).update(collector=cast.jack_lu)
    assert story.refused(action, cast.jack_lu).code == "same_person"
    if action.startswith("check_"):
        Case.objects.filter(pk=story.case.pk).update(collector=cast.jill_lu)
    refusal = story.refused(action, cast.jill_lu)
    assert refusal.code == "same_person", "nor can a colleague of the same organisation"
    assert refusal.status == 403


@pytest.mark.parametrize("state", [State.DISPATCHED, State.HANDLING])
def test_nobody_decides_what_they_asked_for(cast, state):
    story = usual(cast, state)
    cast.bodies["platform"].refresh_from_db()
    story.act("request_proxy", cast.jack_lu)
    assert story.refused("approve_proxy", cast.jack_lu).code == "same_person"
    assert story.refused("reject_proxy", cast.jack_lu).code == "same_person"
    story.act("reject_proxy", cast.leader_tang)


def test_a_handler_is_not_sent_to_check(cast):
    story = usual(cast, State.HANDLED)
    for name in ("jack_lu", "jill_lu"):
        assert story.refused("send_check", cast.acceptor_wang, collector=name).code == "same_person"
    story.act("send_check", cast.acceptor_wang, collector="collector_lin")
    refusal = story.refused("reassign", cast.acceptor_wang, collector="jill_lu")
    assert refusal.code == "same_person"


def test_the_reporter_checks_only_where_nobody_else_has_the_beat(cast):
    story = usual(cast, State.HANDLED)
    send = {"collector": "collector_chen"}
    assert story.refused("send_check", cast.acceptor_wang, **send).code == "same_person"
    User.objects.filter(username="collector_lin").update(is_active=False)
    story.act("send_check", cast.acceptor_wang, **send)
    task = story.case.field_tasks.get(ended_at=None)
    assert task.is_reporter_checking
    assert task.collector == cast.collector_chen


def test_being_superuser_grants_nothing_at_the_door(cast):
    story = usual(cast, State.CHECKED)
    with pytest.raises(CaseNotFound), transaction.atomic():
        story.act("close", cast.root)


# ── the order of refusals: each wins over all that follow ─────────────────────────────────────


def test_refusals_come_in_the_order_of_the_contract(cast):
    story = usual(cast, State.HANDLING)
    wrong = {"version": 1, "request": 1}
    unknown = "not_a_thing"
    with pytest.raises(CaseNotFound), transaction.atomic():
        case_act(case_id=story.case.pk, action=unknown, actor=cast.inspector_he, now=NOW, **wrong)
    with pytest.raises(CaseNotFound), transaction.atomic():
        story.act("approve_return", cast.partner_dong, **wrong)
    assert story.refused("approve_return", cast.inspector_he, **wrong).code == "role_refused"
    assert story.refused("approve_return", cast.dispatcher_li, **wrong).code == "stale_version"
    wrong["version"] = story.case.version
    assert story.refused("approve_return", cast.dispatcher_li, **wrong).code == "not_possible"


def test_not_possible_comes_before_same_person(cast):
    story = Story(cast)
    story.act("dispatch_urgent", cast.dispatcher_li)
    for action in ("sign", "complete"):
        story.act(action, cast.jack_lu)
    story.act("send_check", cast.acceptor_wang)
    story.act("check_pass", cast.collector_lin)
    assert story.refused("close", cast.jack_lu).code == "not_possible"
    story.act("complete_filing", cast.supervisor_zhao)
    assert story.refused("close", cast.jack_lu).code == "same_person"
    story.act("close", cast.supervisor_zhao)


def test_same_person_comes_before_a_missing_field(cast):
    story = handled_by_jack(cast, State.HANDLED, "skip_check")
    assert story.refused("skip_check", cast.jack_lu, reason=None).code == "same_person"
    assert story.refused("skip_check", cast.acceptor_wang, reason=None).code == "missing_field"


def test_a_missing_version_is_asked_for_last(cast):
    story = usual(cast, State.CHECKED)
    needs = {"is_version_required": True}
    assert story.refused("sign", cast.clerk_sun, **needs).code == "not_possible"
    refusal = story.refused("close", cast.supervisor_zhao, **needs)
    assert (refusal.code, list(refusal.fields)) == ("missing_field", ["version"])


# What the case knows already need not be sent again.
KNOWN = {"type", "address", "standard", "profile", "urgency"}


@pytest.mark.parametrize("state", [State.REPORTED, State.FILED, State.HANDLING, State.CHECKING])
def test_every_required_field_is_asked_for_by_name(cast, state):
    for arrow in arrows_from(state):
        asked = [name for name in arrow.requires if name not in KNOWN]
        if arrow.when or arrow.request or not asked:
            continue
        story = build(cast, state, arrow.action)
        case = as_it_is(story)
        actor = next(
            name for name in (*TRIED, None) if expected(name, case, arrow.action) == "done"
        )
        for name in asked:
            refusal = story.refused(arrow.action, cast.people.get(actor), **{name: None})
            assert (refusal.code, refusal.status) == ("missing_field", 400), arrow.action
            assert list(refusal.fields) == [name]
