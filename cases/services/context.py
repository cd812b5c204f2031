"""An act under way: what the door found and what effects add to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from accounts.models import User
from cases.models import ApprovalRequest, Case
from cases.services.clocks import ClockBook
from cases.situation import Situation
from cases.workflow import Arrow, Post

# What an act may change on the case; what it did change is written in one statement.
CHANGING_FIELDS = (
    "state",
    "is_open",
    "version",
    "run",
    "type",
    "component",
    "description",
    "urgency",
    "point",
    "address",
    "cell",
    "community",
    "street",
    "district",
    "management_area",
    "cell_code",
    "community_code",
    "street_code",
    "district_code",
    "zone_grade",
    "standard",
    "profile",
    "limit_value",
    "limit_unit",
    "closing_conditions",
    "desk",
    "department",
    "collector",
    "routing_reason",
    "master",
    "rework_count",
    "has_open_filing",
    "review_at",
    "handled_at",
    "ended_at",
    "clock_kind",
    "warn_at",
    "due_at",
    "history_head",
    "history_length",
)

ATTRIBUTES = [
    (field.name, field.attname) for field in Case._meta.fields if field.name in CHANGING_FIELDS
]


class Act:
    """One arrow being walked by one person; changes are written at its end."""

    def __init__(self, situation: Situation, arrow: Arrow, post: Post) -> None:
        self.situation = situation
        self.arrow = arrow
        self.post = post
        self.clocks = ClockBook(situation)
        self.data: dict[str, Any] = {}
        self.text: dict[str, Any] = {}
        self.decided: ApprovalRequest | None = None
        self.changes_hands = False  # another department has the case: what the first asked lapses
        self.after_clocks: list[Callable[[], Any]] = []
        self.notices: list[tuple[str, dict[str, Any]]] = []  # what the system tells afterwards
        self.before = values_of(situation.case)

    @property
    def case(self) -> Case:
        """The locked case."""
        return self.situation.case

    @property
    def actor(self) -> User | None:
        """Who acts; None is the system."""
        return self.situation.actor

    @property
    def principal(self) -> User | None:
        """For whom they act, where a duty was handed over."""
        return self.situation.actor.principal if self.situation.actor else None

    @property
    def now(self) -> datetime:
        """The moment of the act."""
        return self.situation.now

    @property
    def fields(self) -> dict[str, Any]:
        """The fields as read."""
        return self.situation.fields

    @property
    def request(self) -> ApprovalRequest | None:
        """The open request this act decides."""
        return self.situation.open_request(self.arrow.request[1]) if self.arrow.request else None

    @property
    def changed_fields(self) -> list[str]:
        """The fields of the case that are no longer as they were found."""
        now = values_of(self.case)
        return [name for name, old in self.before.items() if now[name] is not old != now[name]]

    def note(self, name: str, old: Any, new: Any) -> None:
        """Keep a change of a code in the history."""
        self.data.setdefault("changed", {})[name] = [old, new]


def values_of(case: Case) -> dict[str, Any]:
    """Return what an act may change, by field."""
    return {name: getattr(case, attribute) for name, attribute in ATTRIBUTES}
