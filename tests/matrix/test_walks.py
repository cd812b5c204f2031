"""Random walks through the real services: whatever people do, in any order, the rules hold."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from cases.errors import ActionRefused
from cases.models import Case, CaseEvent
from cases.selectors import actions_for
from cases.situation import Situation
from cases.workflow import ACTIONS, INNER_ACTIONS, Arrow, Asks, State, arrows_from
from components.models import CaseType
from tests.cast import NOW, Cast, Story
from tests.matrix.invariants import NOTICES, check_case

FULL = os.environ.get("FULL_SIZE") == "1"
EXAMPLES = int(os.environ.get("WALK_EXAMPLES", "400" if FULL else "4"))
STEPS = int(os.environ.get("WALK_STEPS", "50" if FULL else "12"))
SHRINKS = os.environ.get("WALK_SHRINKS") == "1"  # takes minutes; the notes tell the walk anyway

STATUS_OF = {
    "role_refused": 403,
    "stale_version": 409,
    "not_possible": 409,
    "same_person": 403,
    "missing_field": 400,
    "invalid": 400,
}
# What only the fields decide, so that no button can know it.
FOR_THE_FIELDS = {"missing_field", "invalid"}
BY_THE_FIELDS = {
    "judge_valid": "not_possible",
    "hand_down": "not_possible",
    "send_check": "same_person",
    "reassign": "same_person",
}
SHARE = {  # most acts take a case on; these would end it, turn it round or leave it where it is
    **dict.fromkeys(("refuse", "merge", "approve_void"), 0.1),
    **dict.fromkeys(("instruct", "order_supervision", "hand_up", "hand_down"), 0.1),
    **dict.fromkeys(("urge", "rate_supervision", "rate_instruction"), 0.1),
    **dict.fromkeys(("send_back", "recall", "reassign", "ask_confirmation"), 0.2),
    **dict.fromkeys(("dispatch_urgent", "approve_return", "complete_filing"), 0.3),
    **{action: 0.3 for action in ACTIONS if action.startswith(("withdraw_", "reject_"))},
}
MOST_CASES = 4
BUSY = 30
MINUTES = (0, 1, 7, 30, 45, 120, 480, 1440, 4321, 20160)

seeds = st.integers(0, 2**32).map(Random)


def variation(chance: Random) -> dict[str, Any]:
    """Return fields unlike the usual ones; an act that does not know them ignores them."""
    cooperating = [
        {"organisation": code, "mandatory": chance.random() < 0.5}
        for code in ("water", "squad")
        if chance.random() < 0.4
    ]
    all_of_them = {
        "direct_filing": chance.random() < 0.5,
        "department": chance.choice(["sanitation", "sanitation", "gardens", "gudang"]),
        "collector": chance.choice(["collector_chen", "collector_lin", "collector_far"]),
        "urgency": chance.choice(["normal", "urgent"]),
        "extension_value": chance.choice(["0.5", "3", "400"]),
        "extension_unit": chance.choice(["working_hour", "working_day", "hour"]),
        "cooperating": cooperating,
    }
    return {name: value for name, value in all_of_them.items() if chance.random() < 0.4}


class Walks(RuleBasedStateMachine):
    """Several cases of one city; people act on them at random while time passes."""

    cast: Cast

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.now = NOW
        self.stories: list[Story] = []

    def teardown(self) -> None:
        """Look at every case once more and forget everything."""
        try:
            for story in [] if transaction.get_rollback() else self.stories:
                check_case(story.case.pk)
        finally:
            transaction.set_rollback(True)
            self.undo.__exit__(None, None, None)

    # ── what happens ──────────────────────────────────────────────────────────────────────────

    @initialize()
    def first(self) -> None:
        """There is always a case to act on."""
        self._begin()

    @rule(chance=seeds)
    def report(self, chance: Random) -> None:
        """A case that has come some way already."""
        if len(self.stories) < MOST_CASES:
            story = self._begin(
                source=chance.choice(["collector", "hotline", "leader"]),
                type_code=chance.choice(["E0102", "E0104", "C0305"]),
            )
            story.walk_to(chance.choice([state for state in State if state is not State.MERGED]))
            check_case(story.case.pk)

    @rule(type_code=st.sampled_from(["E0102", "E0104", None]))
    def handle_on_the_spot(self, type_code: str | None) -> None:
        """A collector reports what they have put right themselves."""
        if len(self.stories) < MOST_CASES:
            self._begin(type_code=type_code, is_self_handled=True)

    def _begin(self, **given: Any) -> Story:
        story = Story(self.cast, self.now, metres=len(self.stories), **given)
        self.stories.append(story)
        check_case(story.case.pk)
        return story

    @rule(minutes=st.sampled_from(MINUTES))
    def wait(self, minutes: int) -> None:
        """Time passes."""
        self.now += timedelta(minutes=minutes)

    @rule(chance=seeds)
    def a_busy_while(self, chance: Random) -> None:
        """Many acts, one after the other."""
        for _act in range(BUSY):
            if chance.random() < 0.2:
                self.wait(chance.choice(MINUTES))
            elif chance.random() < 0.1:
                self.act_anyhow(chance)
            else:
                self.act_in_post(chance)

    @rule(chance=seeds)
    def act_in_post(self, chance: Random) -> None:
        """Somebody whose post it is does something; what leads nowhere, less often."""
        story = chance.choice(self.stories)
        may = self._who_may_what(story)
        actions = [action for action in may if chance.random() < SHARE.get(action, 1)]
        if actions:
            action = chance.choice(actions)
            self._try(story, action, chance.choice(may[action]), variation(chance))

    @rule(chance=seeds)
    def act_anyhow(self, chance: Random) -> None:
        """Anybody tries anything."""
        actor = chance.choice(list(self.cast.everybody()))
        action = chance.choice([action for action in ACTIONS if action not in INNER_ACTIONS])
        self._try(chance.choice(self.stories), action, actor, variation(chance))

    @rule(chance=seeds)
    def act_on_a_stale_page(self, chance: Random) -> None:
        """Somebody in post acts on a version that is gone: refused."""
        story = chance.choice(self.stories)
        choices = [
            (action, actor)
            for action, actors in self._who_may_what(story).items()
            for actor in actors
            if actor is not None
        ]
        action, actor = chance.choice(choices)
        story.now = self.now
        if Case.objects.visible_to(actor).filter(pk=story.case.pk).exists():
            version = Case.objects.values_list("version", flat=True).get(pk=story.case.pk) - 1
            assert story.refused(action, actor, version=version).code == "stale_version"

    def _who_may_what(self, story: Story) -> dict[str, list[User | None]]:
        fresh = Case.objects.select_related("department", "city").get(pk=story.case.pk)
        has_object = self._objects(fresh)
        rows = [
            row for row in arrows_from(State(fresh.state)) if not row.is_inner and has_object(row)
        ]
        may: dict[str, list[User | None]] = {}
        for actor in [*self.cast.everybody(), None]:
            situation = Situation(fresh, actor, self.now)
            for row in rows:
                if any(situation.holds(post) for post in row.posts):
                    may.setdefault(row.action, []).append(actor)
        return may

    def _objects(self, case: Case) -> Callable[[Arrow], bool]:
        """Leave out decisions without a request and replies without an order: refused anyway."""
        asked = set(case.requests.filter(status="open").values_list("kind", flat=True))
        orders = list(case.supervisionorders.values_list("replied_at", "rated_at"))
        instructions = list(case.leaderinstructions.values_list("replied_at", "rated_at"))

        def has_object(row: Arrow) -> bool:
            if row.request is not None and row.request[0] is not Asks.ASK:
                return row.request[1] in asked
            if row.action.startswith(("reply_", "rate_")):
                given = orders if "supervision" in row.action else instructions
                which = 0 if row.action.startswith("reply_") else 1
                return any(moments[which] is None for moments in given)
            return True

        return has_object

    # ── what is looked at ─────────────────────────────────────────────────────────────────────

    def _try(self, story: Story, action: str, actor: User | None, fields: dict[str, Any]) -> None:
        story.now = self.now
        before = Case.objects.get(pk=story.case.pk)
        offered = actor is not None and action in {
            option.action for option in actions_for(before, actor, self.now)
        }
        visible = actor is None or Case.objects.visible_to(actor).filter(pk=before.pk).exists()
        refusal: Exception | None = None
        try:
            with transaction.atomic():
                story.act(action, actor, **fields)
        except Exception as error:
            if getattr(error, "code", None) not in (*STATUS_OF, "not_found"):
                raise
            refusal = error
        if refusal is None:
            assert offered or actor is None, (
                f"{action} by {actor} in {before.state} went through unoffered"
            )
            self._went_through(story, before, action, actor)
        else:
            self._was_refused(before, action, refusal, offered=offered, visible=visible)

    def _went_through(self, story: Story, before: Case, action: str, actor: User | None) -> None:
        note(f"{before.number} {before.state}: {actor} {action}")
        after = check_case(story.case.pk)
        assert after.version == before.version + (action not in NOTICES)
        assert after.version == story.case.version
        events = CaseEvent.objects.filter(case=after, action=action)
        event = events.latest("sequence")
        assert (event.action, event.actor, event.at) == (action, actor, self.now)
        if action == "merge":
            check_case(after.master_id)

    def _was_refused(
        self, before: Case, action: str, refusal: Any, *, offered: bool, visible: bool
    ) -> None:
        if refusal.code == "not_found":
            assert not visible
            return
        assert isinstance(refusal, ActionRefused)
        assert refusal.status == STATUS_OF[refusal.code]
        assert str(refusal.message)
        after = Case.objects.get(pk=before.pk)
        assert (after.state, after.version) == (before.state, before.version)
        if offered and visible:
            told = refusal.code in FOR_THE_FIELDS or BY_THE_FIELDS.get(action) == refusal.code
            assert told, f"{action} was offered in {before.state} and refused: {refusal.message}"


def test_random_walks_keep_every_invariant(cast):
    CaseType.objects.filter(code="E0104").update(is_check_skippable=True)
    machine = type("Walks", (Walks,), {"cast": cast})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=not FULL,
            database=None,
            phases=(Phase.generate, Phase.shrink) if SHRINKS else (Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
