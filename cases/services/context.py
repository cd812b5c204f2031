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

    @property
    def case(self) -> Case:
        """The locked case."""
        return self.situation.case

    @property
    def actor(self) -> User | None:
        """Who acts; None is the system."""
        return self.situation.actor

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

    def note(self, name: str, old: Any, new: Any) -> None:
        """Keep a change of a code in the history."""
        self.data.setdefault("changed", {})[name] = [old, new]
