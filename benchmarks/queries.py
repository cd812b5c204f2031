"""How many SQL queries the doors make: every action of the workflow, walked at least once."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import City, User
from accounts.roles import Role
from cases.errors import ActionRefused
from cases.models import Case, LeaderInstruction, SubOrder, SupervisionOrder
from cases.services import case_act, case_report
from cases.services.photos import photo_copy
from cases.workflow import ACTIONS, Post, State, arrows_from
from desks.demo.pictures import BEFORE, pictures_of
from desks.demo.play import Player, Turn, fields_for
from desks.replay.crew import Crew
from desks.replay.places import street_spots

# Each begins with a report; together they take every action in its usual states.
WALKS = """
ask_confirmation reassign recall ask_confirmation confirm accept send_back accept file send_back
    file hand_down hand_up dispatch recall dispatch sign complete send_check reassign recall
    send_check check_fail dispatch sign complete send_check check_pass send_back send_check
    check_pass close propose_reopen reject_reopen propose_reopen withdraw_reopen propose_reopen
    reopen dispatch

accept file dispatch request_return withdraw_return request_return reject_return request_return
    approve_return dispatch sign_sub_order complete_sub_order sign request_extension
    reject_extension request_extension withdraw_extension request_extension approve_extension
    request_suspension withdraw_suspension request_suspension reject_suspension request_suspension
    approve_suspension approve_suspension resume instruct reply_instruction order_supervision
    reply_supervision complete skip_check

accept file dispatch sign request_suspension approve_suspension approve_suspension
    request_unsolved_close withdraw_unsolved_close request_unsolved_close reject_unsolved_close
    request_unsolved_close approve_unsolved_close close

accept file request_void withdraw_void request_void reject_void request_void approve_void appeal
    refuse appeal merge unmerge

accept file dispatch request_proxy withdraw_proxy request_proxy reject_proxy request_proxy
    approve_proxy sign complete

dispatch_urgent sign complete_filing complete send_check check_pass close

judge_valid
"""
TYPE = "E0204"  # leafleting: may be handled on the spot, and closed without a check
LIKE = {"reassign": "send_check"}  # brings the same
STEP = timedelta(minutes=3)


def queries_of_the_door(city: City, now: datetime) -> dict[str, int]:
    """Return the most queries each action took, and "report".

    Raise LookupError when the walks leave out an action of the workflow.
    """
    walker = Walker(city, now)
    with transaction.atomic():
        for walk in WALKS.strip().split("\n\n"):
            walker.walk(walk.split())
        transaction.set_rollback(True)
    missing = set(ACTIONS) - set(walker.queries)
    if missing:
        raise LookupError(f"no walk takes {', '.join(sorted(missing))}")
    return walker.queries


class Walker:
    """Takes cases through their walks and remembers the most queries of each action."""

    def __init__(self, city: City, now: datetime) -> None:
        self.crew = Crew(city)
        self.player = Player(city, random.Random(1), pictures_of(city, now))
        self.place = street_spots(city.pk)[0]
        self.now = now
        self.queries: dict[str, int] = {}

    def walk(self, actions: list[str]) -> None:
        """Report a case and take it through these actions."""
        self._report()  # another at the same place, to merge into
        case = self._report()
        for action in actions:
            self.now += STEP
            case = self._act(case, action)

    def _count(self, name: str, captured: CaptureQueriesContext) -> None:
        self.queries[name] = max(self.queries.get(name, 0), len(captured))

    def _report(self) -> Case:
        reporter = self.crew.holder(Role.COLLECTOR)
        photo = self._photo(reporter)
        with CaptureQueriesContext(connection) as captured:
            case = case_report(
                actor=reporter,
                source="collector",
                lon=self.place[0],
                lat=self.place[1],
                now=self.now,
                type_code=TYPE,
                description="散发小广告",
                photo_ids=[photo],
                reporter_name="市民",
                is_self_handled=True,
            )
        self._count("report", captured)
        return case

    def _photo(self, owner: User) -> int:
        original = self.player.pictures["wall", BEFORE][0]
        return photo_copy(photo=original, owner=owner, now=self.now).pk

    def _act(self, case: Case, action: str) -> Case:
        actor = self._actor(case, action)
        turn = Turn(self.player, case, actor, self.now)
        usual = fields_for(LIKE.get(action, action))
        fields = {"reason": "情况有变", **(self._fields(case, action) or usual(turn))}
        with CaptureQueriesContext(connection) as captured:
            try:
                case = case_act(case_id=case.pk, action=action, actor=actor, now=self.now, **fields)
            except ActionRefused as refused:
                raise LookupError(
                    f"{action} by {actor} {sorted(refused.fields)}: {refused}"
                ) from refused
        self._count(action, captured)
        return case

    def _actor(self, case: Case, action: str) -> User:
        """Return the first who holds a post of the action here; of two approvals the due one."""
        posts = [post for row in arrows_from(State(case.state), action) for post in row.posts]
        if action == "approve_suspension" and case.requests.get(status="open").approvals:
            posts = [Post.LDR]
        if Post.COO in posts:
            return self.crew.holder(None, self._side_order(case).organisation.code)
        actors = (self.player.cast.in_post(post, case) for post in posts)
        return next(actor for actor in actors if actor is not None)

    @staticmethod
    def _side_order(case: Case) -> SubOrder:
        return case.sub_orders.select_related("organisation").get(is_lead=False, ended_at=None)

    def _fields(self, case: Case, action: str) -> dict[str, Any]:
        """Return what to send where the demo's people never take the action."""
        if action == "dispatch" and (case.state == State.FILED or case.run > 1):
            lead = self.crew.holder(Role.DEPARTMENT_CLERK, "city-enforcement").organisation
            side = [{"organisation": "city-sanitation", "mandatory": False, "task": "清理"}]
            return {"department": lead.code, "reason": "市级", "cooperating": side}
        if action.startswith("withdraw_"):
            kind = action.removeprefix("withdraw_")
            return {"request": case.requests.get(status="open", kind=kind).pk}
        if action == "reply_supervision":
            return {"order": SupervisionOrder.objects.get(case=case).number, "reply": "已安排"}
        if action == "reply_instruction":
            return {"order": LeaderInstruction.objects.get(case=case).number, "reply": "已安排"}
        if action == "complete_sub_order":
            photo = self._photo(self.crew.holder(None, self._side_order(case).organisation.code))
            return {"note": "已完成", "photos": [photo]}
        return {}
