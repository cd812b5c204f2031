"""What an act finds: the case, who acts in which posts, and what is open in the case.

Everything that costs a query is loaded at most once, and only if a guard or effect asks for it.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Any

from accounts.models import Organisation, User
from cases.models import (
    ApprovalRequest,
    Case,
    CaseClock,
    CaseEvent,
    CasePolicy,
    CaseUrge,
    FieldTask,
    SubOrder,
)
from cases.parts import parts_of
from cases.publish import Routing, routing_of
from cases.workflow import POST_ROLES, Arrow, Post, RequestKind, State
from common.prepared import Prepared, Slot
from common.rows import one_or_none

# Whose move it is in a state in which somebody may be urged.
WAITED_FOR: dict[State, Post] = {
    State.REPORTED: Post.ACC,
    State.CONFIRMING: Post.COL,
    State.ACCEPTED: Post.SUP,
    State.FILED: Post.DSP,
    State.DISPATCHED: Post.DEP,
    State.HANDLING: Post.DEP,
    State.HANDLED: Post.ACC,
    State.CHECKING: Post.COL,
    State.REWORK: Post.DSP,
    State.CHECKED: Post.SUP,
}
HANDLING_ACTIONS = ("sign", "complete", "sign_sub_order", "complete_sub_order")
HANDLERS = Prepared(
    CaseEvent.objects.filter(case=Slot("case"), action__in=HANDLING_ACTIONS)
    .order_by()
    .values_list("actor_id", "principal_id", "organisation_id")
)
OPEN_ORDERS = Prepared(
    SubOrder.objects.filter(case=Slot("case"), ended_at__isnull=True)
    .select_related("organisation", "squad", "person")
    .order_by("pk")
)
POLICY = Prepared(CasePolicy.objects.filter(city=Slot("city")).order_by())


class Situation:
    """A case, seen by somebody who wants to act (``actor`` None is the system)."""

    def __init__(self, case: Case, actor: User | None, now: datetime) -> None:
        self.case = case
        self.actor = actor
        self.now = now
        self.master: Case | None = None  # the locked case a merge goes into
        self.fields: dict[str, Any] = {}
        self.raw: dict[str, Any] = {}
        self.named_bodies: dict[str, Organisation] | None = None  # kept by cases.fields

    # ── who ───────────────────────────────────────────────────────────────────────────────────

    def holds(self, post: Post) -> bool:
        """Tell whether the actor has this post in this case."""
        if self.actor is None:
            return post is Post.SYS
        return bool(POST_ROLES[post] & self.actor.roles) and self._is_tied(post)

    def has_role_for(self, post: Post) -> bool:
        """Tell whether the actor's roles allow the post, whatever the tie to the case."""
        if self.actor is None:
            return post is Post.SYS
        return bool(POST_ROLES[post] & self.actor.roles)

    def _is_tied(self, post: Post) -> bool:
        case, actor = self.case, self.actor
        assert actor is not None
        if post is Post.COL:
            return case.collector_id == actor.pk
        if post is Post.DSP:
            return actor.organisation_id is not None and case.desk_id == actor.organisation_id
        if post in (Post.DEP, Post.PXY):
            return bool(
                case.department
                and actor.organisation
                and case.department.contains(actor.organisation)
            )
        if post is Post.COO:
            return self.own_order is not None
        return case.city_id == actor.city_id

    def acting_post(self, arrow: Arrow) -> Post | None:
        """Return the post that carries a row; of an approval, one whose turn it is if possible."""
        held = [post for post in arrow.posts if self.holds(post)]
        request = self.open_request(arrow.request[1]) if arrow.request else None
        due = request.posts_due if request else ()
        return next((post for post in held if post in due), next(iter(held), None))

    # ── what is open in the case ──────────────────────────────────────────────────────────────

    @cached_property
    def open_requests(self) -> list[ApprovalRequest]:
        """Requests nobody has decided yet."""
        status = ApprovalRequest.Status.OPEN
        return [request for request in parts_of(self.case).requests if request.status == status]

    def open_request(self, kind: RequestKind) -> ApprovalRequest | None:
        """The open request of a kind, asked in the state the case is still in."""
        return next(
            (
                request
                for request in self.open_requests
                if request.kind == kind and request.asked_in == self.case.state
            ),
            None,
        )

    @property
    def live_clocks(self) -> list[CaseClock]:
        """Clocks of the case's current run that have not stopped."""
        run = self.case.run
        return [c for c in parts_of(self.case).clocks if c.run == run and c.stopped_at is None]

    @cached_property
    def open_orders(self) -> list[SubOrder]:
        """Orders of departments that have not ended."""
        orders = OPEN_ORDERS(case=self.case.pk)
        for order in orders:
            order.case = self.case
        return orders

    @property
    def open_parts(self) -> list[SubOrder]:
        """Co-operating orders still to be done, in the order in which they were given."""
        parts = [order for order in self.open_orders if not order.is_lead and order.is_under_way]
        return sorted(parts, key=lambda order: order.pk)

    @cached_property
    def own_order(self) -> SubOrder | None:
        """The open co-operating order of the actor's organisation, not yet completed."""
        if self.actor is None or self.actor.organisation is None:
            return None
        return next(
            (
                order
                for order in self.open_parts
                if order.organisation.contains(self.actor.organisation)
            ),
            None,
        )

    @property
    def order_in_hand(self) -> SubOrder | None:
        """The open order the actor works on: the lead's, else the part of their department."""
        if self.holds(Post.DEP) or self.holds(Post.PXY):
            return next((order for order in self.open_orders if order.is_lead), None)
        return self.own_order

    @cached_property
    def open_task(self) -> FieldTask | None:
        """The collector's task under way."""
        return one_or_none(self.case.field_tasks.filter(ended_at__isnull=True))

    @property
    def persons(self) -> frozenset[int]:
        """Who acts and for whom: both count wherever people must differ; nobody for the system."""
        return self.actor.persons if self.actor else frozenset()

    @cached_property
    def _handled_by(self) -> list[tuple[int | None, int | None, int | None]]:
        known = parts_of(self.case).known_events
        if known is None:
            return list(HANDLERS(case=self.case.pk))
        handled = [event for event in known if event.action in HANDLING_ACTIONS]
        return [(each.actor_id, each.principal_id, each.organisation_id) for each in handled]

    @property
    def handling_people(self) -> set[int]:
        """Everybody who has handled this case in any run, or for whom it was handled."""
        return {pk for *people, _body in self._handled_by for pk in people if pk is not None}

    @property
    def handling_bodies(self) -> set[int]:
        """The organisations of those."""
        return {body for *_people, body in self._handled_by if body is not None}

    @cached_property
    def routing(self) -> Routing | None:
        """What the city's rules say of the case as it is now."""
        return routing_of(self.case, self.now)

    @cached_property
    def waiting_body(self) -> tuple[int | None, Post]:
        """Who has to act next: the organisation (None where a post of the centre has), and as what.

        A field task is its collector's; the collector's contractor stands for them.
        """
        case, state = self.case, self.case.current_state
        post = WAITED_FOR[state]
        if post is Post.DEP:
            return case.department_id, post
        if post is Post.DSP:
            return case.desk_id, post
        if post is Post.COL:
            return (case.collector.organisation_id if case.collector else None), post
        return None, post

    @cached_property
    def last_urge(self) -> CaseUrge | None:
        """When whoever the case waits for was urged last in it; by the index case_urge_last."""
        organisation_id, post = self.waiting_body
        urges = CaseUrge.objects.filter(
            case=self.case, organisation=organisation_id, post=post.value
        )
        return urges.order_by("-urged_at").first()

    @cached_property
    def policy(self) -> CasePolicy:
        """The city's own numbers."""
        return next(iter(POLICY(city=self.case.city_id)), None) or CasePolicy()

    @property
    def type(self):
        """The type as it will be: the one sent, else the case's."""
        return self.fields.get("type") or self.case.type

    def lacks(self, arrow: Arrow) -> tuple[str, ...]:
        """Names of required fields that are neither sent nor known from the case."""
        return tuple(
            name
            for name in arrow.requires
            if name not in self.fields and not self._case_knows(name)
        )

    def _case_knows(self, name: str) -> bool:
        if name == "profile":  # a standard brings its profile
            return bool(self.case.profile) or "standard" in self.fields
        attribute = KNOWN_FROM_CASE.get(name)
        return bool(attribute and getattr(self.case, attribute))


KNOWN_FROM_CASE = {
    "type": "type_id",
    "address": "address",
    "standard": "standard_id",
    "urgency": "urgency",
}
