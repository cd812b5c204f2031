"""What belongs to a case, each part read at most once for an instance of the case.

The door reads clocks and requests, changes them and adds to them here, so that whoever answers
afterwards need not ask the database again.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from operator import attrgetter
from typing import Any

from cases.models import (
    ApprovalRequest,
    Case,
    CaseClock,
    CaseEvent,
    CasePerson,
    CasePhoto,
    LeaderInstruction,
    SupervisionOrder,
)
from cases.models.work import OrderFromAbove
from common.prepared import Prepared, Slot

CLOCKS = Prepared(CaseClock.objects.filter(case=Slot("case")).order_by())
REQUESTS = Prepared(
    ApprovalRequest.objects.filter(case=Slot("case"))
    .select_related("asked_by", "decided_by")
    .order_by()
)
PHOTOS = Prepared(CasePhoto.objects.filter(case=Slot("case")).select_related("photo").order_by())

EVENTS = Prepared(
    CaseEvent.objects.filter(case=Slot("case"))
    .select_related("actor", "principal", "organisation", "text")
    .order_by("sequence")
)
GIVEN_BY = {SupervisionOrder: "order_supervision", LeaderInstruction: "instruct"}
ORDERS: dict[type[OrderFromAbove], Prepared[Any]] = {
    model: Prepared(
        model.objects.filter(case=Slot("case")).select_related("given_by", "replied_by").order_by()
    )
    for model in (SupervisionOrder, LeaderInstruction)
}

by_id = attrgetter("pk")


class CaseParts:
    """Clocks, requests, photos, orders and history of every run, oldest first, and who reported."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.known_events: list[CaseEvent] | None = None  # once somebody has read them
        self._orders: dict[type[OrderFromAbove], list[Any]] = {}

    @cached_property
    def clocks(self) -> list[CaseClock]:
        """Every clock."""
        return sorted(CLOCKS(case=self.case.pk), key=by_id)

    @cached_property
    def requests(self) -> list[ApprovalRequest]:
        """Every request, decided or not."""
        return sorted(REQUESTS(case=self.case.pk), key=by_id)

    @cached_property
    def photos(self) -> list[CasePhoto]:
        """Every photo's place in the case, with the photo."""
        return sorted(PHOTOS(case=self.case.pk), key=by_id)

    def orders(self, model: type[OrderFromAbove]) -> list[Any]:
        """Every supervision order, or leader's instruction; no query if none was given."""
        if model not in self._orders:
            known, given_by = self.known_events, GIVEN_BY[model]
            never = known is not None and all(event.action != given_by for event in known)
            found = [] if never else ORDERS[model](case=self.case.pk)
            self._orders[model] = sorted(found, key=by_id)
        return self._orders[model]

    def read_events(self) -> list[CaseEvent]:
        """Read what happened by now, first to last, with people and texts."""
        self.known_events = EVENTS(case=self.case.pk)
        return self.known_events

    @cached_property
    def person(self) -> CasePerson | None:
        """Who reported, as they named themselves."""
        return getattr(self.case, "person", None)

    def photos_added(self, photos: Iterable[CasePhoto]) -> None:
        """Keep the photos known up to date; those never asked for need not be."""
        if "photos" in self.__dict__:
            self.photos.extend(photos)


def parts_of(case: Case) -> CaseParts:
    """Return the parts kept with this instance."""
    if case.known_parts is None:
        case.known_parts = CaseParts(case)
    return case.known_parts


def no_parts_yet(case: Case) -> CaseParts:
    """Return the parts of a case that is being reported: there is nothing to ask for."""
    parts = case.known_parts = CaseParts(case)
    parts.clocks, parts.requests, parts.photos, parts.person = [], [], [], None
    return parts
